/* SPDX-License-Identifier: MIT */
/* Resizing mappings: in place, moved, refused; contents kept in each case. */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>

#include "base/constants.h"
#include "big/big_cache.h"
#include "big/mapping.h"
#include "os/os_memory.h"
#include "region/region_map.h"
#include "support/expect.h"
#include "support/os_fault.h"
#include "support/random.h"

enum { STRIDE = 4096 };

static void start(void) {
    cr_assert(hak_region_init(true));
    hak_big_cache_init();
}

static char *alloc(size_t size_bytes) {
    bool is_zero;
    char *block = hak_mapping_alloc(size_bytes, 8, &is_zero);
    cr_assert_not_null(block);
    return block;
}

/* A word a page, different in each. */
static void fill(char *block, size_t size_bytes) {
    for (size_t at = 0; at + sizeof at <= size_bytes; at += STRIDE) {
        memcpy(block + at, &at, sizeof at);
    }
}

static void expect_filled(const char *block, size_t size_bytes) {
    for (size_t at = 0; at + sizeof at <= size_bytes; at += STRIDE) {
        size_t found;
        memcpy(&found, block + at, sizeof found);
        expect(found == at, "%p at %zu: %zu", (const void *)block, at, found);
    }
}

/* Where it is now, with that size, it and nothing else is registered. */
static void expect_sized(const char *block, size_t size) {
    struct hak_mapping_counts counts;
    expect(hak_mapping_size_bytes(block) == size, "%zu, not %zu", hak_mapping_size_bytes(block),
           size);
    expect(hak_region_kind(block) == HAK_KIND_MAPPING, "kind %d", hak_region_kind(block));
    expect((uintptr_t)block % HAK_SUPERSLAB_SIZE_BYTES == 0, "%p", (const void *)block);
    hak_mapping_count(&counts);
    expect(counts.live_count == 1 && counts.live_bytes == size, "%lu live, %lu bytes",
           counts.live_count, counts.live_bytes);
}

static void expect_at(const char *block, size_t asked) {
    expect_sized(block, hak_mapping_round_size(asked));
}

static void expect_gone(const char *old) {
    expect(hak_region_kind(old) == HAK_KIND_NONE, "kind %d", hak_region_kind(old));
    expect(hak_region_owner(old) == NULL, "%p still has an owner", (const void *)old);
}

Test(mapping_resize, shrinks_in_place_and_gives_the_end_back, .init = start) {
    char *block = alloc(16 * HAK_MIB);
    fill(block, 16 * HAK_MIB);
    int64_t held = test_os_held_bytes();
    cr_assert_eq(hak_mapping_resize(block, 3 * HAK_MIB), block);
    expect_at(block, 3 * HAK_MIB);
    expect_filled(block, 3 * HAK_MIB);
    cr_assert_eq(held - test_os_held_bytes(), 13 * (int64_t)HAK_MIB);
}

Test(mapping_resize, same_rounded_size_is_no_work, .init = start) {
    char *block = alloc(3 * HAK_MIB - 5);
    test_os_fail_at(TEST_OS_ALL, 1, 1);
    cr_assert_eq(hak_mapping_resize(block, 3 * HAK_MIB), block);
    cr_assert_eq(test_os_failed_count(), 0);
}

Test(mapping_resize, grows_in_place_where_the_space_is_free, .init = start) {
    char *block = alloc(16 * HAK_MIB);
    cr_assert_eq(hak_mapping_resize(block, 4 * HAK_MIB), block); /* makes room behind it */
    fill(block, 4 * HAK_MIB);
    cr_assert_eq(hak_mapping_resize(block, 14 * HAK_MIB), block);
    expect_at(block, 14 * HAK_MIB);
    expect_filled(block, 4 * HAK_MIB);
    for (size_t at = 4 * HAK_MIB; at < 14 * HAK_MIB; at += STRIDE) {
        expect(block[at] == 0, "not zero at %zu", at);
    }
}

