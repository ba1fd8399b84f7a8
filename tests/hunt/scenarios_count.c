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
