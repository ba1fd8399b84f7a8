/* SPDX-License-Identifier: MIT */
/* Each textbook bug: found within 20,000 schedules, for what it is, replayed 20 of 20 from its
 * token, minimised to the fewest context switches. Each correct twin: every schedule with two
 * preemptions and one stale load passes, and so does the portfolio. */
#include "report/token.h"
#include "support.h"

#include <stdlib.h>
#include <string.h>

#define SEEDS 5u
#define REPLAYS 20u

struct bug {
    const char *name, *says;
    uint8_t failure;
    unsigned switches, stale_loads; /* of the smallest schedule that shows it */
};

static const struct bug bugs[] = {
    {"treiber-aba", "popped while in use", HUNT_CHECK, 2, 0},
    {"overshoot", "count 3, capacity 2", HUNT_CHECK, 2, 0},
    {"publish-counter-first", "is empty", HUNT_CHECK, 1, 0},
    {"missing-release", "is not ordered with", HUNT_RACE, 1, 0},
    {"lost-wakeup", "nobody is left to wake it", HUNT_DEADLOCK, 2, 0},
    {"lock-order", "nobody is left to wake them", HUNT_DEADLOCK, 1, 0},
    {"store-buffering", "neither thread saw", HUNT_CHECK, 1, 1},
    {"store-buffering-acquire", "neither thread saw", HUNT_CHECK, 1, 1},
};

static const char *const twins[] = {
    "treiber-counted", "overshoot-clamped", "publish-pointer-first",   "with-release",
    "kept-wakeup",     "lock-order-same",   "store-buffering-seq-cst", "store-buffering-fenced",
};

static void replay(const struct bug *bug, const struct hunt_failing *failing) {
    char why[256] = "";
    char *token = hunt_token_make(test_scenario(bug->name), &failing->choices);
    unsigned same = 0;
    for (unsigned i = 0; i < REPLAYS; i++) {
        const struct hunt_scenario *scenario;
        struct hunt_choices choices;
        struct hunt_failing again;
        if (!hunt_token_read(token, &scenario, &choices, why, sizeof why))
            break;
        if (hunt_replay_run(scenario, &choices, (i & 1) != 0, &again)) {
            same += hunt_same_failure(&again.finding, &failing->finding) &&
                    again.steps == failing->steps &&
                    strcmp(again.finding.text, failing->finding.text) == 0 &&
                    !hunt_replay_diverged();
            hunt_failing_free(&again);
        }
        free(choices.deviations);
    }
    test_expect(same == REPLAYS, "%s: %u of %u replays of %s were the same %s", bug->name, same,
                REPLAYS, token, why);
    free(token);
}

static void find(const struct bug *bug, uint64_t seed) {
    struct hunt_result result;
    test_hunt(bug->name, seed, &result);
    test_expect(result.found, "%s: not found in %llu schedules (seed %llu)", bug->name,
                (unsigned long long)result.schedules, (unsigned long long)seed);
    if (!result.found)
        return;
    struct hunt_failing *failing = &result.failing;
    test_expect(failing->finding.failure == bug->failure &&
                    strstr(failing->finding.text, bug->says) != NULL,
                "%s: found as '%s'", bug->name, failing->finding.text);
    replay(bug, failing);
    bool proven = hunt_minimise(test_scenario(bug->name), failing, 20);
    test_expect(proven, "%s: not proven minimal", bug->name);
    test_expect(failing->switches == bug->switches && failing->stale_loads == bug->stale_loads,
                "%s: minimised to %u switches and %u stale loads, not %u and %u", bug->name,
                failing->switches, failing->stale_loads, bug->switches, bug->stale_loads);
    replay(bug, failing);
    hunt_failing_free(failing);
}

static void find_by(const struct bug *bug, const struct hunt_strategy *strategy) {
    struct hunt_search search;
    struct hunt_result result;
    hunt_search_init(&search, test_scenario(bug->name));
    search.strategy = strategy;
    search.schedules_max = TEST_SCHEDULES;
    hunt_search_run(&search, &result);
    test_expect(result.found, "%s: not found by %s in %llu schedules", bug->name, strategy->name,
                (unsigned long long)result.schedules);
    printf("%-26s %-10s %6llu schedules\n", bug->name, strategy->name,
           (unsigned long long)result.schedules);
    if (result.found)
        hunt_failing_free(&result.failing);
}

static void pass(const char *name) {
    struct hunt_result result;
    struct hunt_search search;
    test_exhaust(name, 2, 1, &result);
    test_expect(!result.found, "%s: exhaustive found '%s'", name, result.failing.finding.text);
    hunt_search_init(&search, test_scenario(name));
    bool fast = hunt.executor == &hunt_executor_coroutine; /* some thirty times */
    search.schedules_max = fast ? TEST_SCHEDULES : TEST_SCHEDULES / 10;
    hunt_search_run(&search, &result);
    test_expect(!result.found, "%s: the portfolio found '%s'", name, result.failing.finding.text);
}

int main(int argc, char **argv) {
    test_open(argc, argv);
    for (size_t i = 0; i < sizeof bugs / sizeof bugs[0]; i++) {
        for (uint64_t seed = 1; seed <= SEEDS; seed++)
            find(&bugs[i], seed);
        for (size_t s = 0; hunt_strategy_at(s) != NULL; s++)
            find_by(&bugs[i], hunt_strategy_at(s));
    }
    for (size_t i = 0; i < sizeof twins / sizeof twins[0]; i++)
        pass(twins[i]);
    return test_close();
}
