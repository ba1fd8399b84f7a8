/* SPDX-License-Identifier: MIT */
/* When a chain gives free memory back: amount, time, and what it learns. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "superslab/chain.h"
#include "superslab/pool.h"
#include "support.h"
#include "support/expect.h"
#include "support/os_fault.h"

enum { SLABS = 400, PER_SLAB = 8, BLOCKS = SLABS * PER_SLAB };

static struct hak_chain chain;
static void *blocks[BLOCKS];

static uint32_t class_of_test(void) {
    return hak_class_of(8192); /* a granule a slab, 8 blocks each */
}

static void start(void) {
    start_region_map();
    hak_chain_init(&chain);
}

static void take_all(void) {
    for (uint32_t got = 0; got < BLOCKS;) {
        uint32_t more = take_or_expand(&chain, class_of_test(), blocks + got, PER_SLAB);
        cr_assert_gt(more, 0);
        got += more;
    }
}

/* One block of each SuperSlab's 32 slabs stays, so no SuperSlab goes to the pool. */
static void give_most(void) {
    for (uint32_t i = 0; i < BLOCKS; i++) {
        if (i % (32 * PER_SLAB) >= PER_SLAB) {
            hak_chain_give_owned(&chain, (enum hak_kind)(class_of_test() + HAK_KIND_CLASS_FIRST),
                                 &blocks[i], 1);
            hak_chain_purge_excess_owned(&chain);
            expect(chain.dirty_granule_count <= chain.purge.dirty_limit, "%u dirty, limit %u",
                   chain.dirty_granule_count, chain.purge.dirty_limit);
        }
    }
}

Test(chain_purge, a_chain_never_keeps_more_free_granules_than_its_limit, .init = start) {
    take_all();
    uint64_t purged = test_os_purged_bytes();
    give_most();
    expect_chain_counts(&chain);
    cr_assert_gt(test_os_purged_bytes() - purged, 200 * HAK_GRANULE_SIZE_BYTES);
}

/* What a thread frees elsewhere while ours wants memory: it takes it, not the OS. */
Test(chain_purge, collecting_for_a_refill_purges_nothing, .init = start) {
    const enum hak_kind kind = (enum hak_kind)(class_of_test() + HAK_KIND_CLASS_FIRST);
    uint32_t other_class = hak_class_of(4096);
    void *other[PER_SLAB];
    take_all();
    for (uint32_t i = 0; i < BLOCKS; i++) {
        if (i % (32 * PER_SLAB) >= PER_SLAB) {
            hak_chain_give_owned(NULL, kind, &blocks[i], 1);
        }
    }
    uint64_t purged = test_os_purged_bytes();
    cr_assert_eq(hak_chain_take_owned(&chain, other_class, other, PER_SLAB), PER_SLAB);
    cr_assert_gt(chain.dirty_granule_count, chain.purge.dirty_limit);
    cr_assert_eq(test_os_purged_bytes(), purged);
    hak_chain_purge_excess_owned(&chain);
    cr_assert_leq(chain.dirty_granule_count, chain.purge.dirty_limit / 2);
    cr_assert_gt(test_os_purged_bytes(), purged);
    expect_chain_counts(&chain);
}

Test(chain_purge, a_tick_purges_the_excess_that_others_freed, .init = start) {
    const enum hak_kind kind = (enum hak_kind)(class_of_test() + HAK_KIND_CLASS_FIRST);
    take_all();
    for (uint32_t i = 0; i < BLOCKS; i++) {
        if (i % (32 * PER_SLAB) >= PER_SLAB) {
            hak_chain_give_owned(NULL, kind, &blocks[i], 1);
        }
    }
    hak_chain_tick_owned(&chain, HAK_PURGE_DELAY_NS);
    cr_assert_leq(chain.dirty_granule_count, chain.purge.dirty_limit / 2);
    expect_chain_counts(&chain);
}

static void give_slabs(uint32_t first, uint32_t count) {
    hak_chain_give_owned(&chain, (enum hak_kind)(class_of_test() + HAK_KIND_CLASS_FIRST),
                         blocks + (size_t)first * PER_SLAB, count * PER_SLAB);
}

