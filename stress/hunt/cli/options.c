/* SPDX-License-Identifier: MIT */
/* Reading the command line (glibc's argp). */
#include "options.h"

#include "../engine/registry.h"
#include "command/command_line.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPT_LIST = 256,
    OPT_REPLAY,
    OPT_STRATEGY,
    OPT_SEED,
    OPT_SCHEDULES,
    OPT_SECONDS,
    OPT_PREEMPTIONS,
    OPT_STALE,
    OPT_MINIMISE,
    OPT_EMIT,
    OPT_JSON,
    OPT_EXECUTOR,
    OPT_NO_STALE,
    OPT_NO_RACES,
    OPT_PLAIN,
    OPT_NO_TABLE,
    OPT_SERVE,
    OPT_EVERY_ORDER,
};

static const struct argp_option table[] = {
    {"list", OPT_LIST, 0, 0, "Name the scenarios and the strategies", 0},
    {"replay", OPT_REPLAY, "TOKEN", 0, "Run the one schedule of a token", 0},
    {"strategy", OPT_STRATEGY, "S", 0, "portfolio (default), random, pct, pos, surw, exhaustive",
     1},
    {"seed", OPT_SEED, "N", 0, "Seed of all randomness (1)", 1},
    {"schedules", OPT_SCHEDULES, "N", 0, "Stop after N schedules", 1},
    {"seconds", OPT_SECONDS, "T", 0,
     "Stop after T seconds (10, unless --schedules is given; "
     "exhaustive runs until it is complete)",
     1},
    {"preemptions", OPT_PREEMPTIONS, "C", 0, "exhaustive: at most C preemptions (2)", 1},
    {"stale", OPT_STALE, "N", 0, "exhaustive: at most N stale loads (1)", 1},
    {"every-order", OPT_EVERY_ORDER, 0, 0,
     "exhaustive: also schedules that differ only in the order of independent steps", 1},
    {"minimise", OPT_MINIMISE, 0, 0, "Shrink what was found: context switches, operations, threads, steps",
     2},
    {"minimize", OPT_MINIMISE, 0, OPTION_ALIAS, 0, 2},
    {"emit-test", OPT_EMIT, "FILE", 0, "Write what was found as a regression test", 2},
    {"json", OPT_JSON, "FILE", 0, "Write the result as JSON", 2},
    {"no-table", OPT_NO_TABLE, 0, 0, "Leave the interleaving table out", 2},
    {"executor", OPT_EXECUTOR, "E", 0,
     "coroutine (default where the CPU can) or baton (real threads)", 3},
    {"no-stale-loads", OPT_NO_STALE, 0, 0, "Loads see the newest store only", 3},
    {"no-races", OPT_NO_RACES, 0, 0, "Do not look for data races", 3},
    {"plain-points", OPT_PLAIN, 0, 0, "Plain accesses are scheduling points too", 3},
    {"serve", OPT_SERVE, "FD,FD", 0, "Run what fuzz_hunt asks for (stress/hunt/fuzz/protocol.h)", 4},
    {0},
};

static uint64_t number(const char *option, const char *text, uint64_t min, uint64_t max) {
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 0);
    if (errno != 0 || *text == '\0' || *text == '-' || *end != '\0' || value < min || value > max)
        command_refuse("--%s takes a whole number from %llu to %llu, not '%s'", option,
                       (unsigned long long)min, (unsigned long long)max, text);
    return value;
}

static double seconds(const char *text) {
    char *end;
    double value = strtod(text, &end);
    if (*text == '\0' || *end != '\0' || !(value > 0 && value < 1e9))
        command_refuse("--seconds takes a number above 0, not '%s'", text);
    return value;
}

/* Also beside --list, which runs nothing: what is wrong is wrong there too. */
static void check_names(const struct hunt_options *options) {
    const char *why;
    if (hunt_strategy_by_name(options->strategy) == NULL)
        command_refuse("no strategy '%s': see --list", options->strategy);
    if (hunt_executor_by_name(options->executor, &why) == NULL)
        command_refuse("--executor %s: %s", options->executor, why);
}

static error_t parse_one(int key, char *text, struct argp_state *state) {
    struct hunt_options *options = state->input;
    switch (key) {
    case OPT_LIST:
        options->list = true;
        break;
    case OPT_REPLAY:
        options->token = text;
        break;
    case OPT_STRATEGY:
        options->strategy = text;
        break;
    case OPT_SEED:
        options->seed = number("seed", text, 0, UINT64_MAX);
        break;
    case OPT_SCHEDULES:
        options->schedules = number("schedules", text, 1, UINT64_MAX);
        break;
    case OPT_SECONDS:
        options->seconds = seconds(text);
        break;
    case OPT_PREEMPTIONS:
        options->preemptions = (unsigned)number("preemptions", text, 0, 254);
        break;
    case OPT_STALE:
        options->stale = (unsigned)number("stale", text, 0, 254);
        break;
    case OPT_MINIMISE:
        options->minimise = true;
        break;
    case OPT_EMIT:
        options->emit_test = text;
        break;
    case OPT_JSON:
        options->json = text;
        break;
    case OPT_NO_TABLE:
        options->no_table = true;
        break;
    case OPT_EXECUTOR:
        options->executor = text;
        break;
    case OPT_NO_STALE:
        options->no_stale_loads = true;
        break;
    case OPT_NO_RACES:
        options->no_races = true;
        break;
    case OPT_PLAIN:
        options->plain_points = true;
        break;
    case OPT_EVERY_ORDER:
        options->every_order = true;
        break;
    case OPT_SERVE:
        options->serve = sscanf(text, "%d,%d", &options->socket, &options->memory) == 2;
        if (!options->serve)
            command_refuse("--serve takes two open file descriptors, not '%s'", text);
        break;
    case ARGP_KEY_ARG:
        if (options->scenario != NULL)
            command_refuse("one scenario at a time: '%s' or '%s'", options->scenario, text);
        options->scenario = text;
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

void hunt_options_parse(struct hunt_options *options, int argc, char **argv) {
    static const struct argp argp = {
        table,
        parse_one,
        "SCENARIO\n--list\n--replay TOKEN",
        "Runs a small concurrent scenario under every kind of schedule and prints a token that "
        "replays a "
        "failing one.\vExit status: 0 nothing found, 1 found something, 2 usage, 130 or 143 interrupted "
        "(SIGINT, SIGTERM): what was found by then is reported.",
        0,
        0,
        0};
    *options = (struct hunt_options){
        .strategy = "portfolio", .executor = "auto", .seed = 1, .preemptions = 2, .stale = 1};
    command_parse("hakmem-hunt", &argp, argc, argv, 0, options);
    int wanted = options->list + (options->token != NULL) + (options->scenario != NULL) +
                 options->serve;
    if (wanted != 1)
        command_refuse("give one of SCENARIO, --list and --replay TOKEN (--help tells more)");
    check_names(options);
}
