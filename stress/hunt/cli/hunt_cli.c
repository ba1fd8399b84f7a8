/* SPDX-License-Identifier: MIT */
/* hakmem-hunt: what the command line asks for, and its exit status. */
#include "../engine/registry.h"
#include "../fuzz/protocol.h"
#include "../report/report.h"
#include "../report/token.h"
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <unistd.h>

#define MINIMISE_SECONDS 30.0
#define DEFAULT_SECONDS 10.0

/* Code under test may hash or sort addresses; replays need them the same. */
static void fix_addresses(char **argv) {
    int persona = personality(0xffffffff);
    if (persona == -1 || (persona & ADDR_NO_RANDOMIZE) != 0)
        return;
    if (personality((unsigned long)persona | ADDR_NO_RANDOMIZE) != -1)
        execv("/proc/self/exe", argv);
}

static void list(void) {
    puts("Scenarios:");
    for (size_t i = 0; i < hunt_scenario_count(); i++) {
        const struct hunt_scenario *scenario = hunt_scenario_at(i);
        printf("  %-28s %u threads  %s%s\n", scenario->name, hunt_scenario_bodies(scenario),
               scenario->summary, (scenario->flags & HUNT_PLANTED) != 0 ? " [planted bug]" : "");
    }
    puts("Strategies:");
    for (size_t i = 0; hunt_strategy_at(i) != NULL; i++)
        printf("  %-28s %s\n", hunt_strategy_at(i)->name, hunt_strategy_at(i)->summary);
}

static void open_engine(const struct hunt_options *options) {
    const char *why;
    const struct hunt_executor *executor = hunt_executor_by_name(options->executor, &why);
    if (executor == NULL)
        hunt_usage_error("--executor %s: %s", options->executor, why);
    if (!hunt_engine_open(executor))
        hunt_usage_error(
            "the engine cannot start: it needs threads and 2 GiB of address space (ulimit -v, -u)");
    hunt_crash_open();
}

/* ---- what to say of a finding ---- */

static void report(const struct hunt_options *options, const struct hunt_scenario *scenario,
                   struct hunt_failing *failing, bool proven) {
    struct hunt_failing again;
    char *token = hunt_token_make(scenario, &failing->choices);
    bool same = hunt_replay_run(scenario, &failing->choices, true, &again);
    /* The traced run's own: memory the code got from elsewhere may lie at another address. */
    hunt_report_finding(stdout, same ? &again.finding : &failing->finding);
    if (same && !options->no_table)
        hunt_report_table(stdout, &again);
    if (!same || !hunt_same_failure(&again.finding, &failing->finding))
        puts("WARNING: the replay did not show it again: the scenario depends on something other "
             "than its "
             "schedule");
    if (options->minimise)
        puts(proven ? "No schedule with as few stale loads and fewer context switches shows it."
                    : "The time was too short to prove that no schedule with fewer context "
                      "switches shows it.");
    printf("token: %s\nreplay: hakmem-hunt --replay %s\n", token, token);
    if (same)
        hunt_failing_free(&again);
    free(token);
}

static void write_files(const struct hunt_options *options, const struct hunt_summary *summary) {
    const struct hunt_result *result = summary->result;
    if (options->emit_test != NULL && result->found &&
        !hunt_emit_test(options->emit_test, summary->scenario, &result->failing))
        hunt_usage_error("cannot write %s: %s", options->emit_test, strerror(errno));
    if (options->json != NULL && !hunt_report_json(options->json, summary))
        hunt_usage_error("cannot write %s: %s", options->json, strerror(errno));
}

static int finish(const struct hunt_options *options, const struct hunt_scenario *scenario,
                  const char *strategy, struct hunt_result *result) {
    char *token = NULL;
    bool proven = false;
    if (result->found) {
        if (options->minimise)
            proven = hunt_minimise(scenario, &result->failing, MINIMISE_SECONDS);
        token = hunt_token_make(scenario, &result->failing.choices);
        report(options, scenario, &result->failing, proven);
    }
    write_files(options, &(struct hunt_summary){scenario, strategy, hunt.executor->name, token,
                                                options->seed, result, options->minimise, proven});
    if (result->found)
        hunt_failing_free(&result->failing);
    free(token);
    return result->found ? 1 : 0;
}

/* ---- the two ways to run ---- */

static int replay(const struct hunt_options *options) {
    char why[256];
    const struct hunt_scenario *scenario;
    struct hunt_choices choices;
    struct hunt_result result = {.schedules = 1};
    if (!hunt_token_read(options->token, &scenario, &choices, why, sizeof why))
        hunt_usage_error("%s", why);
    result.found = hunt_replay_run(scenario, &choices, false, &result.failing);
    result.steps = hunt.step_count;
    if (hunt_replay_diverged())
        hunt_usage_error("the token does not fit: the scenario took another path this time");
    if (!result.found)
        printf("%s: nothing found in this schedule (%u steps)\n", scenario->name, hunt.step_count);
    free(choices.deviations);
    return finish(options, scenario, "replay", &result);
}

static void configure(const struct hunt_options *options, struct hunt_search *search) {
    search->strategy = hunt_strategy_by_name(options->strategy);
    if (search->strategy == NULL)
        hunt_usage_error("no strategy '%s': see --list", options->strategy);
    search->seed = options->seed;
    search->schedules_max = options->schedules;
    search->seconds_max = options->seconds;
    search->bounds.preemptions = (uint8_t)options->preemptions;
    search->bounds.stale_loads = (uint8_t)options->stale;
    search->bounds.every_order = options->every_order;
    if (options->seconds <= 0 && options->schedules == 0 &&
        search->strategy != &hunt_strategy_exhaustive)
        search->seconds_max = DEFAULT_SECONDS;
    if (options->no_stale_loads)
        search->start.options &= (uint8_t)~HUNT_WITH_STALE_LOADS;
    if (options->no_races)
        search->start.options &= (uint8_t)~HUNT_WITH_RACES;
    if (options->plain_points)
        search->start.options |= HUNT_WITH_PLAIN_POINTS;
}

static int search(const struct hunt_options *options) {
    struct hunt_search search;
    struct hunt_result result;
    const struct hunt_scenario *scenario = hunt_scenario_find(options->scenario);
    if (scenario == NULL)
        hunt_usage_error("no scenario '%s': see --list", options->scenario);
    hunt_search_init(&search, scenario);
    configure(options, &search);
    hunt_search_run(&search, &result);
    printf("%s: %llu schedules, %llu steps in %.2f s (%.0f schedules a second; %s, %s)\n",
           scenario->name, (unsigned long long)result.schedules, (unsigned long long)result.steps,
           result.seconds, (double)result.schedules / (result.seconds > 0 ? result.seconds : 1),
           options->strategy, hunt.executor->name);
    if (result.pruned != 0)
        printf("%llu of them ended where another had gone on from\n",
               (unsigned long long)result.pruned);
    if (!result.found && result.complete)
        printf("complete: nothing found with at most %u preemptions and %u stale loads\n",
               options->preemptions, options->stale);
    else if (!result.found)
        puts("nothing found");
    return finish(options, scenario, options->strategy, &result);
}

int hunt_main(int argc, char **argv) {
    struct hunt_options options;
    hunt_options_parse(&options, argc, argv);
    if (options.list) {
        list();
        return 0;
    }
    fix_addresses(argv);
    open_engine(&options);
    int status = options.serve           ? hunt_serve(options.socket, options.memory)
                 : options.token != NULL ? replay(&options)
                                         : search(&options);
    hunt_engine_close();
    return status;
}
