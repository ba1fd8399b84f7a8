/* SPDX-License-Identifier: MIT */
/* src/tcache/tcache.c: pop and push, the refill clamp, flushes. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/size_class.h"
#include "unit/tcache/cache.h"

static struct test_cache cache;

Test(tcache, class_64_is_class_4) {
    cr_assert_eq(hak_class_of(64), CLASS_64); /* what the other tests build on */
    cr_assert_eq(hak_class_infos[CLASS_64].capacity_max, 2048);
}

Test(tcache, none_is_empty_and_full_for_every_kind) {
    char block[16];
    for (uint32_t kind = 0; kind < HAK_KIND_COUNT; kind++) {
        cr_assert_null(hak_tcache_pop(&hak_tcache_none, kind));
        cr_assert_not(hak_tcache_push(&hak_tcache_none, kind, block));
        cr_assert_null(hak_tcache_pop(&hak_tcache_none, kind));
    }
}

Test(tcache, unused_class_is_empty_and_full) {
    char block[16];
    test_cache_init(&cache, 0);
    for (uint32_t kind = 0; kind < HAK_KIND_COUNT; kind++) {
        cr_assert_null(hak_tcache_pop(&cache.tcache, kind));
        cr_assert_not(hak_tcache_push(&cache.tcache, kind, block));
    }
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
        cr_assert_eq(test_cache_count(&cache, c), 0);
        cr_assert_eq(test_cache_capacity(&cache, c), 0);
    }
    test_cache_verify(&cache);
}

/* Exactly `capacity` blocks fit, and come back last in, first out. */
Test(tcache, holds_capacity_blocks_for_every_class_and_capacity) {
    for (uint32_t capacity = 16; capacity <= 2048; capacity *= 2) {
        static char blocks[2049];
        test_cache_init(&cache, capacity);
        for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
            uint32_t kind = c + HAK_KIND_CLASS_FIRST, most = hak_class_infos[c].capacity_max;
            uint32_t slots = capacity < most ? capacity : most;
            cr_assert(hak_tcache_open_owned(&cache.tcache, c));
            cr_assert_eq(test_cache_capacity(&cache, c), slots);
            for (uint32_t i = 0; i < slots; i++) {
                cr_assert(hak_tcache_push(&cache.tcache, kind, &blocks[i]));
                cr_assert_eq(test_cache_count(&cache, c), i + 1);
            }
            cr_assert_not(hak_tcache_push(&cache.tcache, kind, &blocks[slots]));
            for (uint32_t i = slots; i > 0; i--) {
                cr_assert_eq(hak_tcache_pop(&cache.tcache, kind), &blocks[i - 1]);
            }
            cr_assert_null(hak_tcache_pop(&cache.tcache, kind));
        }
    }
}

/* --- Refill -------------------------------------------------------------- */

/* available = capacity - count; none: 0; else min(wanted, available). */
static void expect_refill(uint32_t count, uint32_t capacity, uint32_t wanted) {
    uint32_t available = capacity - count;
    uint32_t expected = available == 0 ? 0 : wanted < available ? wanted : available;
    test_cache_open(&cache, CLASS_64, ENOUGH); /* emptied slabs went back meanwhile */
    test_cache_fill(&cache, CLASS_64, count);
    uint64_t refills = cache.tcache.refill_count;
    size_t live = test_cache_live_count(&cache, CLASS_64);
    uint32_t got = hak_tcache_refill_owned(&cache.tcache, &cache.chain, CLASS_64, wanted, 1);
    cr_assert_eq(got, expected, "count %u of %u, wanted %u: %u", count, capacity, wanted, got);
    cr_assert_eq(test_cache_count(&cache, CLASS_64), count + expected);
    cr_assert_eq(test_cache_live_count(&cache, CLASS_64), live + expected);
    cr_assert_eq(cache.tcache.refill_count, refills + (expected != 0));
    hak_tcache_flush_owned(&cache.tcache, &cache.chain, CLASS_64, 0);
    cr_assert_eq(test_cache_live_count(&cache, CLASS_64), 0);
}

