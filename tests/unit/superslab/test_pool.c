/* SPDX-License-Identifier: MIT */
/* The pool of empty SuperSlabs: order, bounds, ticks, threads. */
#include "superslab/pool.h"

#include <criterion/criterion.h>

#include "base/check.h"
#include "region/purge_policy.h"
#include "support.h"
#include "support/expect.h"
#include "support/os_fault.h"
#include "support/threads.h"

enum { POOL_COUNT_MAX = 64, POOL_DIRTY_LIMIT_MIN = 4 }; /* as pool.c has them */

static void verify(void) {
    if (HAK_CHECK_LEVEL >= 1) {
        hak_pool_verify();
    }
}

static struct hak_superslab *create(uint32_t dirty) {
    struct hak_superslab *s = hak_superslab_create();
    cr_assert_not_null(s);
    s->dirty = dirty;
    return s;
}

Test(pool, empty_pool_has_none, .init = start_region_map) {
    cr_assert_null(hak_pool_take());
    cr_assert_eq(hak_pool_trim(), 0);
    cr_assert_eq(hak_pool_count(), 0);
}

Test(pool, newest_first, .init = start_region_map) {
    struct hak_superslab *s[3];
    for (int i = 0; i < 3; i++) {
        s[i] = create(0);
        hak_pool_give(s[i]);
        cr_assert_null(s[i]->chain);
    }
    verify();
    for (int i = 2; i >= 0; i--) {
        cr_assert_eq(hak_pool_take(), s[i]);
        cr_assert_null(s[i]->next);
    }
    cr_assert_null(hak_pool_take());
}

Test(pool, what_is_too_many_goes_to_the_os, .init = start_region_map) {
    struct hak_superslab *s[100];
    for (int i = 0; i < 100; i++) {
        s[i] = create(0);
    }
    int64_t held = test_os_held_bytes();
    for (int i = 0; i < 100; i++) {
        hak_pool_give(s[i]);
        verify();
    }
    cr_assert_eq(hak_pool_count(), POOL_COUNT_MAX);
    cr_assert_eq(held - test_os_held_bytes(),
                 (100 - POOL_COUNT_MAX) * (int64_t)HAK_SUPERSLAB_SIZE_BYTES);
    cr_assert_eq(hak_pool_trim(), POOL_COUNT_MAX);
    cr_assert_eq(held - test_os_held_bytes(), 100 * (int64_t)HAK_SUPERSLAB_SIZE_BYTES);
}

static uint32_t count_dirty_and_empty(void) {
    uint32_t dirty = 0;
    for (struct hak_superslab *s = hak_pool_take(); s != NULL; s = hak_pool_take()) {
        dirty += s->dirty != 0;
        hak_superslab_destroy(s);
    }
    return dirty;
}

Test(pool, few_keep_resident_memory, .init = start_region_map) {
    uint64_t purged = test_os_purged_bytes();
    for (int i = 0; i < 20; i++) {
        hak_pool_give(create(0x0000FFFF));
        verify();
    }
    cr_assert_eq(hak_pool_count(), 20);
    cr_assert_eq(test_os_purged_bytes() - purged,
                 (20u - POOL_DIRTY_LIMIT_MIN) * 16 * HAK_GRANULE_SIZE_BYTES);
    cr_assert_eq(count_dirty_and_empty(), POOL_DIRTY_LIMIT_MIN);
}

Test(pool, taking_a_dirty_one_makes_room_for_another, .init = start_region_map) {
    for (int i = 0; i < POOL_DIRTY_LIMIT_MIN; i++) {
        hak_pool_give(create(1));
    }
    for (int round = 0; round < 10; round++) {
        struct hak_superslab *s = hak_pool_take();
        cr_assert_eq(s->dirty, 1);
        hak_pool_give(s);
        verify();
    }
    hak_pool_give(create(1));
    cr_assert_eq(count_dirty_and_empty(), POOL_DIRTY_LIMIT_MIN);
}

/* Takes all `superslabs` and gives them back dirty; returns how many were purged. */
static uint64_t take_and_give_all(uint32_t count) {
    struct hak_superslab *s[POOL_COUNT_MAX];
    uint64_t purged = test_os_purged_bytes();
    for (uint32_t i = 0; i < count; i++) {
        s[i] = hak_pool_take();
        cr_assert_not_null(s[i]);
        s[i]->dirty = UINT32_MAX;
    }
    for (uint32_t i = 0; i < count; i++) {
        hak_pool_give(s[i]);
    }
    verify();
    return (test_os_purged_bytes() - purged) / HAK_SUPERSLAB_SIZE_BYTES;
}

Test(pool, what_is_taken_back_cold_is_kept_warm_the_next_time, .init = start_region_map) {
    enum { COUNT = 20 };
    for (int i = 0; i < COUNT; i++) {
        hak_pool_give(create(0));
    }
    cr_assert_eq(take_and_give_all(COUNT), COUNT - POOL_DIRTY_LIMIT_MIN, "nothing to regret yet");
    cr_assert_eq(take_and_give_all(COUNT), 0, "16 were taken back cold: all may stay");
    cr_assert_eq(take_and_give_all(COUNT), 0);
    hak_pool_tick(HAK_PURGE_DELAY_NS); /* from here on the limit falls, by an eighth a tick */
    for (int i = 2; i < 30; i++) {
        hak_pool_tick((uint64_t)i * HAK_PURGE_DELAY_NS);
    }
    cr_assert_eq(take_and_give_all(COUNT), COUNT - POOL_DIRTY_LIMIT_MIN);
}

Test(pool, ticks_purge_what_lay_here_for_a_whole_one, .init = start_region_map) {
    uint64_t now = HAK_PURGE_DELAY_NS, purged = test_os_purged_bytes();
    hak_pool_give(create(0xF0));
    hak_pool_tick(now); /* ages it */
    verify();
    cr_assert_eq(test_os_purged_bytes(), purged);
    hak_pool_tick(now + HAK_PURGE_DELAY_NS - 1); /* too early */
    cr_assert_eq(test_os_purged_bytes(), purged);
    hak_pool_tick(now + HAK_PURGE_DELAY_NS);
    verify();
    cr_assert_eq(test_os_purged_bytes() - purged, 4 * HAK_GRANULE_SIZE_BYTES);
    struct hak_superslab *s = hak_pool_take();
    cr_assert(s->dirty == 0 && s->aged == 0);
}

/* --- Threads -------------------------------------------------------------- */

static _Atomic uint32_t made;

static void take_and_give(void *unused, uint32_t index) {
    (void)unused;
    for (uint32_t i = 0; i < 3000; i++) {
        struct hak_superslab *s = hak_pool_take();
        if (s == NULL) {
            s = hak_superslab_create();
            made++;
        }
        s->chain = (struct hak_chain *)&made; /* ours meanwhile */
        s->dirty |= 1u << (i + index) % 32;
        hak_pool_give(s);
        hak_pool_tick((uint64_t)i * HAK_PURGE_DELAY_NS / 16);
    }
}

Test(pool, threads_share_it_and_lose_none, .init = start_region_map, .timeout = 120) {
    test_threads_run(4, take_and_give, NULL);
    verify();
    cr_assert_eq(hak_pool_count(), made);
    cr_assert_leq(made, 4);
    hak_pool_lock();
    hak_pool_unlock();
    hak_pool_lock();
    hak_pool_reset_in_child();
    cr_assert_eq(hak_pool_trim(), made);
}