Test(mapping_resize, moves_where_it_is_not, .init = start) {
    char *block = alloc(4 * HAK_MIB);
    fill(block, 4 * HAK_MIB);
    int64_t held = test_os_held_bytes();
    test_os_fail_at(TEST_OS_RESIZE, 1, 1);
    char *moved = hak_mapping_resize(block, 10 * HAK_MIB);
    cr_assert_eq(test_os_failed_count(), 1);
    cr_assert(moved != NULL && moved != block);
    expect_at(moved, 10 * HAK_MIB);
    expect_gone(block);
    expect_filled(moved, 4 * HAK_MIB);
    cr_assert_eq(test_os_held_bytes() - held, 6 * (int64_t)HAK_MIB);
    cr_assert_eq(moved[10 * HAK_MIB - 1], 0);
    moved[10 * HAK_MIB - 1] = 1;
    hak_mapping_free(moved);
}

/* A shrink that the OS refuses in place moves too. */
Test(mapping_resize, moves_to_shrink_if_it_must, .init = start) {
    char *block = alloc(9 * HAK_MIB);
    fill(block, 9 * HAK_MIB);
    test_os_fail_at(TEST_OS_RESIZE, 1, 1);
    char *moved = hak_mapping_resize(block, 4 * HAK_MIB);
    cr_assert(moved != NULL && moved != block);
    expect_at(moved, 4 * HAK_MIB);
    expect_filled(moved, 4 * HAK_MIB);
    expect_gone(block);
}

Test(mapping_resize, keeps_its_alignment_when_it_moves, .init = start) {
    bool is_zero;
    const size_t alignment = 32 * HAK_MIB;
    char *block = hak_mapping_alloc(2 * HAK_MIB, alignment, &is_zero);
    test_os_fail_at(TEST_OS_RESIZE, 1, 1);
    char *moved = hak_mapping_resize(block, 5 * HAK_MIB);
    cr_assert(moved != NULL && moved != block);
    cr_assert_eq((uintptr_t)moved % alignment, 0);
}

/* Put together of two cached ones of 4 MiB, and 2 MiB that are new. */
static char *alloc_grafted(void) {
    char *first = alloc(4 * HAK_MIB), *second = alloc(4 * HAK_MIB);
    memset(first, 1, 4 * HAK_MIB);
    memset(second, 1, 4 * HAK_MIB);
    hak_mapping_free(first);
    hak_mapping_free(second);
    char *block = alloc(10 * HAK_MIB);
    cr_assert_eq(block[8 * HAK_MIB - 1], 1, "it is put together");
    fill(block, 10 * HAK_MIB);
    return block;
}

Test(mapping_resize, what_was_put_together_shrinks_and_grows_in_place, .init = start) {
    char *block = alloc_grafted();
    int64_t held = test_os_held_bytes();
    cr_assert_eq(hak_mapping_resize(block, 3 * HAK_MIB), block);
    expect_at(block, 3 * HAK_MIB);
    cr_assert_eq(hak_mapping_resize(block, 8 * HAK_MIB), block);
    expect_at(block, 8 * HAK_MIB);
    expect_filled(block, 3 * HAK_MIB);
    cr_assert_eq(block[3 * HAK_MIB], 0);
    cr_assert_eq(held - test_os_held_bytes(), 2 * (int64_t)HAK_MIB);
}

/* By the kernel; or as far as it does, and the rest is copied. */
Test(mapping_resize, what_was_put_together_moves, .init = start) {
    static const size_t sizes[] = {3 * HAK_MIB, 16 * HAK_MIB};
    for (uint32_t refused = 0; refused < 4; refused++) {
        size_t size = sizes[refused % 2];
        char *block = alloc_grafted();
        int64_t held = test_os_held_bytes();
        test_os_fail_at(TEST_OS_RESIZE | (refused >= 2 ? TEST_OS_GRAFT : 0), 1, 1);
        char *moved = hak_mapping_resize(block, size);
        test_os_recover();
        expect(moved != NULL && moved != block, "%p to %p", (void *)block, (void *)moved);
        expect_at(moved, size);
        expect_gone(block);
        expect_filled(moved, size < 10 * HAK_MIB ? size : 10 * HAK_MIB);
        expect(test_os_held_bytes() - held == (int64_t)(size - 10 * HAK_MIB), "%u: %ld bytes",
               refused, (long)(test_os_held_bytes() - held));
        hak_mapping_free(moved);
        hak_big_cache_trim();
    }
}