Test(refill, is_clamped_at_every_count_and_wanted) {
    for (uint32_t capacity = 16; capacity <= 2048; capacity *= 2) {
        uint32_t step = capacity <= 64 ? 1 : capacity / 32 - 1;
        test_cache_init(&cache, capacity);
        test_cache_open(&cache, CLASS_64, ENOUGH);
        for (uint32_t count = 0; count <= capacity; count += step) {
            uint32_t available = capacity - count;
            const uint32_t wants[] = {0,
                                      1,
                                      2,
                                      available / 2,
                                      available - 1,
                                      available,
                                      available + 1,
                                      capacity - 1,
                                      capacity,
                                      capacity + 1,
                                      2048,
                                      2049,
                                      UINT32_MAX - count,
                                      UINT32_MAX};
            for (size_t i = 0; i < sizeof wants / sizeof wants[0]; i++) {
                expect_refill(count, capacity, wants[i]);
            }
        }
        expect_refill(capacity - 1, capacity, 2);
        expect_refill(capacity, capacity, 1);
        test_cache_verify(&cache);
    }
}

Test(refill, is_clamped_at_every_wanted_up_to_twice_the_capacity) {
    test_cache_init(&cache, 16);
    test_cache_open(&cache, CLASS_64, ENOUGH);
    for (uint32_t count = 0; count <= 16; count++) {
        for (uint32_t wanted = 0; wanted <= 33; wanted++) {
            expect_refill(count, 16, wanted);
        }
    }
}

/* Every class, not only the one above. */
Test(refill, fills_each_class_with_blocks_of_its_own) {
    test_cache_init(&cache, 0);
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
        uint32_t slots =
            hak_class_infos[c].capacity_max < 64 ? hak_class_infos[c].capacity_max : 64;
        test_cache_open(&cache, c, slots);
        cr_assert_eq(hak_tcache_refill_owned(&cache.tcache, &cache.chain, c, 1000, 1), slots);
        cr_assert_eq(test_cache_live_count(&cache, c), slots);
    }
    test_cache_verify(&cache);
}

/* A refill hands out rising addresses: neighbours in time are neighbours. */
Test(refill, pops_rising_addresses) {
    char *previous = NULL, *block;
    test_cache_init(&cache, 0);
    test_cache_open(&cache, CLASS_64, 64);
    hak_tcache_refill_owned(&cache.tcache, &cache.chain, CLASS_64, 64, 1);
    while ((block = hak_tcache_pop(&cache.tcache, KIND_64)) != NULL) {
        cr_assert(block > previous);
        previous = block;
    }
    cr_assert_not_null(previous);
}

Test(refill, without_blocks_at_hand_is_none) {
    test_cache_init(&cache, 0);
    cr_assert(hak_tcache_open_owned(&cache.tcache, CLASS_64));
    cr_assert_eq(hak_tcache_refill_owned(&cache.tcache, &cache.chain, CLASS_64, 8, 1), 0);
    cr_assert_eq(cache.tcache.classes[CLASS_64].sizing.refill_count, 0);
    cr_assert_eq(test_cache_count(&cache, CLASS_64), 0);
}

/* --- Flush --------------------------------------------------------------- */

/* Gives the oldest, keeps the newest in their order. */
Test(flush, keeps_the_newest_at_every_count_and_keep) {
    void *before[65];
    test_cache_init(&cache, 64);
    test_cache_open(&cache, CLASS_64, ENOUGH);
    for (uint32_t count = 0; count <= 64; count++) {
        for (uint32_t keep = 0; keep <= count + 1; keep++) {
            uint32_t kept = keep < count ? keep : count;
            test_cache_fill(&cache, CLASS_64, count);
            memcpy(before, cache.tcache.classes[CLASS_64].slots + 1, count * sizeof *before);
            cr_assert_eq(hak_tcache_flush_owned(&cache.tcache, &cache.chain, CLASS_64, keep),
                         count - kept);
            cr_assert_eq(test_cache_live_count(&cache, CLASS_64), kept);
            for (uint32_t i = count; i > count - kept; i--) {
                cr_assert_eq(hak_tcache_pop(&cache.tcache, KIND_64), before[i - 1]);
            }
            cr_assert_null(hak_tcache_pop(&cache.tcache, KIND_64));
            hak_chain_give_owned(&cache.chain, KIND_64, before + (count - kept), kept);
        }
    }
    test_cache_verify(&cache);
}

