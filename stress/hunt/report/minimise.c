/* SPDX-License-Identifier: MIT */
/*
 * The smallest schedule with the same failure. Operations and threads go one by one, as long as a
 * short search still finds the failure without them. Then the context switches: first by leaving
 * out decisions, then by trying every schedule with 0, 1, 2, ... switches, which proves the result
 * when the time allows.
 */
#include "../engine/registry.h"
#include "report.h"

#include <stdlib.h>
#include <string.h>

#define QUICK_SCHEDULES 2000u

struct minimiser {
    const struct hunt_scenario *scenario;
    struct hunt_failing *best;
    double deadline;
};

static bool is_late(const struct minimiser *min) {
    return hunt_now_seconds() >= min->deadline;
}

static bool is_smaller(const struct hunt_failing *a, const struct hunt_failing *b) {
    if (a->switches != b->switches)
        return a->switches < b->switches;
    if (a->stale_loads != b->stale_loads)
        return a->stale_loads < b->stale_loads;
    return a->steps < b->steps;
}

static void replace(struct minimiser *min, const struct hunt_failing *better) {
    struct hunt_finding wanted = min->best->finding;
    const struct hunt_strategy *strategy = min->best->strategy;
    hunt_failing_free(min->best);
    *min->best = *better;
    min->best->finding.site = wanted.site;
    min->best->strategy = strategy;
}

/* Takes the candidate if it fails in the same way and, when asked, is smaller. */
static bool try_choices(struct minimiser *min, const struct hunt_choices *candidate,
                        bool must_be_smaller) {
    struct hunt_failing failing;
    if (!hunt_replay_run(min->scenario, candidate, false, &failing))
        return false;
    if (hunt_same_failure(&failing.finding, &min->best->finding) &&
        (!must_be_smaller || is_smaller(&failing, min->best))) {
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
    search.seconds_max = min->deadline - hunt_now_seconds();
    search.failure = min->best->finding.failure;
    search.site = min->best->finding.site;
    search.start = *start;
    if (search.seconds_max <= 0)
        search.seconds_max = 1e-9;
    hunt_search_run(&search, result);
    return result->found;
}

/* With less in it the old decisions may not fit: replay them first, then look around. */
static bool try_smaller(struct minimiser *min, const struct hunt_choices *candidate) {
    struct hunt_result result;
    if (try_choices(min, candidate, false))
        return true;
    struct hunt_bounds bounds = {.preemptions = 255, .switches = 255, .stale_loads = 255};
    if (!search(min, candidate, &hunt_strategy_portfolio, bounds, QUICK_SCHEDULES, &result))
        return false;
    replace(min, &result.failing);
    return true;
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
        (void)try_choices(min, &candidate, true);
        free(candidate.deviations);
    }
}

static bool is_least(struct minimiser *min, struct hunt_bounds bounds, bool *complete) {
    struct hunt_result result;
    bool found = search(min, &min->best->choices, &hunt_strategy_exhaustive, bounds, 0, &result);
    if (found)
        replace(min, &result.failing);
    *complete = result.complete;
    return found;
}

/* Every schedule with fewer switches, the fewest first; then those with fewer stale loads. */
static bool prove(struct minimiser *min) {
    bool complete = true, found = false;
    uint8_t stale = (uint8_t)(min->best->stale_loads < 4 ? min->best->stale_loads : 4);
    for (uint32_t switches = 0; switches < min->best->switches && !found; switches++) {
        struct hunt_bounds bounds = {
            .preemptions = 255, .switches = (uint8_t)switches, .stale_loads = stale};
        found = switches < 255 && is_least(min, bounds, &complete);
        if (!found && !complete)
            return false;
    }
    found = false;
    for (uint8_t fewer = 0; fewer < min->best->stale_loads && !found; fewer++) {
        struct hunt_bounds bounds = {
            .preemptions = 255, .switches = (uint8_t)min->best->switches, .stale_loads = fewer};
        found = is_least(min, bounds, &complete);
        if (!found && !complete)
            return false;
    }
    return true;
}

bool hunt_minimise(const struct hunt_scenario *scenario, struct hunt_failing *failing,
                   double seconds_max) {
    struct minimiser min = {scenario, failing, hunt_now_seconds() + seconds_max};
    drop_operations(&min);
    drop_threads(&min);
    drop_decisions(&min);
    return prove(&min);
}
