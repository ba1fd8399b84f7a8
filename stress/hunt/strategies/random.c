/* SPDX-License-Identifier: MIT */
/* Random walk: at each choice, any thread that can run, all equally likely. */
#include "strategy.h"

HUNT_STATE static uint64_t random_state;

static void walk_open(void) {
}

static bool walk_begin(uint64_t seed) {
    random_state = hunt_mix(seed ^ 0x77616c6bu);
    return true;
}

static unsigned walk_decide(const struct hunt_decision *decision) {
    if (decision->kind != HUNT_DECIDE_THREAD)
        return hunt_random_value(&random_state, decision);
    return hunt_mask_pick(&random_state, decision->options);
}

const struct hunt_strategy hunt_strategy_random = {
    .name = "random",
    .summary = "random walk: any thread that can run, equally likely",
    .open = walk_open,
    .begin = walk_begin,
    .decide = walk_decide};
