/* SPDX-License-Identifier: MIT */
/* Mappings: rounding, alignment, zeroes, counts, misuse, no memory. */
#include "big/mapping.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

#include "base/constants.h"
#include "big/big_cache.h"
#include "os/os_memory.h"
#include "region/region_map.h"
#include "support/child.h"
#include "support/expect.h"
#include "support/os_fault.h"
#include "support/random.h"

static void start(void) {
    cr_assert(hak_region_init(true));
    hak_big_cache_init();
}

static void check_rounding(size_t size) {
    size_t rounded = hak_mapping_round_size(size);
    expect(rounded >= size, "%zu to %zu", size, rounded);
    expect(rounded % HAK_GRANULE_SIZE_BYTES == 0, "%zu to %zu", size, rounded);
    size_t least = size > 4 * HAK_MIB ? 2 * HAK_MIB : HAK_GRANULE_SIZE_BYTES;
    expect(rounded - size < least || rounded - size < size / 8 + 1,
           "%zu to %zu: more than an eighth", size, rounded);
    expect(hak_mapping_round_size(rounded) == rounded, "%zu to %zu, to %zu", size, rounded,
           hak_mapping_round_size(rounded));
    expect(rounded == 0 || hak_mapping_round_size(rounded - 1) <= rounded, "not monotonous at %zu",
           rounded);
}

Test(mapping, rounded_sizes_cover_closely_and_are_fixed_points) {
    struct test_random random;
    test_random_init(&random, 14);
    for (size_t size = HAK_MIB; size <= 20 * HAK_MIB; size += 4093) {
        check_rounding(size);
    }
    for (unsigned shift = 20; shift < 62; shift++) {
        for (int edge = -1; edge <= 1; edge++) {
            check_rounding(((size_t)1 << shift) + (size_t)edge);
        }
        for (int i = 0; i < 200; i++) {
            check_rounding(((size_t)1 << shift) + test_random_next(&random) % ((size_t)1 << shift));
        }
    }
}

/* Few sizes: eight to a doubling above 8 steps of a granule, fewer where these would be
 * less than 2 MiB for what has more than 4 MiB. */
Test(mapping, rounded_sizes_are_eight_to_a_doubling_at_most) {
    for (unsigned shift = 20; shift < 40; shift++) {
        uint32_t count = 0;
        for (size_t size = (size_t)1 << shift; size < (size_t)2 << shift; count++) {
            size = hak_mapping_round_size(size + 1);
            expect(size <= 4 * HAK_MIB || size % (2 * HAK_MIB) == 0, "%zu", size);
        }
        expect(count == (shift == 22 ? 2 : shift == 23 ? 4 : 8), "%u from 2^%u on", count, shift);
    }
}

Test(mapping, sizes_that_cannot_be_are_zero) {
    static const size_t sizes[] = {HAK_SIZE_MAX_BYTES, HAK_SIZE_MAX_BYTES + 1, SIZE_MAX,
                                   SIZE_MAX - 4096, HAK_SIZE_MAX_BYTES - 4096};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        expect(hak_mapping_round_size(sizes[i]) == 0, "%zu", sizes[i]);
    }
}

Test(mapping, aligned_zero_registered_and_counted, .init = start) {
    struct hak_mapping_counts before, after;
    for (size_t alignment = 8; alignment <= 64 * HAK_MIB; alignment *= 2) {
        bool is_zero = false;
        hak_mapping_count(&before);
        char *block = hak_mapping_alloc(HAK_MIB + 5, alignment, &is_zero);
        expect(block != NULL && (uintptr_t)block % alignment == 0 &&
                   (uintptr_t)block % HAK_SUPERSLAB_SIZE_BYTES == 0,
               "%p for %zu", (void *)block, alignment);
        expect(hak_region_kind(block) == HAK_KIND_MAPPING, "kind %d", hak_region_kind(block));
        size_t size = hak_mapping_size_bytes(block);
        expect(size == hak_mapping_round_size(HAK_MIB + 5), "size %zu", size);
        for (size_t at = 0; is_zero && at < size; at += 4096) {
            expect(block[at] == 0, "not zero at %zu", at);
        }
        memset(block, 7, size);
        hak_mapping_count(&after);
        expect(after.live_count == before.live_count + 1 &&
                   after.live_bytes == before.live_bytes + size,
               "%lu live", after.live_count);
        hak_mapping_free(block);
        hak_mapping_count(&after);
        expect(after.live_count == before.live_count && after.live_bytes == before.live_bytes,
               "%lu live", after.live_count);
        expect(hak_region_kind(block) == HAK_KIND_NONE, "kind %d", hak_region_kind(block));
    }
}

