/* SPDX-License-Identifier: MIT */
/* Running schedules until one fails: what the command line, the minimiser and regression tests
 * share. */
#ifndef HUNT_SEARCH_H
#define HUNT_SEARCH_H

#include "../engine/executor.h"
#include "../strategies/strategy.h"

struct hunt_search {
    const struct hunt_scenario *scenario;
    const struct hunt_strategy *strategy;
    struct hunt_bounds bounds; /* for exhaustive */
    uint64_t seed;
    uint64_t schedules_max; /* 0: no limit */
    double seconds_max;     /* 0: no limit */
    bool by_cpu_time;       /* seconds of processor time, so that a busy machine changes nothing */
    uint64_t site;          /* only this failure counts; 0: any */
    uint8_t failure;
    uint32_t steps_max; /* only a failure with so few steps counts; 0: any */
    struct hunt_choices start; /* threads, operations and options of every schedule */
};

/* A schedule that failed, with its own copy of the choices. */
struct hunt_failing {
    struct hunt_choices choices;
    struct hunt_finding finding;
    const struct hunt_strategy *strategy;
    uint32_t steps, switches, preemptions, stale_loads;
};

struct hunt_result {
    bool found, complete; /* complete: exhaustive has run all there is */
    uint64_t schedules, steps;
    uint64_t pruned; /* schedules of exhaustive that ended where another had gone on from */
    double seconds;
    struct hunt_failing failing;
};

void hunt_search_init(struct hunt_search *search, const struct hunt_scenario *scenario);
void hunt_search_run(const struct hunt_search *search, struct hunt_result *result);

/* From here on SIGINT and SIGTERM end searches, between two schedules. Call it before the engine is
 * opened. */
void hunt_search_interruptible(void);
int hunt_search_interrupted(void); /* the signal, or 0 */

/* One schedule of these threads, operations and options, by the strategy, which is open. True: it
 * failed (*failing is filled). */
bool hunt_run_one(const struct hunt_scenario *scenario, const struct hunt_strategy *strategy,
                  const struct hunt_choices *start, struct hunt_failing *failing);

/* One schedule, as the choices say. True: it failed (*failing is filled). */
bool hunt_replay_run(const struct hunt_scenario *scenario, const struct hunt_choices *choices,
                     bool tracing, struct hunt_failing *failing);

bool hunt_same_failure(const struct hunt_finding *a, const struct hunt_finding *b);
void hunt_choices_copy(struct hunt_choices *to, const struct hunt_choices *from);
void hunt_failing_free(struct hunt_failing *failing);
double hunt_now_seconds(void);
double hunt_cpu_seconds(void); /* processor time of this process */

#endif
