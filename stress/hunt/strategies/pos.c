/* SPDX-License-Identifier: MIT */
/* POS (Yuan and others, CAV 2018): a random priority for each pending event, the highest goes
 * first; then the events that conflict with it draw anew. Spreads over partial orders, not over
 * steps. */
#include "strategy.h"

HUNT_STATE static uint64_t random_state;
HUNT_STATE static uint32_t priority[HUNT_THREADS_MAX];

static void draw(unsigned thread) {
    priority[thread] = (uint32_t)(hunt_random_next(&random_state) >> 32);
}

static void pos_open(void) {
}

static bool pos_begin(uint64_t seed) {
    random_state = hunt_mix(seed ^ 0x706f73u);
    for (unsigned i = 0; i < HUNT_THREADS_MAX; i++)
        draw(i);
    return true;
}

static unsigned pos_decide(const struct hunt_decision *decision) {
    if (decision->kind != HUNT_DECIDE_THREAD)
        return hunt_random_value(&random_state, decision);
    unsigned best = (unsigned)__builtin_ctz(decision->options);
    for (unsigned left = decision->options; left != 0; left &= left - 1) {
        unsigned thread = (unsigned)__builtin_ctz(left);
        if (priority[thread] > priority[best])
            best = thread;
    }
    return best;
}

static void pos_executed(unsigned thread, const struct hunt_event *event) {
    draw(thread); /* for its next event */
    for (unsigned left = hunt.live_mask & ~(1u << thread); left != 0; left &= left - 1) {
        unsigned other = (unsigned)__builtin_ctz(left);
        if (hunt_event_conflicts(&hunt.threads[other].pending, event))
            draw(other);
    }
}

const struct hunt_strategy hunt_strategy_pos = {
    .name = "pos",
    .summary = "partial order sampling: random priorities of events, redrawn on conflicts",
    .open = pos_open,
    .begin = pos_begin,
    .decide = pos_decide,
    .executed = pos_executed};