/* Moved once, it consists of several areas still. */
Test(mapping_resize, what_was_put_together_moves_again, .init = start) {
    char *block = alloc_grafted();
    for (size_t size = 12 * HAK_MIB; size <= 40 * HAK_MIB; size += 2 * HAK_MIB) {
        test_os_fail_at(TEST_OS_RESIZE, 1, 1);
        block = hak_mapping_resize(block, size);
        test_os_recover();
        cr_assert_not_null(block);
        expect_at(block, size);
        expect_filled(block, 10 * HAK_MIB);
        memset(block + 10 * HAK_MIB, 1, size - 10 * HAK_MIB);
    }
}

/* A program's advice has split an area where no 2 MiB begin. */
Test(mapping_resize, what_was_put_together_moves_in_spite_of_advice, .init = start) {
    char *block = alloc_grafted();
    cr_assert_eq(madvise(block + 5 * HAK_MIB, HAK_MIB / 2, MADV_DONTDUMP), 0);
    test_os_fail_at(TEST_OS_RESIZE, 1, 1);
    char *moved = hak_mapping_resize(block, 20 * HAK_MIB);
    test_os_recover();
    cr_assert(moved != NULL && moved != block);
    expect_at(moved, 20 * HAK_MIB);
    expect_filled(moved, 10 * HAK_MIB);
}

/* Whatever fails: NULL, the block is where it was, whole, and can go on. */
static void expect_refused(bool flat, uint32_t calls, uint64_t n, const char *what) {
    char *block = alloc(4 * HAK_MIB);
    fill(block, 4 * HAK_MIB);
    int64_t held = test_os_held_bytes();
    test_os_fail_at(calls, n, 1);
    expect(hak_mapping_resize(block, (size_t)1 << 31) == NULL, "%s, flat %d", what, flat);
    expect(test_os_failed_count() > 0, "%s did not fail", what);
    test_os_recover();
    int64_t lost = test_os_held_bytes() - held; /* leaves of the region map stay for later */
    expect(flat ? lost == 0 : lost >= 0 && lost < (int64_t)HAK_MIB, "%s: %ld bytes are lost", what,
           (long)lost);
    expect_at(block, 4 * HAK_MIB);
    expect_filled(block, 4 * HAK_MIB);
    char *grown = hak_mapping_resize(block, 6 * HAK_MIB);
    expect(grown != NULL, "%s", what);
    expect_at(grown, 6 * HAK_MIB);
    expect_filled(grown, 4 * HAK_MIB);
    hak_mapping_free(grown);
    hak_big_cache_trim();
}

Test(mapping_resize, failure_leaves_the_block, .init = start) {
    expect_refused(true, TEST_OS_RESIZE | TEST_OS_RESERVE, 1, "no target");
    expect_refused(true, TEST_OS_RESIZE | TEST_OS_MOVE, 1, "no move");
}

Test(mapping_resize, failure_leaves_the_block_in_two_levels) {
    cr_assert(hak_region_init(false));
    hak_big_cache_init();
    expect_refused(false, TEST_OS_RESIZE | TEST_OS_RESERVE, 1, "no target");
    expect_refused(false, TEST_OS_RESIZE | TEST_OS_MOVE, 1, "no move");
}

/* A target of 600 GiB lies in leaves that nothing else is in. */
Test(mapping_resize, failure_for_want_of_a_leaf_leaves_the_block) {
    cr_assert(hak_region_init(false));
    hak_big_cache_init();
    char *block = alloc(4 * HAK_MIB);
    fill(block, 4 * HAK_MIB);
    int64_t held = test_os_held_bytes();
    test_os_fail_at(TEST_OS_RESIZE | TEST_OS_RESERVE_SPARSE, 1, 1);
    char *moved = hak_mapping_resize(block, (size_t)6 << 30);
    test_os_recover();
    if (moved == NULL) { /* or the OS has no such space at all: as good */
        cr_assert_eq(test_os_held_bytes(), held);
        expect_at(block, 4 * HAK_MIB);
        expect_filled(block, 4 * HAK_MIB);
    } else {
        expect_filled(moved, 4 * HAK_MIB);
    }
}