Test(flush, of_a_full_cache_keeps_half_and_is_an_event) {
    test_cache_init(&cache, 0);
    test_cache_open(&cache, CLASS_64, ENOUGH);
    test_cache_fill(&cache, CLASS_64, 64);
    hak_tcache_flush_full_owned(&cache.tcache, &cache.chain, CLASS_64, 1);
    const struct hak_adaptive *sizing = &cache.tcache.classes[CLASS_64].sizing;
    cr_assert_eq(test_cache_count(&cache, CLASS_64), 32);
    cr_assert_eq(sizing->refill_count, 1);
    cr_assert_eq(sizing->high_water_mark, 64);
    cr_assert_eq(cache.tcache.flush_count, 1);
}

Test(flush, all_empties_every_class) {
    test_cache_init(&cache, 0);
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
        test_cache_open(&cache, c, 16);
        test_cache_fill(&cache, c, 5 + c % 10);
    }
    hak_tcache_flush_all_owned(&cache.tcache, &cache.chain);
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
        cr_assert_eq(test_cache_count(&cache, c), 0);
        cr_assert_eq(test_cache_live_count(&cache, c), 0);
    }
    test_cache_verify(&cache);
}

/* Blocks of another chain's slabs leave as remote frees, counted as such. */
Test(flush, sends_foreign_blocks_home) {
    static struct hak_chain home;
    void *blocks[40];
    test_cache_init(&cache, 0);
    hak_chain_init(&home);
    test_cache_open(&cache, CLASS_64, 64);
    cr_assert_not_null(hak_chain_expand_owned(&home, CLASS_64));
    cr_assert_eq(hak_chain_take_owned(&home, CLASS_64, blocks, 40), 40);
    for (int i = 0; i < 40; i++) {
        cr_assert(hak_tcache_push(&cache.tcache, KIND_64, blocks[i]));
    }
    test_cache_fill(&cache, CLASS_64, 50);
    cr_assert_eq(hak_tcache_flush_owned(&cache.tcache, &cache.chain, CLASS_64, 0), 50);
    cr_assert_eq(cache.tcache.remote_free_count, 40);
    cr_assert_eq(hak_chain_live_bytes_owned(&home), 40 * 64); /* until they are collected */
    cr_assert_eq(hak_chain_collect_owned(&home), 40);
    cr_assert_eq(hak_chain_live_bytes_owned(&home), 0);
    cr_assert_eq(test_cache_live_count(&cache, CLASS_64), 0);
}

/* --- Without memory ------------------------------------------------------ */

Test(memory, opening_without_any_is_false_and_works_later) {
    test_cache_init(&cache, 0);
    test_meta_is_out = true;
    cr_assert_not(hak_tcache_open_owned(&cache.tcache, CLASS_64));
    cr_assert_eq(test_cache_capacity(&cache, CLASS_64), 0);
    test_meta_is_out = false;
    cr_assert(hak_tcache_open_owned(&cache.tcache, CLASS_64));
    cr_assert_eq(test_cache_capacity(&cache, CLASS_64), 64);
}

Test(memory, growing_without_any_changes_nothing) {
    test_cache_init(&cache, 0);
    test_cache_open(&cache, CLASS_64, ENOUGH);
    test_cache_fill(&cache, CLASS_64, 60);
    test_meta_is_out = true;
    cr_assert_not(hak_grow_tls_cache(&cache.tcache, CLASS_64));
    test_meta_is_out = false;
    cr_assert_eq(test_cache_capacity(&cache, CLASS_64), 64);
    cr_assert_eq(test_cache_count(&cache, CLASS_64), 60);
    cr_assert_eq(cache.tcache.grow_count, 0);
    test_cache_verify(&cache);
}

Test(memory, shrinking_without_any_keeps_the_capacity_and_loses_nothing) {
    test_cache_init(&cache, 0);
    test_cache_open(&cache, CLASS_64, ENOUGH);
    test_cache_fill(&cache, CLASS_64, 60);
    test_meta_is_out = true;
    cr_assert_not(hak_shrink_tls_cache(&cache.tcache, &cache.chain, CLASS_64));
    test_meta_is_out = false;
    cr_assert_eq(test_cache_capacity(&cache, CLASS_64), 64);
    cr_assert_eq(test_cache_live_count(&cache, CLASS_64), test_cache_count(&cache, CLASS_64));
    cr_assert_eq(cache.tcache.shrink_count, 0);
    test_cache_verify(&cache);
}
