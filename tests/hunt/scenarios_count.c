/* SPDX-License-Identifier: MIT */
/* Threads of a known number of independent steps: how many schedules there are can be counted. */
#include "hunt.h"

#include <stdatomic.h>

atomic_uint hunt_count_cells[4]; /* not static: a compiler may drop stores that nobody reads */

static void steps(unsigned count) {
    for (unsigned i = 0; i < count; i++)
        atomic_store_explicit(&hunt_count_cells[hunt_self()], i, memory_order_relaxed);
}

static void three(void) {
    steps(3);
}

static void four(void) {
    steps(4);
}

HUNT_SCENARIO(count_3_4) = {
    .name = "count-3-4", .summary = "independent steps", .body = {three, four}};
HUNT_SCENARIO(count_3_3_3) = {
    .name = "count-3-3-3", .summary = "independent steps", .body = {three, three, three}};

/* Fails in exactly one order of three operations of a random program among two threads. */
static atomic_uint order;

static void apply_ops(void) {
    for (unsigned i = 0; i < hunt_op_count(); i++) {
        unsigned op = hunt_op(i) % 8;
        unsigned seen = atomic_load_explicit(&order, memory_order_relaxed);
        if ((hunt_self() == 0 && op == 0 && seen == 0) ||
            (hunt_self() == 1 && op == 1 && seen == 1))
            atomic_store_explicit(&order, seen + 1, memory_order_relaxed);
        hunt_check(!(hunt_self() == 0 && op == 2 && seen == 2));
    }
}

HUNT_SCENARIO(needs_three_ops) = {.name = "needs-three-ops",
                                  .summary = "a failure of three operations among many",
                                  .flags = HUNT_PLANTED,
                                  .op_count_min = 8,
                                  .op_count_max = 16,
                                  .body = {apply_ops, apply_ops, apply_ops}};

/* Fails after two operations of T1, which T2 must come after: one switch; or in the middle of any of
 * T1's operations: one operation, but two switches. */
static atomic_uint inside, after, seen_at_work;

static void enter_and_leave(void) {
    for (unsigned i = 0; i < hunt_op_count(); i++) {
        atomic_store_explicit(&inside, 1, memory_order_relaxed);
        atomic_store_explicit(&inside, 0, memory_order_relaxed);
        atomic_fetch_add_explicit(&after, 1, memory_order_relaxed);
    }
}

static void look(void) {
    if (atomic_load_explicit(&inside, memory_order_relaxed) != 0 ||
        atomic_load_explicit(&after, memory_order_relaxed) > 1)
        atomic_store_explicit(&seen_at_work, 1, memory_order_relaxed);
}

static void not_seen(void) {
    hunt_check(seen_at_work == 0);
}

HUNT_SCENARIO(switches_or_ops) = {.name = "switches-or-ops",
                                  .summary = "fewer operations, but more context switches",
                                  .flags = HUNT_PLANTED | HUNT_NO_STALE_LOADS,
                                  .op_count_min = 2,
                                  .op_count_max = 5,
                                  .body = {enter_and_leave, look},
                                  .quiescent_invariant = not_seen};

/* Fails in each order of the two, but one of them is longer. */
static atomic_uint flag, seen_flag;

static void raise_flag(void) {
    atomic_store_explicit(&flag, 1, memory_order_relaxed);
}

static void go_round_or_not(void) {
    if (atomic_load_explicit(&flag, memory_order_relaxed) != 0)
        for (unsigned i = 0; i < 5; i++)
            hunt_point("the long way");
    atomic_store_explicit(&seen_flag, 1, memory_order_relaxed);
}

static void not_both(void) {
    hunt_check(flag == 0 || seen_flag == 0);
}

HUNT_SCENARIO(long_or_short) = {.name = "long-or-short",
                                .summary = "one switch either way, but not as many steps",
                                .flags = HUNT_PLANTED | HUNT_NO_STALE_LOADS,
                                .body = {raise_flag, go_round_or_not},
                                .quiescent_invariant = not_both};
