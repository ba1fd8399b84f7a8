/* SPDX-License-Identifier: MIT */
/* A bounded counter: check, then act. Two threads pass the check at capacity - 1. The twin makes
 * check and act one compare-exchange. */
#include "hunt.h"

#include <stdatomic.h>

#define CAPACITY 2

static atomic_int count;

static void add_unclamped(void) {
    if (atomic_load_explicit(&count, memory_order_relaxed) < CAPACITY)
        atomic_fetch_add_explicit(&count, 1, memory_order_relaxed);
}

static void add_clamped(void) {
    int seen = atomic_load_explicit(&count, memory_order_relaxed);
    while (seen < CAPACITY &&
           !atomic_compare_exchange_weak_explicit(&count, &seen, seen + 1, memory_order_relaxed,
                                                  memory_order_relaxed))
        continue;
}

static void within_capacity(void) {
    int now = atomic_load_explicit(&count, memory_order_relaxed);
    hunt_check(now <= CAPACITY, "count %d, capacity %d", now, CAPACITY);
}

static void setup(void) {
    atomic_init(&count, CAPACITY - 1);
}

HUNT_SCENARIO(overshoot) = {.name = "overshoot",
                            .summary = "check, then act: a counter passes its bound",
                            .flags = HUNT_PLANTED,
                            .setup = setup,
                            .body = {add_unclamped, add_unclamped, add_unclamped},
                            .step_invariant = within_capacity};

HUNT_SCENARIO(overshoot_clamped) = {.name = "overshoot-clamped",
                                    .summary = "check and act in one compare-exchange",
                                    .setup = setup,
                                    .body = {add_clamped, add_clamped, add_clamped},
                                    .step_invariant = within_capacity};
