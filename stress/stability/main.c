/* SPDX-License-Identifier: MIT */
/**
 * @file main.c
 * hakmem-stability: many short independent runs, and the failure rate that so
 * many passes really exclude.
 */
#include "../cli/cli.h"
#include "binomial.h"
#include "command/command_line.h"
#include "command/interrupt.h"
#include "jobs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPTION_JSON = 256, OPTION_LIBRARY, OPTION_TIMEOUT, OPTION_OUT };
enum { PERCENT_BYTES = 32 };
static const double confidence = 0.95;

struct options {
    struct stability_plan plan;
    char library[PATH_MAX];
    const char *json_path;
    bool has_seed;
    bool has_seconds;
};

static const struct argp_option option_list[] = {
    {"threads", 't', "N", 0, "threads of each run, 1 to 256 (4)", 0},
    {"runs", 'r', "N", 0, "how many runs (3000)", 0},
    {"jobs", 'j', "J", 0, "how many at a time (one a processor)", 0},
    {"scenarios", 'S', "A,B", 0, "the scenarios, taken in turn (all of hakmem-stress --list)", 0},
    {"seconds-per-run", 'T', "T", 0, "how long each is (0.03)", 0},
    {"operations", 'n', "N", 0, "operations a thread of each run, instead of a time", 0},
    {"seed", 's', "S", 0, "run i has the seed S + i (random, and printed)", 0},
    {"library", OPTION_LIBRARY, "LIBX.SO", 0, "test this malloc, preloaded, instead of hakmem", 0},
    {"timeout", OPTION_TIMEOUT, "T", 0, "a run without progress for T seconds hangs (60)", 0},
    {"json", OPTION_JSON, "FILE", 0, "write the result to FILE", 0},
    {"out", OPTION_OUT, "DIR", 0, "keep the first failure in DIR (out)", 0},
    {0},
};

static void add_scenario(const char *name, struct stability_plan *plan) {
    const struct cli_scenario *scenario = cli_scenario_find(name);
    if (scenario == NULL) {
        command_refuse("no scenario '%s'; hakmem-stress --list names them", name);
    } else if (!cli_scenario_runs_here(scenario)) {
        command_refuse(
            "scenario '%s' cannot run under this build's sanitizer; hakmem-stress --list "
            "names those that can",
            name);
    } else if (plan->scenario_count == SCENARIOS_MAX) {
        command_refuse("--scenarios takes at most %d names", SCENARIOS_MAX);
    } else {
        plan->scenarios[plan->scenario_count++] = scenario;
    }
}

static void take_scenarios(const char *list, struct stability_plan *plan) {
    char *copy = strdup(list);
    char *rest = copy;
    for (char *name = strsep(&rest, ","); name != NULL; name = strsep(&rest, ",")) {
        add_scenario(name, plan);
    }
    free(copy);
}

static void check_together(const struct options *options) {
    if (options->has_seconds && options->plan.operation_count != 0) {
        command_refuse("--seconds-per-run and --operations exclude each other; give one");
    }
}

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    struct options *options = state->input;
    struct stability_plan *plan = &options->plan;
    switch (key) {
    case 't':
        cli_take_number("--threads", argument, 1, STRESS_THREADS_MAX, &plan->thread_count);
        return 0;
    case 'r':
        cli_take_number("--runs", argument, 1, 100000000, &plan->run_count);
        return 0;
    case 'j':
        cli_take_number("--jobs", argument, 1, JOBS_MAX, &plan->job_count);
        return 0;
    case 'S':
        take_scenarios(argument, plan);
        return 0;
    case 'T':
        cli_take_seconds("--seconds-per-run", argument, 0.001, 3600.0, &plan->seconds_per_run);
        options->has_seconds = true;
        return 0;
    case 'n':
        cli_take_number("--operations", argument, 1, UINT64_C(1000000000000),
                        &plan->operation_count);
        return 0;
    case 's':
        cli_take_number("--seed", argument, 0, UINT64_MAX / 2, &plan->seed);
        options->has_seed = true;
        return 0;
    case OPTION_LIBRARY:
        cli_take_library(argument, options->library);
        plan->library = options->library;
        return 0;
    case OPTION_TIMEOUT:
        cli_take_seconds("--timeout", argument, 0.001, 3600.0, &plan->timeout_seconds);
        return 0;
    case OPTION_JSON:
        options->json_path = argument;
        return 0;
    case OPTION_OUT:
        plan->out_dir = argument;
        return 0;
    case ARGP_KEY_ARG:
        command_refuse("'%s' is one too many: only options", argument);
    case ARGP_KEY_END:
        check_together(options);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    option_list,
    parse_option,
    NULL,
    "Run many independent processes of hakmem-stress and bound the failure rate."
    "\vEach run counts once, none is repeated. The bound is the exact binomial one (Clopper and "
    "Pearson), one-sided, at 95 %. Exit status: 0 all passed, 1 a run failed, 2 usage, 130 or 143 "
    "interrupted (SIGINT, SIGTERM): what was counted by then is printed and written.",
    NULL,
    NULL,
    NULL};

static void fill_in(struct stability_plan *plan, bool has_seed) {
    bool takes_all = plan->scenario_count == 0;
    for (size_t i = 0; takes_all && i < cli_scenario_count; i++) {
        if (cli_scenario_runs_here(&cli_scenarios[i])) {
            plan->scenarios[plan->scenario_count++] = &cli_scenarios[i];
        }
    }
    if (plan->job_count == 0) {
        long cpus = sysconf(_SC_NPROCESSORS_ONLN);
        plan->job_count = cpus < 1 ? 1 : (uint64_t)(cpus > JOBS_MAX ? JOBS_MAX : cpus);
    }
    if (!has_seed) {
        plan->seed = cli_random_seed();
    }
}

