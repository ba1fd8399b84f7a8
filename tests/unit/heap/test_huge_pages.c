/* SPDX-License-Identifier: MIT */
/* Where every new mapping gets huge pages unasked (transparent_hugepage/enabled is `always`),
 * a process and a thread that allocate little stay small: this system, with an mmap() that
 * asks for them each time. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/constants.h"
#include "hakmem.h"
#include "meta/meta.h"
#include "os/os_memory.h"

enum { PAGE = HAK_OS_PAGE_SIZE_BYTES, PAGES_MAX = HAK_SUPERSLAB_SIZE_BYTES / PAGE };

void *__real_mmap(void *address, size_t size, int protection, int flags, int file, off_t offset);
void *__wrap_mmap(void *address, size_t size, int protection, int flags, int file, off_t offset);
void *__wrap_mmap(void *address, size_t size, int protection, int flags, int file, off_t offset) {
    void *p = __real_mmap(address, size, protection, flags, file, offset);
    if (p != MAP_FAILED) {
        madvise(p, size, MADV_HUGEPAGE);
    }
    return p;
}

/* Of 2 MiB, or less. */
static size_t resident_pages(const void *start, size_t size_bytes) {
    unsigned char states[PAGES_MAX];
    size_t count = 0;
    cr_assert_eq(mincore((void *)(uintptr_t)start, size_bytes, states), 0);
    for (size_t i = 0; i < size_bytes / PAGE; i++) {
        count += states[i] & 1;
    }
    return count;
}

static size_t resident_around(const void *block) {
    uintptr_t base = (uintptr_t)block & ~((uintptr_t)HAK_SUPERSLAB_SIZE_BYTES - 1);
    return resident_pages((void *)base, HAK_SUPERSLAB_SIZE_BYTES);
}

/* A byte is 2 MiB here, or there is nothing to test. */
static void demand_huge_pages(void) {
    char *p = hak_os_reserve(HAK_SUPERSLAB_SIZE_BYTES, HAK_SUPERSLAB_SIZE_BYTES);
    cr_assert_not_null(p);
    p[0] = 1;
    if (resident_around(p) != PAGES_MAX) {
        cr_skip_test("this system gives no huge pages");
    }
}

static void *allocate_little(void *around_out) {
    char *block = hak_malloc(100);
    cr_assert_not_null(block);
    memset(block, 1, 100);
    *(size_t *)around_out = resident_around(block);
    return block; /* lives on: the next thread needs a heap of its own */
}

Test(huge_pages, a_thread_that_allocates_little_stays_small) {
    demand_huge_pages();
    for (int i = 0; i < 4; i++) {
        size_t around = 0;
        pthread_t thread;
        cr_assert_eq(pthread_create(&thread, NULL, allocate_little, &around), 0);
        cr_assert_eq(pthread_join(thread, NULL), 0);
        cr_assert_gt(around, 0);
        cr_assert_lt(around, PAGES_MAX / 8, "%zu pages are resident", around);
    }
}

/* What is going to be filled is better in huge pages. */
Test(huge_pages, the_next_superslab_has_them) {
    size_t most = 0;
    demand_huge_pages();
    for (size_t i = 0; i < 3 * HAK_SUPERSLAB_SIZE_BYTES / 1024 && most < PAGES_MAX; i++) {
        char *block = hak_malloc(1000);
        cr_assert_not_null(block);
        block[0] = 1;
        size_t around = i % 256 == 0 ? resident_around(block) : 0;
        most = around > most ? around : most;
    }
    cr_assert_eq(most, PAGES_MAX);
}

Test(huge_pages, sparse_tables_have_none) {
    demand_huge_pages();
    char *p = hak_os_reserve_sparse(4 * HAK_SUPERSLAB_SIZE_BYTES);
    cr_assert_not_null(p);
    p[2 * HAK_SUPERSLAB_SIZE_BYTES] = 1;
    cr_assert_eq(resident_around(p + 2 * HAK_SUPERSLAB_SIZE_BYTES), 1);
}

/* What the kernel knows of the area that an address lies in; two letters stand for each. */
static bool area_has(const void *address, const char *letters) {
    uintptr_t start = 0, end = 0;
    bool has = false;
    char line[512];
    FILE *file = fopen("/proc/self/smaps", "r");
    cr_assert_not_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        char *rest, *dash = line;
        uintptr_t first = strtoul(line, &dash, 16);
        if (*dash == '-') {
            start = first;
            end = strtoul(dash + 1, &rest, 16);
        }
        if ((uintptr_t)address >= start && (uintptr_t)address < end &&
            strncmp(line, "VmFlags:", 8) == 0) {
            has = strstr(line, letters) != NULL;
        }
    }
    fclose(file);
    return has;
}

/* Its chunks of 1 MiB are neighbours: together they would do for a huge page, which the
 * kernel makes of scattered pages later on. */
Test(huge_pages, metadata_has_none) {
    demand_huge_pages();
    char *other = hak_os_reserve(HAK_SUPERSLAB_SIZE_BYTES, HAK_SUPERSLAB_SIZE_BYTES);
    cr_assert(area_has(other, " hg") && !area_has(other, " nh"), "the kernel does not tell");
    for (int i = 0; i < 20; i++) {
        char *memory = hak_meta_alloc(HAK_META_SIZE_MAX_BYTES);
        cr_assert_not_null(memory);
        cr_assert(area_has(memory, " nh"), "%p", (void *)memory);
    }
}
