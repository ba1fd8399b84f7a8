/* SPDX-License-Identifier: MIT */
/**
 * @file main.c
 * hakmem-stress: the command line, the verdict, the result file.
 */
#include "../cli/cli.h"
#include "command/command_line.h"
#include "result.h"
#include "supervisor.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPTION_LIST = 256, OPTION_JSON, OPTION_LIBRARY, OPTION_TIMEOUT, OPTION_OBSERVE,
       OPTION_PAUSES };
static const double seconds_max = 86400.0;

struct options {
    struct supervisor_request request;
    const char *json_path;
    const char *observe_path;
    char library[PATH_MAX];
    bool has_seed;
    bool has_seconds;
};

struct outputs {
    struct command_output json;
    struct command_output observation;
};

static const struct argp_option option_list[] = {
    {"threads", 't', "N", 0, "threads, 1 to 256 (4)", 0},
    {"seed", 's', "S", 0, "the seed of every thread's sequence (random, and printed)", 0},
    {"seconds", 'T', "T", 0, "how long, as in 10 or 0.05 (1)", 0},
    {"operations", 'n', "N", 0, "how many operations a thread, instead of a time", 0},
    {"library", OPTION_LIBRARY, "LIBX.SO", 0, "test this malloc, preloaded, instead of hakmem", 0},
    {"timeout", OPTION_TIMEOUT, "T", 0, "a run without progress for T seconds hangs (60)", 0},
    {"pauses", OPTION_PAUSES, "WHERE", 0,
     "what stops threads in `pause`: points (marked, in checked builds), signals (at random "
     "moments), both (the default) or none",
     0},
    {"observe", OPTION_OBSERVE, "FILE", 0,
     "write memory over time, and where every block was when most was in use, to FILE", 0},
    {"json", OPTION_JSON, "FILE", 0, "write the result to FILE", 0},
    {"list", OPTION_LIST, NULL, 0, "name the scenarios", 0},
    {0},
};

static _Noreturn void list_scenarios(void) {
    for (size_t i = 0; i < cli_scenario_count; i++) {
        if (cli_scenario_runs_here(&cli_scenarios[i])) {
            printf("%-9s %s\n", cli_scenarios[i].name, cli_scenarios[i].summary);
        }
    }
    exit(command_finish(STRESS_EXIT_OK));
}

static void take_scenario(const char *name, struct options *options) {
    const struct cli_scenario *scenario = cli_scenario_find(name);
    if (options->request.scenario != NULL) {
        command_refuse("one scenario at a time: '%s' is one too many", name);
    }
    if (scenario == NULL) {
        command_refuse("no scenario '%s'; --list names them", name);
    } else if (!cli_scenario_runs_here(scenario)) {
        command_refuse("scenario '%s' cannot run under this build's sanitizer; --list names those "
                       "that can",
                       name);
    } else {
        options->request.scenario = scenario->name;
    }
}

