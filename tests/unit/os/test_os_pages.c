/* SPDX-License-Identifier: MIT */
/* The memory half of the OS contract where the kernel's pages are larger than the
 * smallest: this kernel, with a getauxval() that says so and an madvise() that does
 * to addresses and lengths what such a kernel does. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "base/bitmap.h"
#include "base/constants.h"
#include "hakmem.h"
#include "os/os_memory.h"
#include "support/expect.h"

enum { STEP = HAK_OS_PAGE_SIZE_BYTES, LARGEST = 65536, SPAN = 4 * LARGEST };

static size_t page_bytes; /* at first what TEST_PAGE_BYTES says, before main */

unsigned long __real_getauxval(unsigned long type);
unsigned long __wrap_getauxval(unsigned long type);
unsigned long __wrap_getauxval(unsigned long type) {
    const char *at_start = getenv("TEST_PAGE_BYTES");
    if (page_bytes == 0) {
        page_bytes = at_start != NULL ? strtoul(at_start, NULL, 10) : STEP;
    }
    return type == AT_PAGESZ ? page_bytes : __real_getauxval(type);
}

int __real_madvise(void *address, size_t size_bytes, int advice);
int __wrap_madvise(void *address, size_t size_bytes, int advice);
int __wrap_madvise(void *address, size_t size_bytes, int advice) {
    if ((uintptr_t)address % page_bytes != 0) {
        errno = EINVAL;
        return -1;
    }
    return __real_madvise(address, (size_t)hak_round_up(size_bytes, page_bytes), advice);
}

static void expect_purged(char *base, size_t from, size_t to) {
    memset(base, 7, SPAN);
    hak_os_purge(base + from, to - from);
    for (size_t i = 0; i < SPAN; i += 64) {
        int wanted = i >= from && i < to ? 0 : 7;
        expect(base[i] == wanted && base[i + 63] == wanted,
               "pages of %zu: purging %zu to %zu left %d at %zu", page_bytes, from, to, base[i], i);
    }
}

Test(os_pages, a_purge_zeroes_its_range_and_nothing_beside, .timeout = 60) {
    char *base = hak_os_reserve(SPAN, LARGEST);
    for (page_bytes = STEP; page_bytes <= LARGEST; page_bytes *= 4) {
        for (size_t from = 0; from < SPAN; from += 5 * STEP) {
            for (size_t to = from + STEP; to < SPAN; to += 3 * STEP) {
                expect_purged(base, from, to);
            }
            expect_purged(base, from, SPAN);
        }
    }
    page_bytes = STEP;
    hak_os_release(base, SPAN);
}

Test(os_pages, valloc_is_aligned_to_the_kernels_pages) {
    for (page_bytes = STEP; page_bytes <= LARGEST; page_bytes *= 4) {
        void *block = hak_valloc(100), *whole = hak_pvalloc(page_bytes + 1);
        expect((uintptr_t)block % page_bytes == 0 && (uintptr_t)whole % page_bytes == 0, "%p, %p",
               block, whole);
        expect(hak_malloc_usable_size(whole) >= 2 * page_bytes, "%zu usable",
               hak_malloc_usable_size(whole));
        hak_free(block);
        hak_free(whole);
    }
}
