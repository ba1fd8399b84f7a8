/* SPDX-License-Identifier: MIT */
/*
 * Mappings that the code under test made before the first schedule, say in a constructor. Their
 * touched pages are saved when the engine opens and put back before each schedule; the others are
 * handed back to the kernel, so that they are zero again.
 */
#include "engine.h"

#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#define RANGES_MAX 256u
#define PAGES_MAX 16384u
#define OS_PAGE_BYTES ((uintptr_t)4096)

struct early_range {
    uintptr_t start, end;
};

struct early_page {
    uintptr_t at;
    char *saved;
};

HUNT_STATE static struct early_range ranges[RANGES_MAX];
HUNT_STATE static unsigned range_count;
HUNT_STATE static struct early_page *pages; /* ascending within each range */
HUNT_STATE static unsigned page_count;
HUNT_STATE static bool is_closed;

int __real_madvise(void *addr, size_t length, int advice);
void *__real_memcpy(void *to, const void *from, size_t size_bytes);

static uintptr_t page_up(uintptr_t addr) {
    return (addr + OS_PAGE_BYTES - 1) & ~(OS_PAGE_BYTES - 1);
}

void hunt_early_map(const void *addr, size_t length) {
    if (!is_closed && range_count < RANGES_MAX)
        ranges[range_count++] =
            (struct early_range){(uintptr_t)addr, page_up((uintptr_t)addr + length)};
}

/* Allocators map too much and cut it to the alignment they want: a range may lose an end or its
 * middle. */
void hunt_early_unmap(const void *addr, size_t length) {
    uintptr_t start = (uintptr_t)addr, end = page_up(start + length);
    for (unsigned i = 0; !is_closed && i < range_count; i++) {
        struct early_range range = ranges[i];
        if (start >= range.end || end <= range.start)
            continue;
        ranges[i].end = start > range.start ? start : range.start;
        if (end < range.end && range_count < RANGES_MAX)
            ranges[range_count++] = (struct early_range){end, range.end};
    }
}

bool hunt_early_owns(const void *addr) {
    for (unsigned i = 0; i < range_count; i++)
        if ((uintptr_t)addr >= ranges[i].start && (uintptr_t)addr < ranges[i].end)
            return true;
    return false;
}

/* process_vm_readv, for it fails where a plain read of a protected page would crash. */
static bool save_page(uintptr_t at) {
    char *copy = hunt_os_reserve_state(OS_PAGE_BYTES);
    struct iovec to = {copy, OS_PAGE_BYTES}, from = {(void *)at, OS_PAGE_BYTES};
    if (copy == NULL || page_count == PAGES_MAX)
        return false;
    if (process_vm_readv(getpid(), &to, 1, &from, 1, 0) == (ssize_t)OS_PAGE_BYTES)
        pages[page_count++] = (struct early_page){at, copy};
    return true;
}

#define WINDOW_PAGES 4096u /* one mincore call; reservations may be gigabytes */

static bool save_range(const struct early_range *range) {
    static HUNT_STATE unsigned char resident[WINDOW_PAGES];
    for (uintptr_t at = range->start; at < range->end; at += WINDOW_PAGES * OS_PAGE_BYTES) {
        uintptr_t left = (range->end - at) / OS_PAGE_BYTES;
        uintptr_t count = left < WINDOW_PAGES ? left : WINDOW_PAGES;
        if (mincore((void *)at, count * OS_PAGE_BYTES, resident) != 0)
            continue;
        for (uintptr_t i = 0; i < count; i++)
            if ((resident[i] & 1) != 0 && !save_page(at + i * OS_PAGE_BYTES))
                return false;
    }
    return true;
}

bool hunt_early_open(void) {
    if (is_closed || range_count == 0)
        return is_closed = true;
    is_closed = true;
    pages = hunt_os_reserve_state(PAGES_MAX * sizeof *pages);
    for (unsigned i = 0; pages != NULL && i < range_count; i++)
        if (!save_range(&ranges[i]))
            return false;
    return pages != NULL;
}

static void drop(uintptr_t start, uintptr_t end) {
    if (start < end)
        __real_madvise((void *)start, end - start, MADV_DONTNEED);
}

void hunt_early_restore(void) {
    unsigned next = 0;
    for (unsigned i = 0; i < range_count; i++) {
        uintptr_t at = ranges[i].start;
        for (; next < page_count && pages[next].at >= at && pages[next].at < ranges[i].end;
             next++) {
            drop(at, pages[next].at);
            __real_memcpy((void *)pages[next].at, pages[next].saved, OS_PAGE_BYTES);
            at = pages[next].at + OS_PAGE_BYTES;
        }
        drop(at, ranges[i].end);
    }
}
