/* SPDX-License-Identifier: MIT */
/**
 * @file main.c
 * hakmem-stress: the command line, the verdict, the result file.
 */
#include "../cli/cli.h"
#include "result.h"
#include "supervisor.h"

#include <argp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
    exit(STRESS_EXIT_OK);
}

static void take_number(struct argp_state *state, const char *what, const char *text, uint64_t low,
                        uint64_t high, uint64_t *number) {
    if (!cli_parse_number(text, low, high, number)) {
        argp_failure(state, STRESS_EXIT_USAGE, 0, "%s is '%s'; it takes a number from %llu to %llu",
                     what, text, (unsigned long long)low, (unsigned long long)high);
    }
}

static void take_seconds(struct argp_state *state, const char *what, const char *text,
                         double *seconds) {
    if (!cli_parse_seconds(text, 0.001, seconds_max, seconds)) {
        argp_failure(state, STRESS_EXIT_USAGE, 0, "%s is '%s'; it takes seconds from 0.001 to %.0f",
                     what, text, seconds_max);
    }
}

static void take_scenario(struct argp_state *state, const char *name, struct options *options) {
    const struct cli_scenario *scenario = cli_scenario_find(name);
    if (options->request.scenario != NULL) {
        argp_failure(state, STRESS_EXIT_USAGE, 0, "one scenario at a time: '%s' is one too many",
                     name);
    }
    if (scenario == NULL) {
        argp_failure(state, STRESS_EXIT_USAGE, 0, "no scenario '%s'; --list names them", name);
    } else if (!cli_scenario_runs_here(scenario)) {
        argp_failure(state, STRESS_EXIT_USAGE, 0,
                     "scenario '%s' cannot run under this build's sanitizer", name);
    } else {
        options->request.scenario = scenario->name;
    }
}

static void take_library(struct argp_state *state, const char *path, struct options *options) {
    struct stat found;
    if (realpath(path, options->library) == NULL || access(options->library, R_OK) != 0 ||
        stat(options->library, &found) != 0 || !S_ISREG(found.st_mode)) {
        argp_failure(state, STRESS_EXIT_USAGE, 0, "no library '%s'; name the file", path);
    }
    if (strpbrk(options->library, " :") != NULL) {
        argp_failure(state, STRESS_EXIT_USAGE, 0,
                     "'%s': LD_PRELOAD takes no path with a space or colon in it", path);
    }
    options->request.library = options->library;
}

static void take_pauses(struct argp_state *state, const char *name, enum stress_pauses *pauses) {
    static const char *const names[] = {"none", "signals", "points", "both"};
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0) {
            *pauses = (enum stress_pauses)i;
            return;
        }
    }
    argp_failure(state, STRESS_EXIT_USAGE, 0,
                 "--pauses is '%s'; it takes points, signals, both or none", name);
}

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    struct options *options = state->input;
    struct supervisor_request *request = &options->request;
    switch (key) {
    case 't':
        take_number(state, "--threads", argument, 1, STRESS_THREADS_MAX, &request->thread_count);
        return 0;
    case 's':
        take_number(state, "--seed", argument, 0, UINT64_MAX, &request->seed);
        options->has_seed = true;
        return 0;
    case 'T':
        take_seconds(state, "--seconds", argument, &request->seconds);
        options->has_seconds = true;
        return 0;
    case 'n':
        take_number(state, "--operations", argument, 1, UINT64_C(1000000000000),
                    &request->operation_count);
        return 0;
    case OPTION_TIMEOUT:
        take_seconds(state, "--timeout", argument, &request->timeout_seconds);
        return 0;
    case OPTION_LIBRARY:
        take_library(state, argument, options);
        return 0;
    case OPTION_PAUSES:
        take_pauses(state, argument, &request->pauses);
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
        take_scenario(state, argument, options);
        return 0;
    case ARGP_KEY_END:
        if (request->scenario == NULL) {
            argp_failure(state, STRESS_EXIT_USAGE, 0, "name a scenario; --list shows them");
        }
        if (options->has_seconds && request->operation_count != 0) {
            argp_failure(state, STRESS_EXIT_USAGE, 0,
                         "--seconds and --operations exclude each other");
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
    "printed), 2 usage. A seed fixes what each thread does, not how the threads interleave. "
    "HAKMEM_ADAPTIVE_LOG is 0 unless it is set.",
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

static int report(const struct options *options, const struct supervisor_result *result,
                  const char *command) {
    const struct supervisor_request *request = &options->request;
    if (result->exit_status == STRESS_EXIT_OK) {
        printf("hakmem-stress: PASS %s threads=%llu seed=%llu: %llu operations in %.2f s, "
               "%llu structures checked\n",
               request->scenario, (unsigned long long)request->thread_count,
               (unsigned long long)request->seed, (unsigned long long)result->operation_count,
               result->elapsed_seconds, (unsigned long long)result->heap_check_count);
    } else {
        fprintf(stderr, "hakmem-stress: FAIL %s threads=%llu seed=%llu: %s\nrepeat with: %s\n",
                request->scenario, (unsigned long long)request->thread_count,
                (unsigned long long)request->seed, result->message, command);
    }
    if (options->json_path != NULL &&
        !cli_json_write("hakmem-stress", options->json_path,
                        result_json(request, result, command))) {
        return STRESS_EXIT_USAGE;
    }
    if (options->observe_path != NULL &&
        !cli_json_write("hakmem-stress", options->observe_path,
                        result_observation_json(request, result, command))) {
        return STRESS_EXIT_USAGE;
    }
    return result->exit_status;
}

int main(int argc, char **argv) {
    argp_err_exit_status = STRESS_EXIT_USAGE;
    struct options options = {
        .request = {.thread_count = 4, .seconds = 1.0, .timeout_seconds = 60.0,
                    .pauses = STRESS_PAUSES_BOTH}};
    argp_parse(&parser, argc, argv, 0, NULL, &options);
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
    return report(&options, &result, command);
}
