/* SPDX-License-Identifier: MIT */
/* The strategies, and what they share. A strategy is asked only where there is a choice. */
#ifndef HUNT_STRATEGY_H
#define HUNT_STRATEGY_H

#include "../engine/engine.h"

extern const struct hunt_strategy hunt_strategy_random;
extern const struct hunt_strategy hunt_strategy_pct;
extern const struct hunt_strategy hunt_strategy_pos;
extern const struct hunt_strategy hunt_strategy_surw;
extern const struct hunt_strategy hunt_strategy_exhaustive;
extern const struct hunt_strategy hunt_strategy_portfolio;
extern const struct hunt_strategy hunt_strategy_replay;

const struct hunt_strategy *hunt_strategy_by_name(const char *name); /* NULL: none */
const struct hunt_strategy *hunt_strategy_at(size_t index);          /* NULL past the last */

/* How random strategies answer everything but "which thread": mostly the usual way. */
unsigned hunt_random_value(uint64_t *random, const struct hunt_decision *decision);
/* The n-th thread of a mask, and how many there are. */
unsigned hunt_mask_pick(uint64_t *random, uint8_t mask);

/* Bounds of `exhaustive`. 255: unbounded. */
struct hunt_bounds {
    uint8_t preemptions; /* switches away from a thread that could go on */
    uint8_t switches;    /* all switches */
    uint8_t stale_loads;
    bool every_order; /* also schedules that differ only in the order of independent steps */
};
void hunt_exhaustive_set_bounds(const struct hunt_bounds *bounds);
bool hunt_exhaustive_is_complete(void); /* every schedule within the bounds has run */
uint64_t hunt_exhaustive_pruned(void);  /* how many ended where another had gone on from */

/* The schedule that `replay` follows. */
void hunt_replay_set(const struct hunt_choices *choices);
bool hunt_replay_diverged(void); /* a decision of it could not be made in the last schedule */

/* What `guided` follows: the decisions given, the usual answer between them, and after the last of
 * them whatever `rest` decides (NULL: the usual answers). A decision that is not possible is
 * mapped to one that is. `kind` is not looked at. */
struct hunt_guide {
    const struct hunt_deviation *decisions; /* ascending by index */
    uint32_t decision_count;
    const struct hunt_strategy *rest;
};
extern const struct hunt_strategy hunt_strategy_guided;
void hunt_guided_set(const struct hunt_guide *guide);

/* Which strategy the portfolio used for the last schedule. */
const struct hunt_strategy *hunt_portfolio_member(void);

#endif
