/* SPDX-License-Identifier: MIT */
/*
 * PCT (Burckhardt and others, ASPLOS 2010): distinct random priorities, always the highest runs,
 * and at d - 1 random points the running thread drops below all others. A bug of depth d shows with
 * probability 1 / (n k^(d-1)) or more; d goes round 1..4, k is the longest schedule seen so far,
 * counted in steps with a choice.
 */
#include "strategy.h"

#define DEPTH_MAX 4u

HUNT_STATE static uint64_t random_state;
HUNT_STATE static uint32_t length_max; /* k */
HUNT_STATE static uint32_t choices;
HUNT_STATE static uint32_t change_points[DEPTH_MAX - 1];
HUNT_STATE static unsigned change_count;
HUNT_STATE static int32_t priority[HUNT_THREADS_MAX];
HUNT_STATE static int32_t lowest;
HUNT_STATE static unsigned depth;

static void pct_open(void) {
    length_max = 20; /* until the first schedules have shown */
    depth = 0;
}

static void shuffle_priorities(void) {
    for (unsigned i = 0; i < HUNT_THREADS_MAX; i++)
        priority[i] = (int32_t)i + 1;
    for (unsigned i = HUNT_THREADS_MAX - 1; i > 0; i--) {
        unsigned j = hunt_random_below(&random_state, i + 1);
        int32_t swapped = priority[i];
        priority[i] = priority[j];
        priority[j] = swapped;
    }
}

static bool pct_begin(uint64_t seed) {
    random_state = hunt_mix(seed ^ 0x706374u);
    shuffle_priorities();
    lowest = 0;
    choices = 0;
    change_count = depth++ % DEPTH_MAX;
    for (unsigned i = 0; i < change_count; i++)
        change_points[i] = hunt_random_below(&random_state, length_max);
    return true;
}

static unsigned highest(uint8_t mask) {
    unsigned best = (unsigned)__builtin_ctz(mask);
    for (unsigned left = mask; left != 0; left &= left - 1) {
        unsigned thread = (unsigned)__builtin_ctz(left);
        if (priority[thread] > priority[best])
            best = thread;
    }
    return best;
}

static unsigned pct_decide(const struct hunt_decision *decision) {
    if (decision->kind != HUNT_DECIDE_THREAD)
        return hunt_random_value(&random_state, decision);
    for (unsigned i = 0; i < change_count; i++)
        if (change_points[i] == choices)
            priority[decision->running] = --lowest;
    choices++;
    return highest(decision->options);
}

/* A thread that waits for another by spinning would keep the highest priority for ever. */
static void pct_executed(unsigned thread, const struct hunt_event *event) {
    if (event->kind == HUNT_OP_RELAX)
        priority[thread] = --lowest;
}

static void pct_end(void) {
    if (choices > length_max)
        length_max = choices;
}

const struct hunt_strategy hunt_strategy_pct = {
    .name = "pct",
    .summary = "probabilistic concurrency testing: random priorities, 0 to 3 change points",
    .open = pct_open,
    .begin = pct_begin,
    .decide = pct_decide,
    .executed = pct_executed,
    .end = pct_end};
