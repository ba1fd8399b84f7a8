/* SPDX-License-Identifier: MIT */
/* The loop around schedules. */
#include "search.h"
#include "../engine/registry.h"
#include "command/interrupt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Not what each schedule starts anew from: a signal may come in the middle of one. */
HUNT_STATE static struct command_interrupt interrupt;

void hunt_search_interruptible(void) {
    command_interrupt_note(&interrupt);
}

int hunt_search_interrupted(void) {
    return interrupt.caught;
}

static double seconds_of(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

double hunt_now_seconds(void) {
    return seconds_of(CLOCK_MONOTONIC);
}

double hunt_cpu_seconds(void) {
    return seconds_of(CLOCK_PROCESS_CPUTIME_ID);
}

static double clock_of(const struct hunt_search *search) {
    return search->by_cpu_time ? hunt_cpu_seconds() : hunt_now_seconds();
}

void hunt_search_init(struct hunt_search *search, const struct hunt_scenario *scenario) {
    *search = (struct hunt_search){.scenario = scenario,
                                   .strategy = &hunt_strategy_portfolio,
                                   .bounds = {.preemptions = 2, .switches = 255, .stale_loads = 1},
                                   .seed = 1};
    search->start.thread_mask = (uint8_t)((1u << hunt_scenario_bodies(scenario)) - 1u);
    search->start.options = HUNT_WITH_RACES;
    if ((scenario->flags & HUNT_NO_STALE_LOADS) == 0)
        search->start.options |= HUNT_WITH_STALE_LOADS;
    if ((scenario->flags & HUNT_PLAIN_POINTS) != 0)
        search->start.options |= HUNT_WITH_PLAIN_POINTS;
}

void hunt_choices_copy(struct hunt_choices *to, const struct hunt_choices *from) {
    size_t size_bytes = from->deviation_count * sizeof *from->deviations;
    *to = *from;
    to->deviations = malloc(size_bytes != 0 ? size_bytes : 1);
    if (to->deviations == NULL)
        abort();
    if (size_bytes != 0)
        memcpy(to->deviations, from->deviations, size_bytes);
}

void hunt_failing_free(struct hunt_failing *failing) {
    free(failing->choices.deviations);
    failing->choices.deviations = NULL;
}

bool hunt_same_failure(const struct hunt_finding *a, const struct hunt_finding *b) {
    return a->failure == b->failure && a->site == b->site;
}

/* All but the deviations, whose buffer is the engine's. */
static void set_choices(const struct hunt_choices *from) {
    struct hunt_deviation *buffer = hunt.choices.deviations;
    hunt.choices = *from;
    hunt.choices.deviations = buffer;
    hunt.choices.deviation_count = 0;
}

static void keep(struct hunt_failing *failing, const struct hunt_strategy *strategy) {
    hunt_choices_copy(&failing->choices, &hunt.choices);
    failing->finding = hunt.finding;
    failing->strategy = strategy;
    failing->steps = hunt.step_count;
    failing->switches = hunt.switch_count;
    failing->preemptions = hunt.preemption_count;
    failing->stale_loads = hunt.stale_count;
}

static bool is_wanted(const struct hunt_search *search) {
    if (hunt.finding.failure == HUNT_OK || hunt.pruned)
        return false;
    if (search->bounds.switches != 255 && hunt.switch_count > search->bounds.switches)
        return false; /* forced ones after the last decision */
    if (search->steps_max != 0 && hunt.step_count > search->steps_max)
        return false;
    return search->failure == HUNT_OK ||
           (hunt.finding.failure == search->failure && hunt.finding.site == search->site);
}

static const struct hunt_strategy *acting(const struct hunt_search *search) {
    return search->strategy == &hunt_strategy_portfolio ? hunt_portfolio_member()
                                                        : search->strategy;
}

static bool is_time_up(const struct hunt_search *search, const struct hunt_result *result,
                       double started) {
    if (hunt_search_interrupted() != 0)
        return true;
    if (search->schedules_max != 0 && result->schedules >= search->schedules_max)
        return true;
    if (search->seconds_max <= 0 || (result->schedules & 63) != 0)
        return false;
    return clock_of(search) - started >= search->seconds_max;
}

void hunt_search_run(const struct hunt_search *search, struct hunt_result *result) {
    double started = clock_of(search);
    memset(result, 0, sizeof *result);
    hunt.scenario = search->scenario;
    hunt.strategy = search->strategy;
    hunt.tracing = false;
    hunt_exhaustive_set_bounds(&search->bounds);
    search->strategy->open();
    while (!is_time_up(search, result, started)) {
        uint64_t seed = hunt_mix(search->seed * 0x100000001b3u + result->schedules);
        if (!search->strategy->begin(seed))
            break;
        set_choices(&search->start);
        /* Depth-first search goes back over one program's decisions, so that program stays. */
        if (!search->start.explicit_ops)
            hunt.choices.seed = acting(search) == &hunt_strategy_exhaustive ? search->seed : seed;
        hunt.signatures = acting(search) == &hunt_strategy_exhaustive &&
                          (search->start.options & HUNT_WITH_RACES) != 0 &&
                          (search->start.options & HUNT_WITH_PLAIN_POINTS) == 0;
        hunt_schedule_run();
        hunt.signatures = false;
        result->schedules++;
        result->steps += hunt.step_count;
        if (is_wanted(search)) {
            result->found = true;
            keep(&result->failing, acting(search));
            break;
        }
    }
    result->complete =
        search->strategy == &hunt_strategy_exhaustive && hunt_exhaustive_is_complete();
    result->pruned = hunt_exhaustive_pruned();
    result->seconds = clock_of(search) - started;
}

bool hunt_run_one(const struct hunt_scenario *scenario, const struct hunt_strategy *strategy,
                  const struct hunt_choices *start, struct hunt_failing *failing) {
    hunt.scenario = scenario;
    hunt.strategy = strategy;
    strategy->begin(start->seed);
    set_choices(start);
    hunt_schedule_run();
    if (hunt.finding.failure == HUNT_OK)
        return false;
    keep(failing, strategy);
    return true;
}

bool hunt_replay_run(const struct hunt_scenario *scenario, const struct hunt_choices *choices,
                     bool tracing, struct hunt_failing *failing) {
    hunt.tracing = tracing;
    hunt_replay_set(choices);
    bool failed = hunt_run_one(scenario, &hunt_strategy_replay, choices, failing);
    hunt.tracing = false;
    return failed;
}