/* What the program did to a part of it may keep the kernel from moving it: then no address
 * space is lost, however often that is tried. */
Test(mapping_resize, moves_that_the_kernel_refuses_lose_no_address_space, .init = start) {
    char *block = alloc(8 * HAK_MIB);
    fill(block, 8 * HAK_MIB);
    cr_assert_eq(madvise(block + HAK_MIB, HAK_MIB, MADV_DONTDUMP), 0);
    size_t reserved = hak_os_reserved_bytes();
    for (int i = 0; i < 20; i++) {
        test_os_fail_at(TEST_OS_RESIZE, 1, 1);
        cr_assert_null(hak_mapping_resize(block, 64 * HAK_MIB));
        test_os_recover();
        cr_assert_eq(hak_os_reserved_bytes(), reserved);
        expect_at(block, 8 * HAK_MIB);
    }
    expect_filled(block, 8 * HAK_MIB);
}

/* There is no memory for 112 MiB, but for 100. */
Test(mapping_resize, size_is_close_where_the_rounded_one_cannot_be, .init = start) {
    char *first = alloc(4 * HAK_MIB), *block = alloc(4 * HAK_MIB);
    cr_assert_lt(block, first); /* so that it cannot grow in place */
    hak_mapping_free(first);    /* into the BigCache, where it stays in the way */
    fill(block, 4 * HAK_MIB);
    test_os_fail_at(TEST_OS_RESERVE, 1, 0);
    char *grown = hak_mapping_resize(block, 99 * HAK_MIB);
    cr_assert_eq(test_os_failed_count(), 1);
    cr_assert_not_null(grown);
    expect_sized(grown, 100 * HAK_MIB);
    expect_filled(grown, 4 * HAK_MIB);
    cr_assert_eq(hak_mapping_resize(grown, 97 * HAK_MIB), grown);
    expect_sized(grown, 100 * HAK_MIB); /* no rounded size is closer */
    cr_assert_eq(hak_mapping_resize(grown, 50 * HAK_MIB), grown);
    expect_at(grown, 50 * HAK_MIB);
    expect_filled(grown, 4 * HAK_MIB);
    hak_mapping_free(grown);
}

Test(mapping_resize, impossible_size_leaves_the_block, .init = start) {
    char *block = alloc(4 * HAK_MIB);
    fill(block, 4 * HAK_MIB);
    cr_assert_null(hak_mapping_resize(block, HAK_SIZE_MAX_BYTES));
    cr_assert_null(hak_mapping_resize(block, (size_t)1 << 50));
    expect_at(block, 4 * HAK_MIB);
    expect_filled(block, 4 * HAK_MIB);
}

Test(mapping_resize, random_sizes_with_random_failures, .init = start, .timeout = 120) {
    struct test_random random;
    char *block = alloc(2 * HAK_MIB);
    size_t size = 2 * HAK_MIB;
    test_random_init(&random, 15);
    fill(block, size);
    for (int i = 0; i < 400; i++) {
        size_t wanted = HAK_MIB + 1 + test_random_below(&random, 24 * 1024 * 1024);
        test_os_fail_at(1u + test_random_below(&random, TEST_OS_ALL),
                        1 + test_random_below(&random, 4), 0);
        char *now = hak_mapping_resize(block, wanted);
        test_os_recover();
        if (now != NULL) {
            if (now != block) {
                expect_gone(block);
            }
            expect_filled(now, wanted < size ? wanted : size);
            block = now;
            size = wanted;
            fill(block, size);
        }
        size_t found = hak_mapping_size_bytes(block);
        expect(found >= size && found <= hak_mapping_round_size(size), "%zu for %zu", found, size);
        expect_sized(block, found);
        expect_filled(block, size);
    }
}
