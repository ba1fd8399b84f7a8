/* SPDX-License-Identifier: MIT */
/*
 * The smallest schedule with the same failure: with the fewest context switches, of those the one
 * with the fewest operations, then threads, then steps. A failure that needs no stale load is shown
 * without one, even if one would save a switch: it is the simpler story.
 *
 * Switches: first by leaving out decisions, then by trying every schedule with 0, 1, 2, ... of them,
 * which proves the result when the time allows. Operations and threads go one by one, as long as a
 * short search still finds the failure without them, with no more switches, and the rest can still
 * pass (without its signaller every waiter hangs: that is not the same bug). Then the proof again,
 * for what is left, and of the schedules with as few switches the shortest.
 */
#include "../engine/registry.h"
#include "report.h"

#include <stdlib.h>
#include <string.h>

#define QUICK_SCHEDULES 2000u
#define BOUNDED_SCHEDULES 20000u /* with no more switches: often that is all of them */
#define PASS_SCHEDULES 64u
#define EXTRA_SWITCHES 6u /* that doing without a stale load may cost */

struct minimiser {
    const struct hunt_scenario *scenario;
    struct hunt_failing *best;
    double deadline;
    bool can_pass; /* the whole scenario has schedules that pass */
    /* Proven: with all threads and operations no schedule has fewer switches. As long as nobody knows,
     * a schedule with less in it may have more of them. */
    bool is_least;
    uint32_t steps_max; /* of what is searched for; 0: any */
};

static bool is_late(const struct minimiser *min) {
    return hunt_search_interrupted() != 0 || hunt_cpu_seconds() >= min->deadline;
}

static bool is_smaller(const struct hunt_failing *a, const struct hunt_failing *b) {
    if (a->stale_loads != b->stale_loads)
        return a->stale_loads < b->stale_loads;
    if (a->switches != b->switches)
        return a->switches < b->switches;
    return a->steps < b->steps;
}

static bool is_worse(const struct hunt_failing *a, const struct hunt_failing *b) {
    return a->stale_loads > b->stale_loads ||
           (a->stale_loads == b->stale_loads && a->switches > b->switches);
}

enum wanted { SMALLER, NOT_WORSE };

static uint8_t at_most_254(uint32_t number) {
    return (uint8_t)(number < 255 ? number : 254);
}

static const struct hunt_bounds anything = {
    .preemptions = 255, .switches = 255, .stale_loads = 255};

static void replace(struct minimiser *min, const struct hunt_failing *better) {
    struct hunt_finding wanted = min->best->finding;
    const struct hunt_strategy *strategy = min->best->strategy;
    hunt_failing_free(min->best);
    *min->best = *better;
    min->best->finding.site = wanted.site;
    min->best->strategy = strategy;
}

/* Takes the candidate if it fails in the same way and is good enough. */
static bool try_choices(struct minimiser *min, const struct hunt_choices *candidate,
                        enum wanted wanted) {
    struct hunt_failing failing;
    if (!hunt_replay_run(min->scenario, candidate, false, &failing))
        return false;
    if (hunt_same_failure(&failing.finding, &min->best->finding) &&
        (wanted == SMALLER ? is_smaller(&failing, min->best)
                           : !min->is_least || !is_worse(&failing, min->best))) {
        replace(min, &failing);
        return true;
    }
    hunt_failing_free(&failing);
    return false;
}

static bool search(struct minimiser *min, const struct hunt_choices *start,
                   const struct hunt_strategy *strategy, struct hunt_bounds bounds,
                   uint64_t schedules_max, struct hunt_result *result) {
    struct hunt_search search;
    hunt_search_init(&search, min->scenario);
    search.strategy = strategy;
    search.bounds = bounds;
    search.seed = start->seed;
    search.schedules_max = schedules_max;
    search.by_cpu_time = true;
    search.seconds_max = min->deadline - hunt_cpu_seconds();
    search.failure = min->best->finding.failure;
    search.site = min->best->finding.site;
    search.steps_max = min->steps_max;
    search.start = *start;
    if (search.seconds_max <= 0)
        search.seconds_max = 1e-9;
    hunt_search_run(&search, result);
    return result->found;
}

/* Whether some schedule of these threads and operations passes. */
static bool passes_somehow(const struct minimiser *min, const struct hunt_choices *choices) {
    struct hunt_result result;
    struct hunt_search search;
    hunt_search_init(&search, min->scenario);
    search.strategy = &hunt_strategy_random;
    search.schedules_max = 1;
    search.start = *choices;
    for (search.seed = 1; search.seed <= PASS_SCHEDULES; search.seed++) {
        hunt_search_run(&search, &result);
        if (!result.found)
            return true;
        hunt_failing_free(&result.failing);
    }
    return false;
}

/* ---- context switches ---- */

static void drop_decisions(struct minimiser *min) {
    for (uint32_t i = min->best->choices.deviation_count; i-- > 0 && !is_late(min);) {
        if (i >= min->best->choices.deviation_count)
            continue;
        struct hunt_choices candidate;
        hunt_choices_copy(&candidate, &min->best->choices);
        candidate.deviation_count--;
        memmove(&candidate.deviations[i], &candidate.deviations[i + 1],
                (candidate.deviation_count - i) * sizeof *candidate.deviations);
        (void)try_choices(min, &candidate, SMALLER);
        free(candidate.deviations);
    }
}

/* ---- less to run ---- */

