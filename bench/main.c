/* SPDX-License-Identifier: MIT */
/*
 * hakmem-bench: runs one workload on whatever malloc the process has, and
 * reports time, RSS and minor faults. Comparing allocators is ci/bench's job:
 * it runs this program once per allocator and round, with LD_PRELOAD.
 */
#include "harness/bench.h"

#include "command/command_line.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_SECONDS 1.0
#define MAX_SECONDS 86400.0
#define MAX_OPERATIONS 1000000000000000ull

struct options {
    const struct bench_workload *workload;
    const char *json_path;
    uint64_t threads;
    uint64_t operations;
    uint64_t seed;
    double seconds;
    bool list;
};

enum { KEY_SECONDS = 's', KEY_SEED = 'r', KEY_JSON = 'j', KEY_LIST = 'l' };

static const struct argp_option option_table[] = {
    {"threads", 't', "N", 0, "Threads, 1 to 64 (default 1)", 0},
    {"seconds", KEY_SECONDS, "T", 0, "Run for T seconds (default 1)", 0},
    {"operations", 'n', "N", 0, "Run N operations in all, instead of a time", 0},
    {"seed", KEY_SEED, "S", 0, "Seed of sizes and orders (default 1)", 0},
    {"json", KEY_JSON, "FILE", 0, "Write the result to FILE as JSON", 0},
    {"list", KEY_LIST, NULL, 0, "List the workloads and exit", 0},
    {0},
};

static uint64_t parse_count(const char *name, const char *text, uint64_t low, uint64_t high) {
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || *text == '-' || value < low || value > high)
        command_refuse("--%s takes a number from %llu to %llu, not '%s'", name,
                       (unsigned long long)low, (unsigned long long)high, text);
    return value;
}

static double parse_seconds(const char *text) {
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value > 0.0) || value > MAX_SECONDS)
        command_refuse("--seconds takes a time above 0 and up to %.0f, not '%s'", MAX_SECONDS,
                       text);
    return value;
}

static void parse_workload(struct options *options, const char *name) {
    if (options->workload != NULL)
        command_refuse("one workload at a time; '%s' is the second", name);
    options->workload = bench_workload_find(name);
    if (options->workload == NULL)
        command_refuse("no workload '%s'; --list names them", name);
}

static void check_options(const struct options *options) {
    const struct bench_workload *workload = options->workload;
    if (options->list)
        return;
    if (workload == NULL)
        command_refuse("name a workload; --list names them");
    else if (options->threads < workload->min_threads ||
             options->threads % workload->thread_multiple != 0)
        command_refuse("%s needs at least %u threads, a multiple of %u; give --threads",
                       workload->name, workload->min_threads, workload->thread_multiple);
    if (options->operations != 0 && options->seconds > 0.0)
        command_refuse("--seconds and --operations exclude each other; give one");
}

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    struct options *options = state->input;
    switch (key) {
    case 't':
        options->threads = parse_count("threads", argument, 1, BENCH_MAX_THREADS);
        return 0;
    case 'n':
        options->operations = parse_count("operations", argument, 1, MAX_OPERATIONS);
        return 0;
    case KEY_SECONDS:
        options->seconds = parse_seconds(argument);
        return 0;
    case KEY_SEED:
        options->seed = parse_count("seed", argument, 0, INT64_MAX);
        return 0;
    case KEY_JSON:
        options->json_path = argument;
        return 0;
    case KEY_LIST:
        options->list = true;
        return 0;
    case ARGP_KEY_ARG:
        parse_workload(options, argument);
        return 0;
    case ARGP_KEY_END:
        check_options(options);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    .options = option_table,
    .parser = parse_option,
    .args_doc = "WORKLOAD",
    .doc = "Run one allocation workload on this process's malloc and report it.\v"
           "Preload an allocator to measure it:\n"
           "  LD_PRELOAD=/path/lib.so hakmem-bench random-mixed --threads 4\n"
           "ci/bench compares allocators. Exit status: 0 done, 1 the allocator failed"
           " (NULL or a block overwritten), 2 usage.",
};

static void list_workloads(void) {
    static const char *const kind_names[] = {"speed", "memory", "count"};
    for (size_t i = 0; bench_workloads[i] != NULL; i++) {
        const struct bench_workload *workload = bench_workloads[i];
        printf("%-18s %-6s %u %u  %s\n", workload->name, kind_names[workload->kind],
               workload->min_threads, workload->thread_multiple, workload->summary);
    }
}

/* Too large for the stack of a small machine, and malloc is what is measured. */
static struct bench_run run;
static struct command_output json;

int main(int argc, char **argv) {
    struct options options = {.threads = 1, .seed = 1};
    command_parse("hakmem-bench", &parser, argc, argv, 0, &options);
    if (options.list) {
        list_workloads();
        return command_finish(0);
    }
    double seconds = options.seconds > 0.0 ? options.seconds : DEFAULT_SECONDS;
    run.workload = options.workload;
    run.threads = (unsigned)options.threads;
    run.seed = options.seed;
    run.total_operations = options.operations;
    run.duration_ns = options.operations != 0 ? 0 : (uint64_t)ceil(seconds * 1e9);
    command_output_prepare(&json, "--json", options.json_path);
    struct bench_result result;
    bench_run_execute(&run, &result);
    bench_report_print(&run, &result);
    bool is_written = bench_report_write(&run, &result, &json);
    return command_finish(is_written ? 0 : COMMAND_EXIT_USAGE);
}
