/* SPDX-License-Identifier: MIT */
/* hakmem-hunt: what the command line asks for, and its exit status. */
#include "../engine/registry.h"
#include "../fuzz/protocol.h"
#include "../report/report.h"
#include "../report/token.h"
#include "command/command_line.h"
#include "command/interrupt.h"
#include "options.h"

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
        command_refuse("--executor %s: %s", options->executor, why);
    if (!hunt_engine_open(executor))
        command_refuse(
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

struct outputs {
    struct command_output emit_test, json;
};

static bool write_files(struct outputs *outputs, const struct hunt_summary *summary) {
    const struct hunt_result *result = summary->result;
    bool good = true;
    if (outputs->emit_test.path != NULL && result->found)
        good = hunt_emit_test(&outputs->emit_test, summary->scenario, &result->failing);
    if (outputs->json.path != NULL)
        good = hunt_report_json(&outputs->json, summary) && good;
    return good;
}

static int status_of(const struct hunt_result *result, bool is_written) {
    if (!is_written)
        return COMMAND_EXIT_USAGE;
    if (hunt_search_interrupted() != 0)
        return command_interrupt_status(hunt_search_interrupted());
    return result->found ? 1 : 0;
}

static int finish(const struct hunt_options *options, struct outputs *outputs,
                  const struct hunt_scenario *scenario, const char *strategy,
                  struct hunt_result *result) {
    char *token = NULL;
    bool proven = false;
    if (result->found) {
        if (options->minimise)
            proven = hunt_minimise(scenario, &result->failing, MINIMISE_SECONDS);
        token = hunt_token_make(scenario, &result->failing.choices);
        report(options, scenario, &result->failing, proven);
    }
    bool written = write_files(
        outputs, &(struct hunt_summary){scenario, strategy, hunt.executor->name, token,
                                        options->seed, result, options->minimise, proven});
    if (result->found)
        hunt_failing_free(&result->failing);
    free(token);
    return status_of(result, written);
}

/* ---- the two ways to run ---- */

static int replay(const struct hunt_options *options, struct outputs *outputs) {
    char why[256];
    const struct hunt_scenario *scenario;
    struct hunt_choices choices;
    struct hunt_result result = {.schedules = 1};
    if (!hunt_token_read(options->token, &scenario, &choices, why, sizeof why))
        command_refuse("%s", why);
    result.found = hunt_replay_run(scenario, &choices, false, &result.failing);
    result.steps = hunt.step_count;
    if (hunt_replay_diverged())
        command_refuse("the token does not fit: the scenario took another path this time");
    if (!result.found)
        printf("%s: nothing found in this schedule (%u steps)\n", scenario->name, hunt.step_count);
    free(choices.deviations);
    return finish(options, outputs, scenario, "replay", &result);
}

static void configure(const struct hunt_options *options, struct hunt_search *search) {
    search->strategy = hunt_strategy_by_name(options->strategy);
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

static int search(const struct hunt_options *options, struct outputs *outputs) {
    struct hunt_search search;
    struct hunt_result result;
    const struct hunt_scenario *scenario = hunt_scenario_find(options->scenario);
    if (scenario == NULL)
        command_refuse("no scenario '%s': see --list", options->scenario);
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
        puts(hunt_search_interrupted() != 0 ? "interrupted: nothing found so far"
                                            : "nothing found");
    return finish(options, outputs, scenario, options->strategy, &result);
}

int hunt_main(int argc, char **argv) {
    struct hunt_options options;
    struct outputs outputs;
    hunt_options_parse(&options, argc, argv);
    if (options.list) {
        list();
        return command_finish(0);
    }
    fix_addresses(argv);
    command_output_prepare(&outputs.emit_test, "--emit-test", options.emit_test);
    command_output_prepare(&outputs.json, "--json", options.json);
    if (!options.serve)
        hunt_search_interruptible();
    open_engine(&options);
    int status = options.serve           ? hunt_serve(options.socket, options.memory)
                 : options.token != NULL ? replay(&options, &outputs)
                                         : search(&options, &outputs);
    hunt_engine_close();
    return command_finish(status);
}
