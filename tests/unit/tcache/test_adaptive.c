/* SPDX-License-Identifier: MIT */
/* src/tcache/adaptive.c: the policy alone, against the reference. */
#include <criterion/criterion.h>

#include "base/check.h"
#include "tcache/adaptive.h"
#include "unit/tcache/reference.h"

#define SECOND ((uint64_t)1000000000)

static unsigned capacity_after(uint32_t mark, uint32_t capacity, uint32_t capacity_max) {
    switch (hak_adaptive_decide(mark, capacity, capacity_max)) {
    case HAK_ADAPTIVE_GROW:
        return 2 * capacity;
    case HAK_ADAPTIVE_SHRINK:
        return capacity / 2;
    default:
        return capacity;
    }
}

Test(adaptive, decision_equals_the_reference_everywhere) {
    unsigned long looked_at = 0;
    for (uint32_t most = 16; most <= 2048; most *= 2) {
        for (uint32_t capacity = 16; capacity <= most; capacity *= 2) {
            for (uint32_t mark = 0; mark <= capacity; mark++) {
                cr_assert_eq(capacity_after(mark, capacity, most),
                             reference_capacity_after(mark, capacity, most),
                             "mark %u of %u, maximum %u", mark, capacity, most);
                looked_at++;
            }
        }
    }
    cr_assert_gt(looked_at, 8000);
}

/* The same, spelled out where it is easy to be off by one. */
Test(adaptive, thresholds_are_strict) {
    cr_assert_eq(hak_adaptive_decide(51, 64, 2048), HAK_ADAPTIVE_KEEP);   /* 79.7 % */
    cr_assert_eq(hak_adaptive_decide(52, 64, 2048), HAK_ADAPTIVE_GROW);   /* 81.3 % */
    cr_assert_eq(hak_adaptive_decide(13, 64, 2048), HAK_ADAPTIVE_KEEP);   /* 20.3 % */
    cr_assert_eq(hak_adaptive_decide(12, 64, 2048), HAK_ADAPTIVE_SHRINK); /* 18.8 % */
    cr_assert_eq(hak_adaptive_decide(80, 100, 2048), HAK_ADAPTIVE_KEEP);  /* exactly 80 % */
    cr_assert_eq(hak_adaptive_decide(81, 100, 2048), HAK_ADAPTIVE_GROW);
    cr_assert_eq(hak_adaptive_decide(20, 100, 2048), HAK_ADAPTIVE_KEEP); /* exactly 20 % */
    cr_assert_eq(hak_adaptive_decide(19, 100, 2048), HAK_ADAPTIVE_SHRINK);
    cr_assert_eq(hak_adaptive_decide(16, 16, 16), HAK_ADAPTIVE_KEEP);
    cr_assert_eq(hak_adaptive_decide(0, 16, 2048), HAK_ADAPTIVE_KEEP);
    cr_assert_eq(hak_adaptive_decide(2048, 2048, 2048), HAK_ADAPTIVE_KEEP);
}

Test(adaptive, constants_are_the_specified_ones) {
    cr_assert_eq(TLS_CACHE_INITIAL_CAPACITY, 64);
    cr_assert_eq(TLS_CACHE_MIN_CAPACITY, 16);
    cr_assert_eq(TLS_CACHE_MAX_CAPACITY, 2048);
    cr_assert_eq(ADAPT_REFILL_THRESHOLD, 10);
    cr_assert_eq(ADAPT_TIME_THRESHOLD_NS, SECOND);
    cr_assert(GROW_THRESHOLD > 0.7999 && GROW_THRESHOLD < 0.8001);
    cr_assert(SHRINK_THRESHOLD > 0.1999 && SHRINK_THRESHOLD < 0.2001);
}