Test(mapping, only_its_start_is_the_block, .init = start) {
    bool is_zero;
    char *block = hak_mapping_alloc(3 * HAK_MIB, 8, &is_zero);
    cr_assert_not_null(hak_mapping_record(block));
    cr_assert_null(hak_mapping_record(block + 16));
    cr_assert_eq(hak_mapping_size_bytes(block + 16), 0);
    cr_assert_eq(hak_region_kind(block + HAK_GRANULE_SIZE_BYTES), HAK_KIND_NONE);
}

Test(mapping, impossible_sizes_give_null, .init = start) {
    bool is_zero;
    int64_t held = test_os_held_bytes();
    cr_assert_null(hak_mapping_alloc(HAK_SIZE_MAX_BYTES, 8, &is_zero));
    cr_assert_null(hak_mapping_alloc((size_t)1 << 50, 8, &is_zero));
    cr_assert_null(hak_mapping_alloc(2 * HAK_MIB, (size_t)1 << 60, &is_zero));
    cr_assert_leq(test_os_held_bytes() - held, (int64_t)HAK_MIB, "the arena's chunk");
}

/* Every call that making one needs fails in turn. */
Test(mapping, without_memory_nothing_is_lost) {
    bool is_zero;
    struct hak_mapping_counts counts;
    cr_assert(hak_region_init(false)); /* a leaf can be missing */
    hak_big_cache_init();
    int64_t held = test_os_held_bytes();
    test_os_fail_at(TEST_OS_ALL, 1, 1);
    cr_assert_null(hak_mapping_alloc(2 * HAK_MIB, 8, &is_zero));
    cr_assert_eq(test_os_held_bytes(), held);
    test_os_fail_at(TEST_OS_RESERVE, 2, 0);
    cr_assert_null(hak_mapping_alloc(2 * HAK_MIB, 8, &is_zero));
    cr_assert_eq(test_os_held_bytes() - held, (int64_t)HAK_MIB, "the arena's chunk only");
    test_os_fail_at(TEST_OS_RESERVE_SPARSE, 1, 0);
    cr_assert_null(hak_mapping_alloc(2 * HAK_MIB, 8, &is_zero));
    cr_assert_eq(test_os_held_bytes() - held, (int64_t)HAK_MIB, "the arena's chunk only");
    hak_mapping_count(&counts);
    cr_assert_eq(counts.live_count, 0);
    test_os_recover();
    cr_assert_not_null(hak_mapping_alloc(2 * HAK_MIB, 8, &is_zero));
}

/* There is no memory for 112 MiB, but for 100; it goes and comes like any other. */
Test(mapping, size_is_close_where_the_rounded_one_cannot_be, .init = start) {
    bool is_zero;
    hak_mapping_free(hak_mapping_alloc(2 * HAK_MIB, 64 * HAK_MIB, &is_zero)); /* not cached */
    for (int plain = 0; plain < 2; plain++) {
        int64_t held = test_os_held_bytes();
        test_os_fail_at(TEST_OS_RESERVE, 1, 0);
        char *block = hak_mapping_alloc(99 * HAK_MIB, plain ? 8 : 8 * HAK_MIB, &is_zero);
        cr_assert_eq(test_os_failed_count(), 1);
        cr_assert_not_null(block);
        cr_assert_eq(hak_mapping_size_bytes(block), 100 * HAK_MIB);
        cr_assert(is_zero);
        memset(block, 7, 100 * HAK_MIB);
        hak_mapping_free(block);
        cr_assert_eq(hak_big_cache_trim(), plain ? 1 : 0);
        cr_assert_eq(test_os_held_bytes(), held);
    }
}

