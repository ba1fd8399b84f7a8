/* SPDX-License-Identifier: MIT */
/*
 * The pages behind the mappings of code under test. Giving them back to the kernel after each
 * schedule costs a page fault and a zeroed page for each one that the next schedule touches, which
 * is most of the time that a schedule takes. So they stay: the arena starts without access, the
 * first touch of a page is a signal that makes it writable and notes it, and a new schedule zeroes
 * what is noted. Schedules touch the same few pages, and the signals end after the first ones.
 *
 * A part that is unmapped, or mapped in any unusual way, is closed until the next schedule: a touch
 * there is no first touch but a crash.
 */
#include "engine.h"

#include <string.h>
#include <sys/mman.h>

#define OS_PAGE_BYTES ((uintptr_t)4096)
#define PAGES_MAX 512u        /* kept from schedule to schedule; more go back to the kernel */
#define PAGES_ROOM (1u << 20) /* in one schedule */
#define CLOSED_MAX 1024u
#define SHUT_MAX 512u /* pages without access until the next schedule */

struct closed {
    uintptr_t start, end;
};

HUNT_STATE static uintptr_t *pages; /* readable, writable and perhaps not zero */
HUNT_STATE static uint32_t page_count;
HUNT_STATE static struct closed closed[CLOSED_MAX];
HUNT_STATE static uint32_t closed_count;
HUNT_STATE static uintptr_t shut[SHUT_MAX];
HUNT_STATE static uint32_t shut_count;
HUNT_STATE static uintptr_t arena_start, arena_end;
HUNT_STATE static uintptr_t touched_last;
HUNT_STATE static bool is_unusual; /* the kernel has mappings of this schedule in the arena */

void *__real_mmap(void *addr, size_t length, int protection, int flags, int fd, off_t offset);
int __real_mprotect(void *addr, size_t length, int protection);

static bool forget_all(int how) {
    void *start = (void *)arena_start;
    page_count = shut_count = 0;
    is_unusual = false;
    return __real_mmap(start, arena_end - arena_start, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | how, -1, 0) == start;
}

bool hunt_pages_open(void *start, size_t size_bytes) {
    arena_start = (uintptr_t)start;
    arena_end = arena_start + size_bytes;
    if (pages == NULL)
        pages = hunt_os_reserve_state(PAGES_ROOM * sizeof *pages);
    return pages != NULL && forget_all(MAP_FIXED_NOREPLACE);
}

/* What was unmapped is a page like others again: that is cheaper than a first touch. */
static void reopen(void) {
    for (uint32_t i = 0; i < shut_count; i++)
        if (__real_mprotect((void *)shut[i], OS_PAGE_BYTES, PROT_READ | PROT_WRITE) == 0)
            pages[page_count++] = shut[i];
    shut_count = 0;
}

/* Zeroes what the last schedule may have touched, which was all below `end`. */
void hunt_pages_reset(const void *end) {
    closed_count = 0;
    touched_last = 0;
    if (is_unusual || page_count + shut_count > PAGES_MAX) {
        forget_all(MAP_FIXED);
        return;
    }
    reopen();
    for (uint32_t i = 0; i < page_count; i++)
        if (pages[i] < (uintptr_t)end)
            __real_memset((void *)pages[i], 0, OS_PAGE_BYTES);
}

static bool is_closed(uintptr_t page) {
    for (uint32_t i = 0; i < closed_count; i++)
        if (page >= closed[i].start && page < closed[i].end)
            return true;
    return false;
}

static void close_range(uintptr_t start, uintptr_t end) {
    if (closed_count == CLOSED_MAX)
        hunt_fail(HUNT_MISUSE, 0, "more than %u mappings are undone: make the scenario smaller",
                  CLOSED_MAX);
    closed[closed_count++] = (struct closed){start, end};
}

bool hunt_pages_touch(const void *addr) {
    uintptr_t page = (uintptr_t)addr & ~(OS_PAGE_BYTES - 1);
    if (page < arena_start || page >= arena_end || page_count == PAGES_ROOM || is_closed(page) ||
        !hunt_os_is_mapped(addr))
        return false;
    if (page == touched_last)
        return false; /* it has access: this is something else */
    touched_last = pages[page_count++] = page;
    return __real_mprotect((void *)page, OS_PAGE_BYTES, PROT_READ | PROT_WRITE) == 0;
}

void hunt_pages_zero(uintptr_t start, size_t size_bytes) {
    for (uint32_t i = 0; i < page_count; i++)
        if (pages[i] >= start && pages[i] < start + size_bytes)
            __real_memset((void *)pages[i], 0, OS_PAGE_BYTES);
}

static void drop_access(uintptr_t start, size_t size_bytes) {
    __real_mmap((void *)start, size_bytes, PROT_NONE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
}

static void shut_page(uintptr_t page, size_t size_bytes) {
    if (shut_count == SHUT_MAX || __real_mprotect((void *)page, size_bytes, PROT_NONE) != 0)
        drop_access(page, size_bytes);
    else
        shut[shut_count++] = page;
}

/* Takes the pages of a range off the list. */
static void close_pages(uintptr_t start, uintptr_t end, void (*each)(uintptr_t, size_t)) {
    close_range(start, end);
    for (uint32_t i = 0; i < page_count;) {
        if (pages[i] < start || pages[i] >= end) {
            i++;
            continue;
        }
        if (each != NULL)
            each(pages[i], OS_PAGE_BYTES);
        pages[i] = pages[--page_count];
    }
}

static uintptr_t page_up(uintptr_t addr) {
    return (addr + OS_PAGE_BYTES - 1) & ~(OS_PAGE_BYTES - 1);
}

void hunt_pages_unmap(uintptr_t start, size_t size_bytes) {
    uintptr_t end = page_up(start + size_bytes);
    close_pages(start, end, is_unusual ? NULL : shut_page);
    if (is_unusual)
        drop_access(start, end - start);
}

void hunt_pages_copy(uintptr_t to, uintptr_t from, size_t size_bytes) {
    uint32_t count = page_count;
    if (is_unusual) {
        __real_memmove((void *)to, (void *)from, size_bytes);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        uintptr_t page = pages[i];
        if (page >= from && page < from + size_bytes)
            __real_memmove((void *)(to + (page - from)), (void *)page, OS_PAGE_BYTES);
    }
}

void hunt_pages_leave_to_kernel(uintptr_t start, size_t size_bytes) {
    close_pages(start, page_up(start + size_bytes), NULL);
    is_unusual = true;
}
