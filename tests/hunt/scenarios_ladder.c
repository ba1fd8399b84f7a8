/* SPDX-License-Identifier: MIT */
/* A bug behind many small steps: the two threads must take turns at each rung, and nothing shows
 * until the last one. Random schedules fall off; feedback keeps what got one rung higher. */
#include "hunt.h"

#include <stdatomic.h>

static atomic_uint left, right;

static inline __attribute__((always_inline)) unsigned seen(atomic_uint *side) {
    return atomic_load_explicit(side, memory_order_relaxed);
}

static inline __attribute__((always_inline)) void climb(atomic_uint *side, unsigned rung) {
    atomic_store_explicit(side, rung, memory_order_relaxed);
}

/* In place, so that each rung has a store of its own. */
#define RUNG(n)                                                                                    \
    if (seen(&right) == (n) - 1)                                                                   \
    climb(&left, n)
#define STEP(n)                                                                                    \
    if (seen(&left) == (n))                                                                        \
    climb(&right, n)

static void first(void) {
    RUNG(1u);
    RUNG(2u);
    RUNG(3u);
    RUNG(4u);
    RUNG(5u);
    RUNG(6u);
    RUNG(7u);
    RUNG(8u);
}

static void second(void) {
    STEP(1u);
    STEP(2u);
    STEP(3u);
    STEP(4u);
    STEP(5u);
    STEP(6u);
    STEP(7u);
    STEP(8u);
}

static void is_not_at_the_top(void) {
    hunt_check(right != 8, "both threads reached the last rung");
}

HUNT_SCENARIO(ladder) = {.name = "ladder",
                         .summary = "eight rungs, in turns",
                         .flags = HUNT_PLANTED | HUNT_NO_STALE_LOADS,
                         .body = {first, second},
                         .quiescent_invariant = is_not_at_the_top};
