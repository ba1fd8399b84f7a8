/* SPDX-License-Identifier: MIT */
/* src/tcache/tcache_resize.c: caches beyond their class's maximum, for threads that
 * take many blocks and give them back, again and again. */
#include <criterion/criterion.h>

#include "base/config.h"
#include "base/size_class.h"
#include "unit/tcache/cache.h"

enum { CLASS_1024 = 20, BATCH = 520, BATCHES = 100, TURNS = 8 };
#define KIND_1024 ((enum hak_kind)(CLASS_1024 + HAK_KIND_CLASS_FIRST))

static struct test_cache cache;

static struct hak_adaptive *sizing_of(uint32_t class_index) {
    return &cache.tcache.classes[class_index].sizing;
}

/* As malloc() does it: the cache, else a refill, and an expansion where that needs one. */
static void *take(void) {
    void *block = hak_tcache_pop(&cache.tcache, KIND_1024);
    if (block == NULL) {
        uint32_t wanted = hak_tcache_wanted(&cache.tcache, CLASS_1024);
        if (hak_tcache_refill_owned(&cache.tcache, &cache.chain, CLASS_1024, wanted, 1000) == 0) {
            cr_assert_not_null(hak_chain_expand_owned(&cache.chain, CLASS_1024));
            hak_tcache_refill_owned(&cache.tcache, &cache.chain, CLASS_1024, wanted, 1000);
        }
        block = hak_tcache_pop(&cache.tcache, KIND_1024);
    }
    return block;
}

/* As free() does it. */
static void give(void *block) {
    if (!hak_tcache_push(&cache.tcache, KIND_1024, block)) {
        hak_tcache_flush_full_owned(&cache.tcache, &cache.chain, CLASS_1024, 1000);
        cr_assert(hak_tcache_push(&cache.tcache, KIND_1024, block));
    }
}

static void run_batches(uint32_t batch_count, uint32_t block_count) {
    static void *blocks[1 << 14];
    for (uint32_t batch = 0; batch < batch_count; batch++) {
        for (uint32_t i = 0; i < block_count; i++) {
            blocks[i] = take();
        }
        for (uint32_t i = 0; i < block_count; i++) {
            give(blocks[i]);
        }
    }
    cr_assert_eq(test_cache_live_count(&cache, CLASS_1024), test_cache_count(&cache, CLASS_1024));
    test_cache_verify(&cache);
}

static void start(void) {
    test_cache_init(&cache, 0);
    cr_assert(hak_tcache_open_owned(&cache.tcache, CLASS_1024));
}

Test(swing, batches_come_to_fit_the_cache) {
    start();
    run_batches(BATCHES, BATCH);
    cr_assert_eq(test_cache_capacity(&cache, CLASS_1024), 1024);
    uint64_t events = cache.tcache.event_count;
    run_batches(BATCHES, BATCH);
    cr_assert_eq(cache.tcache.event_count, events, "%lu refills and flushes more",
                 cache.tcache.event_count - events);
}

/* Eight times the class's maximum is as far as it goes. */
Test(swing, batches_that_would_never_fit_change_nothing) {
    start();
    run_batches(BATCHES / 4, 1 << 14);
    cr_assert_eq(test_cache_capacity(&cache, CLASS_1024), 128);
}

Test(swing, thread_that_only_frees_stays_at_the_maximum) {
    start();
    for (int flush = 0; flush < 200; flush++) {
        uint32_t slots = test_cache_capacity(&cache, CLASS_1024);
        test_cache_open(&cache, CLASS_1024, slots);
        test_cache_fill(&cache, CLASS_1024, slots);
        hak_tcache_flush_full_owned(&cache.tcache, &cache.chain, CLASS_1024, 1000);
    }
    cr_assert_eq(test_cache_capacity(&cache, CLASS_1024), 128);
}

static void make_swing(uint32_t class_index) {
    for (int turn = 0; turn < TURNS; turn++) {
        (turn % 2 == 0 ? hak_adaptive_note_flush
                       : hak_adaptive_note_refill)(sizing_of(class_index));
    }
}