static void take_pauses(const char *name, enum stress_pauses *pauses) {
    static const char *const names[] = {"none", "signals", "points", "both"};
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0) {
            *pauses = (enum stress_pauses)i;
            return;
        }
    }
    command_refuse("--pauses is '%s'; it takes points, signals, both or none", name);
}

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    struct options *options = state->input;
    struct supervisor_request *request = &options->request;
    switch (key) {
    case 't':
        cli_take_number("--threads", argument, 1, STRESS_THREADS_MAX, &request->thread_count);
        return 0;
    case 's':
        cli_take_number("--seed", argument, 0, UINT64_MAX, &request->seed);
        options->has_seed = true;
        return 0;
    case 'T':
        cli_take_seconds("--seconds", argument, 0.001, seconds_max, &request->seconds);
        options->has_seconds = true;
        return 0;
    case 'n':
        cli_take_number("--operations", argument, 1, UINT64_C(1000000000000),
                        &request->operation_count);
        return 0;
    case OPTION_TIMEOUT:
        cli_take_seconds("--timeout", argument, 0.001, seconds_max, &request->timeout_seconds);
        return 0;
    case OPTION_LIBRARY:
        cli_take_library(argument, options->library);
        request->library = options->library;
        return 0;
    case OPTION_PAUSES:
        take_pauses(argument, &request->pauses);
        return 0;
    case OPTION_OBSERVE:
        options->observe_path = argument;
        request->is_observed = true;
        return 0;
    case OPTION_JSON:
        options->json_path = argument;
        return 0;
    case OPTION_LIST:
        list_scenarios();
    case ARGP_KEY_ARG:
        take_scenario(argument, options);
        return 0;
    case ARGP_KEY_END:
        if (request->scenario == NULL) {
            command_refuse("name a scenario; --list shows them");
        }
        if (options->has_seconds && request->operation_count != 0) {
            command_refuse("--seconds and --operations exclude each other; give one");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    option_list,
    parse_option,
    "SCENARIO",
    "Run one multi-threaded scenario on hakmem and verify every block's whole contents."
    "\vExit status: 0 passed, 1 a failure was found (its seed and the command that repeats it are "
    "printed), 2 usage, 130 or 143 interrupted (SIGINT, SIGTERM). A seed fixes what each thread does, "
    "not how the threads interleave. HAKMEM_ADAPTIVE_LOG is 0 unless it is set.",
    NULL,
    NULL,
    NULL};

static void command_of(const char *program, const struct supervisor_request *request, char *command,
                       size_t command_bytes) {
    char length[64];
    if (request->operation_count != 0) {
        snprintf(length, sizeof(length), "--operations %llu",
                 (unsigned long long)request->operation_count);
    } else {
        snprintf(length, sizeof(length), "--seconds %g", request->seconds);
    }
    static const char *const pauses[] = {" --pauses none", " --pauses signals",
                                         " --pauses points", ""};
    snprintf(command, command_bytes, "%s %s --threads %llu --seed %llu %s%s%s%s", program,
             request->scenario, (unsigned long long)request->thread_count,
             (unsigned long long)request->seed, length, pauses[request->pauses],
             request->library ? " --library " : "",
             request->library ? request->library : "");
}

static void print_verdict(const struct supervisor_request *request,
                          const struct supervisor_result *result, const char *command) {
    unsigned long long threads = request->thread_count, seed = request->seed;
    unsigned long long operations = result->operation_count;
    if (result->interrupted_by != 0) {
        fprintf(stderr,
                "hakmem-stress: interrupted %s threads=%llu seed=%llu: %llu operations in %.2f s, "
                "nothing found so far\n",
                request->scenario, threads, seed, operations, result->elapsed_seconds);
    } else if (result->exit_status == STRESS_EXIT_OK) {
        printf("hakmem-stress: PASS %s threads=%llu seed=%llu: %llu operations in %.2f s, "
               "%llu structures checked\n",
               request->scenario, threads, seed, operations, result->elapsed_seconds,
               (unsigned long long)result->heap_check_count);
    } else {
        fprintf(stderr, "hakmem-stress: FAIL %s threads=%llu seed=%llu: %s\nrepeat with: %s\n",
                request->scenario, threads, seed, result->message, command);
    }
}

static int report(const struct supervisor_request *request, const struct supervisor_result *result,
                  const char *command, struct outputs *outputs) {
    print_verdict(request, result, command);
    bool is_written = cli_json_write(&outputs->json, result_json(request, result, command));
    if (request->is_observed) {
        is_written &= cli_json_write(&outputs->observation,
                                     result_observation_json(request, result, command));
    }
    return is_written ? result->exit_status : STRESS_EXIT_USAGE;
}

int main(int argc, char **argv) {
    struct options options = {
        .request = {.thread_count = 4, .seconds = 1.0, .timeout_seconds = 60.0,
                    .pauses = STRESS_PAUSES_BOTH}};
    static struct outputs outputs;
    command_parse("hakmem-stress", &parser, argc, argv, 0, &options);
    command_output_prepare(&outputs.json, "--json", options.json_path);
    command_output_prepare(&outputs.observation, "--observe", options.observe_path);
    if (!options.has_seed) {
        options.request.seed = cli_random_seed();
    }
    setenv("HAKMEM_ADAPTIVE_LOG", "0", 0);

    char command[2 * PATH_MAX];
    command_of(argv[0], &options.request, command, sizeof(command));
    struct supervisor_result result;
    supervisor_run(&options.request, &result);
    if (result.exit_status == STRESS_EXIT_USAGE) {
        return STRESS_EXIT_USAGE; /* said by whoever saw it */
    }
    return command_finish(report(&options.request, &result, command, &outputs));
}
