/* SPDX-License-Identifier: MIT */
/*
 * All of them in turn. No strategy is best: on small bugs the random walk often beats the ones with
 * a proof, deep ones need PCT, wide ones POS or SURW, and `exhaustive` ends with certainty. It
 * starts with the bounded schedules, which most bugs need no more than.
 */
#include "strategy.h"

/* Weights by repetition. docs/HUNTING.md says what they were measured on. */
static const struct hunt_strategy *const turns[] = {
    &hunt_strategy_random, &hunt_strategy_exhaustive, &hunt_strategy_pos,  &hunt_strategy_random,
    &hunt_strategy_pct,    &hunt_strategy_exhaustive, &hunt_strategy_surw,
};
static const struct hunt_strategy *const members[] = {
    &hunt_strategy_random, &hunt_strategy_pct,        &hunt_strategy_pos,
    &hunt_strategy_surw,   &hunt_strategy_exhaustive,
};

HUNT_STATE static const struct hunt_strategy *member;
HUNT_STATE static uint64_t turn;

const struct hunt_strategy *hunt_portfolio_member(void) {
    return member;
}

static void portfolio_open(void) {
    turn = 0;
    member = &hunt_strategy_random;
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        members[i]->open();
}

static bool portfolio_begin(uint64_t seed) {
    member = turns[turn++ % (sizeof turns / sizeof turns[0])];
    if (member->begin(seed))
        return true;
    member = &hunt_strategy_random; /* exhaustive has nothing left */
    return member->begin(seed);
}

static unsigned portfolio_decide(const struct hunt_decision *decision) {
    return member->decide(decision);
}

static void portfolio_executed(unsigned thread, const struct hunt_event *event) {
    if (member->executed != NULL)
        member->executed(thread, event);
}

static void portfolio_end(void) {
    if (member->end != NULL)
        member->end();
}

const struct hunt_strategy hunt_strategy_portfolio = {.name = "portfolio",
                                                      .summary =
                                                          "all of them in turn (the default)",
                                                      .open = portfolio_open,
                                                      .begin = portfolio_begin,
                                                      .decide = portfolio_decide,
                                                      .executed = portfolio_executed,
                                                      .end = portfolio_end};