Test(swing, limit_rises_at_the_maximum_only) {
    start();
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
        uint32_t most = hak_class_infos[c].capacity_max;
        cr_assert_eq(hak_tcache_capacity_limit(&cache.tcache, c), most);
        make_swing(c);
        bool is_below = sizing_of(c)->capacity < most;
        cr_assert_eq(hak_tcache_capacity_limit(&cache.tcache, c),
                     is_below ? most : hak_class_infos[c].capacity_swing_max, "class %u", c);
    }
}

/* Ten events that take `window_ns` together. */
static void spread_events(uint32_t class_index, uint64_t window_ns) {
    struct hak_adaptive *sizing = sizing_of(class_index);
    hak_adaptive_reset_window(sizing, 5000);
    for (uint64_t event = 1; event <= 10; event++) {
        hak_track_refill_for_adaptation(sizing, 5000 + window_ns * event / 10);
    }
}

/* 200 us from event to event are the most. */
Test(swing, seldom_swings_do_not_raise_the_limit) {
    start();
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
        const struct hak_class_info *info = &hak_class_infos[c];
        sizing_of(c)->capacity = info->capacity_max;
        make_swing(c);
        spread_events(c, 2000 * 1000 + 1);
        cr_assert_eq(hak_tcache_capacity_limit(&cache.tcache, c), info->capacity_max, "class %u",
                     c);
        spread_events(c, 2000 * 1000);
        cr_assert_eq(hak_tcache_capacity_limit(&cache.tcache, c), info->capacity_swing_max);
    }
}

/* Below the maximum the specified policy does not ask what growing saves. */
Test(swing, seldom_events_keep_the_maximum_except_where_growth_has_to_pay) {
    start();
    spread_events(CLASS_1024, 2000 * 1000 + 1);
    cr_assert_eq(sizing_of(CLASS_1024)->capacity, 64);
    cr_assert_eq(hak_tcache_capacity_limit(&cache.tcache, CLASS_1024), 128);
    hak_config.adaptive_reuse = true;
    cr_assert_eq(hak_tcache_capacity_limit(&cache.tcache, CLASS_1024), 64);
    cr_assert_not(hak_grow_tls_cache(&cache.tcache, CLASS_1024));
    spread_events(CLASS_1024, 2000 * 1000);
    cr_assert_eq(hak_tcache_capacity_limit(&cache.tcache, CLASS_1024), 128);
    cr_assert(hak_grow_tls_cache(&cache.tcache, CLASS_1024));
}

/* Bytes that all caches together may hold beyond their classes' maxima. */
static size_t excess_bytes(void) {
    size_t bytes = 0;
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
        uint32_t slots = sizing_of(c)->capacity, most = hak_class_infos[c].capacity_max;
        bytes += slots > most ? (size_t)(slots - most) * hak_class_infos[c].stride_bytes : 0;
    }
    return bytes;
}

static void grow_all(void) {
    for (uint32_t c = HAK_CLASS_COUNT; c-- > 0;) {
        make_swing(c);
        cr_assert(hak_tcache_open_owned(&cache.tcache, c));
        while (hak_grow_tls_cache(&cache.tcache, c)) {
            cr_assert_leq(sizing_of(c)->capacity, hak_class_infos[c].capacity_swing_max);
        }
    }
}

Test(swing, all_caches_together_exceed_their_maxima_by_4_MiB_at_most) {
    start();
    grow_all();
    test_cache_verify(&cache);
    size_t full = excess_bytes();
    cr_assert(full <= 4 * HAK_MIB && full > 3 * HAK_MIB, "%zu", full);
}

Test(swing, what_shrinks_leaves_its_share_to_others) {
    start();
    grow_all();
    uint32_t last = HAK_CLASS_COUNT - 1, before = sizing_of(CLASS_1024)->capacity;
    cr_assert_gt(sizing_of(last)->capacity, hak_class_infos[last].capacity_max);
    cr_assert_not(hak_grow_tls_cache(&cache.tcache, CLASS_1024));
    for (uint32_t c = last; c > CLASS_1024; c--) {
        while (hak_shrink_tls_cache(&cache.tcache, &cache.chain, c)) {
        }
    }
    cr_assert(hak_grow_tls_cache(&cache.tcache, CLASS_1024));
    cr_assert_eq(sizing_of(CLASS_1024)->capacity, 2 * before);
    test_cache_verify(&cache);
}