/** Both must be there before the first of thousands of runs. */
static void make_ready(struct stability_plan *plan) {
    struct stat found;
    if (!cli_sibling("hakmem-stress", plan->stress_path, sizeof(plan->stress_path)) ||
        access(plan->stress_path, X_OK) != 0) {
        command_refuse("hakmem-stress is not beside this program; build it");
    }
    if (mkdir(plan->out_dir, 0777) != 0 && errno != EEXIST) {
        command_refuse("--out %s: %s; name a folder", plan->out_dir, strerror(errno));
    }
    if (stat(plan->out_dir, &found) != 0 || !S_ISDIR(found.st_mode)) {
        command_refuse("--out %s: it is there and no folder; name another", plan->out_dir);
    }
    if (access(plan->out_dir, W_OK | X_OK) != 0) {
        command_refuse("--out %s: %s; name another folder", plan->out_dir, strerror(errno));
    }
}

static json_t *scenario_results(const struct stability_plan *plan,
                                const struct stability_tally *tally) {
    json_t *list = json_array();
    for (size_t i = 0; i < plan->scenario_count; i++) {
        json_array_append_new(list,
                              json_pack("{s:s, s:I, s:I}", "scenario", plan->scenarios[i]->name,
                                        "runs", (json_int_t)tally->run_counts[i], "failures",
                                        (json_int_t)tally->failure_counts[i]));
    }
    return list;
}

static const char *verdict_of(const struct stability_tally *tally) {
    if (tally->failure_count > 0) {
        return "fail";
    }
    return tally->interrupted_by != 0 ? "interrupted" : "pass";
}

static json_t *result_json(const struct stability_plan *plan, const struct stability_tally *tally,
                           double bound, double elapsed_seconds) {
    json_t *result = json_pack(
        "{s:s, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:s, s:s, s:b, s:o}", "program",
        "hakmem-stability", "threads", (json_int_t)plan->thread_count, "runs",
        (json_int_t)tally->done_count, "runs_asked_for", (json_int_t)plan->run_count, "passes",
        (json_int_t)(tally->done_count - tally->failure_count), "seed", (json_int_t)plan->seed,
        "confidence", confidence, "failure_rate_bound", bound, "elapsed_seconds", elapsed_seconds,
        "library", plan->library != NULL ? plan->library : "hakmem", "verdict", verdict_of(tally),
        "interrupted", tally->interrupted_by != 0, "scenarios", scenario_results(plan, tally));
    if (tally->failure_count > 0) {
        json_object_set_new(result, "first_failure_command", json_string(tally->first_command));
        json_object_set_new(result, "first_failure_report", json_string(tally->first_report));
    }
    return result;
}

static void print_counts(const struct stability_plan *plan, const struct stability_tally *tally,
                         double bound) {
    char bound_text[PERCENT_BYTES];
    binomial_format_percent(bound, bound_text, sizeof(bound_text));
    if (tally->interrupted_by != 0) {
        printf("interrupted after %llu of %llu runs\n", (unsigned long long)tally->done_count,
               (unsigned long long)plan->run_count);
    }
    printf("%llu/%llu passed: failure rate < %s %% (95 %%)\n",
           (unsigned long long)(tally->done_count - tally->failure_count),
           (unsigned long long)tally->done_count, bound_text);
    for (size_t i = 0; i < plan->scenario_count; i++) {
        if (tally->failure_counts[i] > 0) {
            printf("  %-9s %llu of %llu runs failed\n", plan->scenarios[i]->name,
                   (unsigned long long)tally->failure_counts[i],
                   (unsigned long long)tally->run_counts[i]);
        }
    }
    if (tally->failure_count > 0) {
        printf("first failure: %s\nrepeat with: %s\n",
               tally->first_report[0] != '\0' ? tally->first_report : "(could not be kept)",
               tally->first_command);
    }
}

static int report(const struct stability_plan *plan, const struct stability_tally *tally,
                  double elapsed_seconds, struct command_output *json) {
    double bound = binomial_upper_bound(tally->failure_count, tally->done_count, confidence);
    print_counts(plan, tally, bound);
    if (!cli_json_write(json, result_json(plan, tally, bound, elapsed_seconds))) {
        return STRESS_EXIT_USAGE;
    }
    if (tally->interrupted_by != 0) {
        return command_interrupt_status(tally->interrupted_by);
    }
    return tally->failure_count == 0 ? STRESS_EXIT_OK : STRESS_EXIT_FOUND;
}

int main(int argc, char **argv) {
    static struct options options = {.plan = {.thread_count = 4,
                                              .run_count = 3000,
                                              .seconds_per_run = 0.03,
                                              .timeout_seconds = 60.0,
                                              .out_dir = "out"}};
    static struct stability_tally tally;
    static struct command_output json;
    struct progress progress;
    command_parse("hakmem-stability", &parser, argc, argv, 0, &options);
    fill_in(&options.plan, options.has_seed);
    command_output_prepare(&json, "--json", options.json_path);
    make_ready(&options.plan);
    fprintf(stderr, "hakmem-stability: %llu runs, %llu threads, seeds from %llu\n",
            (unsigned long long)options.plan.run_count,
            (unsigned long long)options.plan.thread_count, (unsigned long long)options.plan.seed);
    progress_init(&progress, options.plan.run_count);
    bool could_run = stability_run(&options.plan, &progress, &tally);
    progress_clear(&progress);
    if (!could_run) {
        return STRESS_EXIT_USAGE;
    }
    double elapsed_seconds = (double)(stress_now_ns() - progress.start_ns) / 1e9;
    return command_finish(report(&options.plan, &tally, elapsed_seconds, &json));
}