Test(adaptive, starts_at_64_or_the_class_maximum) {
    struct hak_adaptive sizing;
    for (uint32_t most = 16; most <= 2048; most *= 2) {
        hak_adaptive_sizing_init(&sizing, most, 0);
        cr_assert_eq(sizing.capacity, most < 64 ? most : 64);
        cr_assert_eq(sizing.capacity_max, most);
        cr_assert(sizing.high_water_mark == 0 && sizing.refill_count == 0);
        for (uint32_t fixed = 16; fixed <= 2048; fixed *= 2) {
            hak_adaptive_sizing_init(&sizing, most, fixed);
            cr_assert_eq(sizing.capacity, most < fixed ? most : fixed);
        }
    }
}

Test(adaptive, mark_only_rises) {
    static const uint32_t counts[] = {3, 10, 7, 0, 64, 1};
    struct hak_adaptive sizing;
    uint32_t most = 0;
    hak_adaptive_sizing_init(&sizing, 2048, 0);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        most = counts[i] > most ? counts[i] : most;
        hak_update_high_water_mark(&sizing, counts[i]);
        cr_assert_eq(sizing.high_water_mark, most);
    }
}

/* --- Reuse only ---------------------------------------------------------- */

static void note(struct hak_adaptive *sizing, unsigned refills, unsigned flushes) {
    for (unsigned i = 0; i < flushes; i++) {
        hak_adaptive_note_flush(sizing);
    }
    for (unsigned i = 0; i < refills; i++) {
        hak_adaptive_note_refill(sizing);
    }
}

Test(reuse, specified_mark_is_always_the_capacity) {
    struct hak_adaptive sizing;
    for (uint32_t capacity = 16; capacity <= 2048; capacity *= 2) {
        hak_adaptive_sizing_init(&sizing, 2048, capacity);
        note(&sizing, 0, 1000);
        cr_assert_eq(hak_adaptive_full_mark(&sizing, false), capacity);
    }
}

Test(reuse, cache_that_is_never_refilled_stops_at_128) {
    struct hak_adaptive sizing;
    for (uint32_t capacity = 16; capacity <= 2048; capacity *= 2) {
        hak_adaptive_sizing_init(&sizing, 2048, capacity);
        note(&sizing, 0, 10);
        uint32_t mark = hak_adaptive_full_mark(&sizing, true);
        cr_assert_eq(mark, capacity < 128 ? capacity : capacity / 2);
        cr_assert_eq(hak_adaptive_decide(mark, capacity, 2048),
                     capacity < 128 ? HAK_ADAPTIVE_GROW : HAK_ADAPTIVE_KEEP);
    }
}

Test(reuse, one_refill_in_eight_flushes_is_reuse) {
    struct hak_adaptive sizing;
    hak_adaptive_sizing_init(&sizing, 2048, 256);
    note(&sizing, 1, 8);
    cr_assert_eq(hak_adaptive_full_mark(&sizing, true), 256);
    note(&sizing, 0, 1);
    cr_assert_eq(hak_adaptive_full_mark(&sizing, true), 128);
    note(&sizing, 1, 0);
    cr_assert_eq(hak_adaptive_full_mark(&sizing, true), 256);
}

/* Batches come as many refills in a row, then as many flushes: a window sees only
 * one of the two, so more than a window must be remembered. */
Test(reuse, batches_are_reuse_and_what_is_long_past_is_not) {
    struct hak_adaptive sizing;
    hak_adaptive_sizing_init(&sizing, 2048, 256);
    for (int round = 0; round < 10; round++) {
        note(&sizing, 0, 40);
        cr_assert_eq(hak_adaptive_full_mark(&sizing, true), round == 0 ? 128 : 256);
        note(&sizing, 40, 0);
    }
    note(&sizing, 0, 1000);
    cr_assert_eq(hak_adaptive_full_mark(&sizing, true), 128);
}

/* --- Swings -------------------------------------------------------------- */

/* Turns, each after `run` events of the same kind. */
static void swing(struct hak_adaptive *sizing, unsigned run, unsigned turns) {
    for (unsigned turn = 0; turn < turns; turn++) {
        note(sizing, turn % 2 == 1 ? run : 0, turn % 2 == 0 ? run : 0);
    }
}

