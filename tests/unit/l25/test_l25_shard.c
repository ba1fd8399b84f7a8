/* SPDX-License-Identifier: MIT */
/* One shard: best fit, which chunks stay, what is purged when. */
#include "l25/l25_shard.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/check.h"
#include "region/region_map.h"
#include "support/expect.h"
#include "support/os_fault.h"

static struct hak_l25_shard shard;

static void start(void) {
    cr_assert(hak_region_init(true));
    hak_lock_init(&shard.lock, HAK_LOCK_RANK_L25_SHARD);
    hak_purge_policy_init(&shard.purge);
    hak_lock_acquire(&shard.lock);
}

static void verify(void) {
    if (HAK_CHECK_LEVEL >= 1) {
        hak_l25_shard_verify_locked(&shard, 0);
    }
}

static char *take(uint32_t count) {
    bool is_zero;
    char *run = hak_l25_shard_take_locked(&shard, count, 1, &is_zero);
    if (run == NULL) {
        struct hak_l25_chunk *chunk = hak_l25_chunk_create(0);
        cr_assert_not_null(chunk);
        run = hak_l25_shard_add_and_take_locked(&shard, chunk, count, &is_zero);
        cr_assert_eq(run, chunk->base);
    }
    verify();
    return run;
}

static struct hak_l25_chunk *chunk_of(const char *run) {
    return hak_region_owner(run);
}

static struct hak_l25_chunk *give(char *run) {
    uint32_t first = (uint32_t)((uintptr_t)run >> HAK_GRANULE_SHIFT) % HAK_GRANULES_PER_SUPERSLAB;
    struct hak_l25_chunk *spare = hak_l25_shard_give_locked(&shard, chunk_of(run), first);
    verify();
    return spare;
}

Test(l25_shard, a_run_comes_from_the_fullest_chunk_that_fits, .init = start) {
    char *a = take(16), *a2 = take(16), *b = take(16), *b2 = take(8);
    cr_assert_eq(chunk_of(a), chunk_of(a2));
    cr_assert_eq(chunk_of(b), chunk_of(b2));
    give(a); /* 16 free in the first chunk, 8 in the second */
    char *fits = take(8);
    cr_assert_eq(chunk_of(fits), chunk_of(b), "the 8 are filled first");
    cr_assert_eq(chunk_of(take(9)), chunk_of(a2));
    cr_assert_eq(shard.chunk_count, 2);
    cr_assert_eq(shard.run_count, 5);
    cr_assert_eq(shard.run_granule_count, 16 + 16 + 8 + 8 + 9);
}

Test(l25_shard, alignment_is_kept_and_a_chunk_that_cannot_is_passed_over, .init = start) {
    bool is_zero;
    char *a = take(1);
    for (uint32_t align = 1; align <= 16; align *= 2) {
        char *run = hak_l25_shard_take_locked(&shard, 1, align, &is_zero);
        cr_assert_not_null(run);
        cr_assert_eq((uintptr_t)run % (align << HAK_GRANULE_SHIFT), 0);
    }
    cr_assert_null(hak_l25_shard_take_locked(&shard, 16, 16, &is_zero), "16 free, but not aligned");
    verify();
    give(a);
}

Test(l25_shard, one_empty_chunk_stays, .init = start) {
    char *a = take(16), *a2 = take(16), *b = take(16);
    cr_assert_null(give(b)); /* the only empty one: kept */
    cr_assert_null(give(a));
    cr_assert_null(give(a2), "its memory is worth keeping");
    cr_assert_eq(shard.chunk_count, 2);
    cr_assert_gt(hak_l25_shard_purge_locked(&shard), 0);
    verify();
    cr_assert_eq(shard.dirty_count, 0);
    struct hak_l25_chunk *spare = hak_l25_shard_take_spare_locked(&shard);
    cr_assert_not_null(spare);
    cr_assert_eq(spare->bitmap, 0);
    cr_assert_null(hak_l25_shard_take_spare_locked(&shard), "the last one stays");
    cr_assert_not_null(hak_l25_shard_take_empty_locked(&shard), "unless everything is to go");
    cr_assert_null(hak_l25_shard_take_empty_locked(&shard));
    cr_assert_eq(shard.chunk_count, 0);
    verify();
}