/* Both SuperSlabs have cold granules, the one in front nothing else. */
Test(chain_purge, slabs_are_carved_where_memory_is_resident, .init = start) {
    void *other;
    for (uint32_t i = 0; i < 64 * PER_SLAB; i += PER_SLAB) {
        cr_assert_eq(take_or_expand(&chain, class_of_test(), blocks + i, PER_SLAB), PER_SLAB);
    }
    give_slabs(1, 2);
    hak_chain_trim_owned(&chain, true);
    give_slabs(33, 2);
    hak_chain_trim_owned(&chain, true);
    cr_assert_eq(chain.dirty_granule_count, 0);
    give_slabs(3, 2);
    cr_assert_eq(chain.dirty_granule_count, 1, "the other is its class's only one with room");
    cr_assert(chain.room->dirty == 0 && chain.room->bitmap != UINT32_MAX);
    cr_assert_eq(hak_chain_take_owned(&chain, hak_class_of(4096), &other, 1), 1);
    cr_assert_eq(chain.dirty_granule_count, 0, "a cold granule was carved although one was dirty");
    expect_chain_counts(&chain);
}

Test(chain_purge, the_limit_learns_from_memory_taken_back, .init = start) {
    take_all();
    give_most();
    uint32_t limit = chain.purge.dirty_limit, regret = chain.purge.purged_since_tick;
    cr_assert_gt(regret, 200);
    for (uint32_t i = 0; i < BLOCKS; i++) { /* the same again, within the tick */
        if (i % (32 * PER_SLAB) >= PER_SLAB) {
            cr_assert_eq(take_or_expand(&chain, class_of_test(), &blocks[i], 1), 1);
        }
    }
    cr_assert_gt(chain.purge.dirty_limit, limit + 200);
    uint64_t purged = test_os_purged_bytes();
    give_most();
    cr_assert_lt(test_os_purged_bytes() - purged, 200 * HAK_GRANULE_SIZE_BYTES,
                 "the higher limit keeps more");
    expect_chain_counts(&chain);
}

Test(chain_purge, two_ticks_purge_what_stayed_free, .init = start) {
    const enum hak_kind kind = (enum hak_kind)(class_of_test() + HAK_KIND_CLASS_FIRST);
    uint64_t now = HAK_PURGE_DELAY_NS;
    for (uint32_t i = 0; i < 10 * PER_SLAB; i += PER_SLAB) {
        cr_assert_eq(take_or_expand(&chain, class_of_test(), blocks + i, PER_SLAB), PER_SLAB);
    }
    hak_chain_give_owned(&chain, kind, blocks, 6 * PER_SLAB);
    uint32_t dirty = chain.dirty_granule_count;
    cr_assert_eq(dirty, 5, "the sixth is its class's only one with room");
    hak_chain_tick_owned(&chain, now);
    cr_assert_eq(chain.dirty_granule_count, dirty);
    hak_chain_tick_owned(&chain, now + HAK_PURGE_DELAY_NS - 1);
    cr_assert_eq(chain.dirty_granule_count, dirty, "not yet time");
    hak_chain_give_owned(&chain, kind, blocks + 6 * PER_SLAB, PER_SLAB);
    cr_assert_eq(chain.dirty_granule_count, dirty + 1);
    hak_chain_tick_owned(&chain, now + HAK_PURGE_DELAY_NS);
    cr_assert_eq(chain.dirty_granule_count, 1, "what became free since stays");
    hak_chain_tick_owned(&chain, now + 2 * HAK_PURGE_DELAY_NS);
    cr_assert_eq(chain.dirty_granule_count, 0);
    expect_chain_counts(&chain);
}

Test(chain_purge, trim_gives_everything_that_is_free, .init = start) {
    take_all();
    give_most();
    hak_chain_trim_owned(&chain, false);
    expect_chain_counts(&chain);
    cr_assert_gt(hak_chain_trim_owned(&chain, true), 0);
    cr_assert_eq(chain.dirty_granule_count, 0);
    expect_chain_counts(&chain);
    cr_assert_eq(hak_chain_trim_owned(&chain, true), 0, "nothing is left to do");
}