Test(swings, eight_turns_are_a_habit) {
    for (unsigned run = 1; run <= 16; run++) {
        struct hak_adaptive sizing;
        hak_adaptive_sizing_init(&sizing, 128, 0);
        swing(&sizing, run, 7);
        cr_assert_not(hak_adaptive_is_swinging(&sizing), "runs of %u", run);
        hak_adaptive_sizing_init(&sizing, 128, 0);
        swing(&sizing, run, 8);
        cr_assert(hak_adaptive_is_swinging(&sizing), "runs of %u", run);
        swing(&sizing, run, 300);
        cr_assert(hak_adaptive_is_swinging(&sizing), "runs of %u", run);
    }
}

Test(swings, run_of_seventeen_ends_the_habit) {
    struct hak_adaptive sizing;
    hak_adaptive_sizing_init(&sizing, 128, 0);
    swing(&sizing, 1, 8); /* ends with a refill */
    note(&sizing, 15, 0);
    cr_assert(hak_adaptive_is_swinging(&sizing));
    note(&sizing, 1, 0);
    cr_assert_not(hak_adaptive_is_swinging(&sizing));
    note(&sizing, 1000, 0); /* the length of a run must not start anew */
    cr_assert_not(hak_adaptive_is_swinging(&sizing));
    swing(&sizing, 1, 8);
    cr_assert(hak_adaptive_is_swinging(&sizing));
}

/* Swings of more than eight full caches: a larger cache would be as full. */
Test(swings, long_runs_are_none) {
    struct hak_adaptive sizing;
    hak_adaptive_sizing_init(&sizing, 128, 0);
    swing(&sizing, 17, 100);
    cr_assert_not(hak_adaptive_is_swinging(&sizing));
}

/* --- The window ---------------------------------------------------------- */

Test(window, ends_with_the_tenth_event) {
    struct hak_adaptive sizing;
    hak_adaptive_sizing_init(&sizing, 2048, 0);
    for (int window = 0; window < 3; window++) {
        for (int event = 1; event <= 9; event++) {
            cr_assert_not(hak_track_refill_for_adaptation(&sizing, 5000), "event %d", event);
        }
        cr_assert(hak_track_refill_for_adaptation(&sizing, 5000));
        hak_adaptive_reset_window(&sizing, 5000);
    }
}

/* The clock runs from the first event, then from the last adaptation. */
Test(window, ends_after_a_second) {
    struct hak_adaptive sizing;
    hak_adaptive_sizing_init(&sizing, 2048, 0);
    cr_assert_not(hak_track_refill_for_adaptation(&sizing, 100 * SECOND));
    cr_assert_not(hak_track_refill_for_adaptation(&sizing, 101 * SECOND - 1));
    cr_assert(hak_track_refill_for_adaptation(&sizing, 101 * SECOND));
    hak_adaptive_reset_window(&sizing, 101 * SECOND);
    cr_assert_not(hak_track_refill_for_adaptation(&sizing, 101 * SECOND));
    cr_assert_not(hak_track_refill_for_adaptation(&sizing, 102 * SECOND - 1));
    cr_assert(hak_track_refill_for_adaptation(&sizing, 102 * SECOND));
}

/* A late event ends its window however late it is, even at the clock's end. */
Test(window, a_long_pause_is_one_window) {
    struct hak_adaptive sizing;
    hak_adaptive_sizing_init(&sizing, 2048, 0);
    cr_assert_not(hak_track_refill_for_adaptation(&sizing, 1));
    cr_assert(hak_track_refill_for_adaptation(&sizing, UINT64_MAX / 2));
}

Test(window, both_counters_start_anew) {
    struct hak_adaptive sizing;
    hak_adaptive_sizing_init(&sizing, 2048, 0);
    hak_update_high_water_mark(&sizing, 40);
    for (int event = 0; event < 7; event++) {
        hak_track_refill_for_adaptation(&sizing, 5);
    }
    hak_adaptive_reset_window(&sizing, 77);
    cr_assert_eq(sizing.high_water_mark, 0);
    cr_assert_eq(sizing.refill_count, 0);
    cr_assert_eq(sizing.adapted_ns, 77);
    cr_assert_eq(sizing.capacity, 64);
}
