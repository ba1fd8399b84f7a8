/* SPDX-License-Identifier: MIT */
/**
 * @file cli.h
 * What the command-line programs here share beyond command/: numbers, neighbours
 * on disk, JSON, the names of the scenarios.
 */
#ifndef STRESS_CLI_H
#define STRESS_CLI_H

#include "../scenarios/scenarios.h"
#include "command/output_file.h"

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A decimal number in [low, high] and nothing else; false otherwise. */
bool cli_parse_number(const char *text, uint64_t low, uint64_t high, uint64_t *number);

/** A number of seconds, as in 10 or 0.05, in [low, high]; false otherwise. */
bool cli_parse_seconds(const char *text, double low, double high, double *seconds);

/** The path of a file in the folder that this program lies in. False when it
 *  cannot be told. */
bool cli_sibling(const char *name, char *path, size_t path_bytes);

/** These end the program, with one line and status 2, on what is wrong. `what` is the option. */
void cli_take_number(const char *what, const char *text, uint64_t low, uint64_t high,
                     uint64_t *number);
void cli_take_seconds(const char *what, const char *text, double low, double high, double *seconds);

/** A malloc to preload: absolute, and without what LD_PRELOAD cannot have in a
 *  path. Links are followed where that leads to such a path. */
void cli_take_library(const char *path, char library[PATH_MAX]);

/** Writes `result` to the file (whole or not at all) and releases it; where no
 *  file is wanted, only that. False, with one line on stderr, when it could not. */
bool cli_json_write(struct command_output *output, json_t *result);

/** A random seed, small enough to be typed. */
uint64_t cli_random_seed(void);

struct cli_scenario {
    const char *name;
    const char *summary;
    enum stress_place place;
};

extern const struct cli_scenario cli_scenarios[];
extern const size_t cli_scenario_count;

/** NULL when there is none of that name. */
const struct cli_scenario *cli_scenario_find(const char *name);

/** False where this build cannot run it. */
bool cli_scenario_runs_here(const struct cli_scenario *scenario);

#endif