Test(mapping, sizes_of_few_steps_are_tried_once, .init = start) {
    bool is_zero;
    hak_mapping_free(hak_mapping_alloc(2 * HAK_MIB, 8, &is_zero));
    hak_big_cache_trim();
    for (size_t size = 2 * HAK_MIB; size <= 16 * HAK_MIB; size += HAK_MIB) {
        test_os_fail_at(TEST_OS_RESERVE, 1, 0);
        expect(hak_mapping_alloc(size, 8, &is_zero) == NULL, "%zu", size);
    }
}

/* --- For the small tiers ------------------------------------------------------ */

static void cache_one(size_t size_bytes) {
    bool is_zero;
    char *block = hak_mapping_alloc(size_bytes, 8, &is_zero);
    memset(block, 7, size_bytes);
    hak_mapping_free(block);
}

static size_t cached_bytes(void) {
    struct hak_big_cache_counts counts;
    hak_big_cache_count(&counts);
    return counts.cached_bytes;
}

/* Of 10 MiB five pieces can be had, then none; all that is left of them is the caller's. */
Test(mapping, pieces_of_cached_ones_are_had_until_none_is_left, .init = start) {
    const size_t piece = HAK_SUPERSLAB_SIZE_BYTES;
    char *base;
    size_t count = 0;
    cache_one(10 * HAK_MIB);
    int64_t held = test_os_held_bytes();
    while ((base = hak_mapping_take_cached()) != NULL) {
        count++;
        cr_assert_eq((uintptr_t)base % piece, 0);
        cr_assert_eq(base[0], 7);
        cr_assert_eq(base[piece - 1], 7);
        cr_assert_null(hak_region_owner(base), "nobody else knows it");
        cr_assert_eq(cached_bytes(), (5 - count) * piece);
        cr_assert_eq(test_os_held_bytes(), held);
        hak_os_release(base, piece);
        held = test_os_held_bytes();
    }
    cr_assert_eq(count, 5);
}

/* What is no multiple of 2 MiB goes back, and so does a mapping that is less than that. */
Test(mapping, what_is_left_beside_a_piece_goes_back, .init = start) {
    int64_t held = test_os_held_bytes();
    cache_one(3 * HAK_MIB);
    char *base = hak_mapping_take_cached();
    cr_assert_not_null(base);
    cr_assert_eq(base[HAK_SUPERSLAB_SIZE_BYTES - 1], 7);
    hak_os_release(base, HAK_SUPERSLAB_SIZE_BYTES);
    cache_one(HAK_MIB + HAK_MIB / 2);
    cr_assert_null(hak_mapping_take_cached());
    cr_assert_eq(cached_bytes(), 0);
    cr_assert_leq(test_os_held_bytes() - held, (int64_t)HAK_MIB, "the arena's chunk only");
}

/* --- Misuse ---------------------------------------------------------------- */

static struct test_child child;

static void free_inside(void *offset) {
    bool is_zero;
    start();
    hak_mapping_free((char *)hak_mapping_alloc(2 * HAK_MIB, 8, &is_zero) + *(size_t *)offset);
}

static void free_twice(void *unused) {
    bool is_zero;
    (void)unused;
    start();
    void *block = hak_mapping_alloc(2 * HAK_MIB, 8, &is_zero);
    hak_mapping_free(block);
    hak_mapping_free(block);
}

Test(mapping, freeing_inside_is_reported) {
    for (size_t offset = 16; offset <= HAK_MIB; offset *= 16) {
        test_child_run(&child, free_inside, &offset);
        cr_assert_eq(child.signal, SIGABRT);
        cr_assert_not_null(strstr(child.text, "pointer is not the start of a block"), "%s",
                           child.text);
    }
}

Test(mapping, freeing_twice_is_reported) {
    test_child_run(&child, free_twice, NULL);
    cr_assert_eq(child.signal, SIGABRT);
    cr_assert_not_null(strstr(child.text, "double free: the block is free already"), "%s",
                       child.text);
}
