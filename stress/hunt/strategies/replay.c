/* SPDX-License-Identifier: MIT */
/* Follows recorded choices: the deviations given, the usual answer everywhere else. */
#include "strategy.h"

HUNT_STATE static const struct hunt_choices *followed;
HUNT_STATE static uint32_t next;
HUNT_STATE static bool diverged;

void hunt_replay_set(const struct hunt_choices *choices) {
    followed = choices;
}

bool hunt_replay_diverged(void) {
    return diverged;
}

static void replay_open(void) {
}

static bool replay_begin(uint64_t seed) {
    (void)seed;
    next = 0;
    diverged = false;
    return followed != NULL;
}

static bool is_possible(const struct hunt_decision *decision,
                        const struct hunt_deviation *deviation) {
    if (deviation->kind != decision->kind)
        return false;
    if (decision->kind == HUNT_DECIDE_THREAD)
        return deviation->value < HUNT_THREADS_MAX &&
               (decision->options & (1u << deviation->value)) != 0;
    return deviation->value < decision->options;
}

static unsigned replay_decide(const struct hunt_decision *decision) {
    if (next >= followed->deviation_count || followed->deviations[next].index != decision->index)
        return decision->usual;
    const struct hunt_deviation *deviation = &followed->deviations[next++];
    if (is_possible(decision, deviation))
        return deviation->value;
    diverged = true;
    return decision->usual;
}

static void replay_end(void) {
    if (next < followed->deviation_count)
        diverged = true;
}

const struct hunt_strategy hunt_strategy_replay = {.name = "replay",
                                                   .summary = "the choices of a token",
                                                   .open = replay_open,
                                                   .begin = replay_begin,
                                                   .decide = replay_decide,
                                                   .end = replay_end};