/* A random schedule has switches to spare: they go first. */
static bool take_if_not_worse(struct minimiser *min, struct hunt_failing *candidate) {
    struct hunt_failing before = *min->best;
    hunt_choices_copy(&before.choices, &min->best->choices);
    replace(min, candidate);
    if (min->is_least)
        drop_decisions(min);
    if (!min->is_least || !is_worse(min->best, &before)) {
        hunt_failing_free(&before);
        return true;
    }
    replace(min, &before);
    return false;
}

/* With less in it the old decisions may not fit: replay them first, then look around. */
static bool try_smaller(struct minimiser *min, const struct hunt_choices *candidate) {
    struct hunt_result result;
    if (min->can_pass && !passes_somehow(min, candidate))
        return false;
    if (try_choices(min, candidate, NOT_WORSE))
        return true;
    struct hunt_bounds bounds = {.preemptions = 255,
                                 .switches = at_most_254(min->best->switches),
                                 .stale_loads = at_most_254(min->best->stale_loads)};
    if (search(min, candidate, &hunt_strategy_exhaustive, bounds, BOUNDED_SCHEDULES, &result)) {
        replace(min, &result.failing);
        return true;
    }
    if (!search(min, candidate, &hunt_strategy_portfolio, anything, QUICK_SCHEDULES, &result))
        return false;
    return take_if_not_worse(min, &result.failing);
}

/* ---- operations and threads ---- */

static void remove_op(struct hunt_choices *choices, unsigned body, unsigned op) {
    uint32_t *ops = choices->ops[body];
    choices->op_count[body]--;
    memmove(&ops[op], &ops[op + 1], (size_t)(choices->op_count[body] - op) * sizeof *ops);
}

static void drop_operations(struct minimiser *min) {
    if (min->scenario->op_count_max == 0)
        return;
    struct hunt_choices candidate;
    min->best->choices.explicit_ops = true;
    for (unsigned body = 0; body < HUNT_BODIES_MAX; body++)
        for (unsigned op = min->best->choices.op_count[body]; op-- > 0 && !is_late(min);) {
            hunt_choices_copy(&candidate, &min->best->choices);
            remove_op(&candidate, body, op);
            (void)try_smaller(min, &candidate);
            free(candidate.deviations);
        }
}

static void drop_threads(struct minimiser *min) {
    for (unsigned body = HUNT_BODIES_MAX; body-- > 0 && !is_late(min);) {
        uint8_t mask = min->best->choices.thread_mask, bit = (uint8_t)(1u << body);
        if ((mask & bit) == 0 || mask == bit)
            continue;
        struct hunt_choices candidate;
        hunt_choices_copy(&candidate, &min->best->choices);
        candidate.thread_mask = mask & (uint8_t)~bit;
        (void)try_smaller(min, &candidate);
        free(candidate.deviations);
    }
}

/* ---- the proof ---- */

static bool is_least(struct minimiser *min, struct hunt_bounds bounds, bool *complete) {
    struct hunt_result result;
    bool found = search(min, &min->best->choices, &hunt_strategy_exhaustive, bounds, 0, &result);
    if (found)
        replace(min, &result.failing);
    *complete = result.complete;
    return found;
}

/* Every schedule with so many stale loads and fewer switches than `limit`, the fewest first. */
static bool deepen(struct minimiser *min, uint8_t stale, uint32_t limit, bool *complete) {
    *complete = true;
    for (uint32_t switches = 0; switches < limit && switches < 255; switches++) {
        struct hunt_bounds bounds = {
            .preemptions = 255, .switches = (uint8_t)switches, .stale_loads = stale};
        if (is_least(min, bounds, complete))
            return *complete = true; /* all with fewer have run */
        if (!*complete)
            return false;
    }
    return false;
}

static bool prove(struct minimiser *min) {
    bool complete;
    uint8_t stale = at_most_254(min->best->stale_loads);
    double deadline = min->deadline;
    min->deadline = (hunt_cpu_seconds() + deadline) / 2; /* the other half is for the proof below */
    for (uint8_t fewer = 0; fewer < stale; fewer++)
        if (deepen(min, fewer, min->best->switches + EXTRA_SWITCHES, &complete))
            return true;
    min->deadline = deadline;
    (void)deepen(min, stale, min->best->switches, &complete);
    return complete;
}

/* ---- steps ---- */

/* Every schedule with as few switches and stale loads, for as long as one is shorter. */
static void shorten(struct minimiser *min) {
    struct hunt_result result;
    struct hunt_bounds bounds = {.preemptions = 255,
                                 .switches = at_most_254(min->best->switches),
                                 .stale_loads = at_most_254(min->best->stale_loads)};
    do {
        min->steps_max = min->best->steps - 1;
        if (!search(min, &min->best->choices, &hunt_strategy_exhaustive, bounds, 0, &result))
            break;
        replace(min, &result.failing);
    } while (!is_late(min));
    min->steps_max = 0;
}

/* A part of the time for each, and the last has what the others left. */
bool hunt_minimise(const struct hunt_scenario *scenario, struct hunt_failing *failing,
                   double seconds_max) {
    double started = hunt_cpu_seconds();
    struct minimiser min = {.scenario = scenario, .best = failing, .can_pass = true};
    min.deadline = started + seconds_max * 0.3;
    min.can_pass = passes_somehow(&min, &failing->choices);
    drop_decisions(&min);
    min.is_least = prove(&min);
    min.deadline = started + seconds_max * 0.6;
    drop_operations(&min);
    drop_threads(&min);
    drop_decisions(&min);
    min.deadline = started + seconds_max * 0.9;
    bool proven = prove(&min);
    min.deadline = started + seconds_max;
    shorten(&min);
    return proven;
}