Test(l25_shard, never_more_free_granules_resident_than_the_limit, .init = start) {
    enum { RUNS = 60 };
    char *runs[RUNS];
    for (int i = 0; i < RUNS; i++) {
        runs[i] = take(4);
    }
    uint64_t purged = test_os_purged_bytes();
    for (int i = 0; i < RUNS; i++) {
        struct hak_l25_chunk *spare = give(runs[i]);
        expect(shard.dirty_count <= shard.purge.dirty_limit, "%u of %u", shard.dirty_count,
               shard.purge.dirty_limit);
        if (spare != NULL) {
            hak_l25_chunk_destroy(spare);
        }
    }
    cr_assert_geq(test_os_purged_bytes() - purged, (RUNS * 4u - HAK_DIRTY_LIMIT_MIN)
                                                       << HAK_GRANULE_SHIFT);
    cr_assert_eq(shard.run_count, 0);
    cr_assert_eq(shard.run_granule_count, 0);
}

/* The run that makes a chunk empty also brings the shard over its limit: the chunk has no
 * resident memory then, and goes, because there is another empty one. */
Test(l25_shard, an_empty_chunk_without_memory_goes_if_there_is_another, .init = start) {
    char *runs[4];
    for (int i = 0; i < 4; i++) {
        runs[i] = take(16);
    }
    for (int i = 0; i < 3; i++) {
        cr_assert_null(give(runs[i]));
    }
    cr_assert_eq(shard.dirty_count, HAK_DIRTY_LIMIT_MIN);
    struct hak_l25_chunk *spare = give(runs[3]);
    cr_assert_not_null(spare);
    cr_assert_eq(spare->base, runs[2]);
    cr_assert_eq(shard.chunk_count, 1);
    hak_l25_chunk_destroy(spare);
    verify();
}

Test(l25_shard, ticks_purge_what_stayed_free_for_a_whole_one, .init = start) {
    char *a = take(4), *b = take(4);
    const uint64_t now = HAK_PURGE_DELAY_NS;
    give(a);
    hak_l25_shard_tick_locked(&shard, now);
    verify();
    cr_assert_eq(shard.dirty_count, 4);
    give(b);
    hak_l25_shard_tick_locked(&shard, now + HAK_PURGE_DELAY_NS - 1);
    cr_assert_eq(shard.dirty_count, 8, "not yet time");
    hak_l25_shard_tick_locked(&shard, now + HAK_PURGE_DELAY_NS);
    verify();
    cr_assert_eq(shard.dirty_count, 4);
    hak_l25_shard_tick_locked(&shard, now + 2 * HAK_PURGE_DELAY_NS);
    verify();
    cr_assert_eq(shard.dirty_count, 0);
}

Test(l25_shard, resizing_counts_granules, .init = start) {
    char *a = take(4);
    struct hak_l25_chunk *chunk = chunk_of(a);
    cr_assert(hak_l25_shard_resize_locked(&shard, chunk, 0, 10));
    verify();
    cr_assert_eq(shard.run_granule_count, 10);
    cr_assert(hak_l25_shard_resize_locked(&shard, chunk, 0, 2));
    verify();
    cr_assert_eq(shard.run_granule_count, 2);
    cr_assert_eq(shard.dirty_count, 8);
    cr_assert_eq(chunk->largest_free, 30);
    char *b = take(3); /* dirty ones first */
    cr_assert_eq(b, a + 2 * HAK_GRANULE_SIZE_BYTES);
    cr_assert_not(hak_l25_shard_resize_locked(&shard, chunk, 0, 3));
    verify();
}
