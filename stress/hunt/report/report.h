/* SPDX-License-Identifier: MIT */
/* What a person or a script gets to see of a failing schedule. */
#ifndef HUNT_REPORT_H
#define HUNT_REPORT_H

#include "search.h"

#include "command/output_file.h"

#include <stdio.h>

/* The finding's sentence, its details (who waits for what, the two accesses of a race). */
void hunt_report_finding(FILE *out, const struct hunt_finding *finding);

/* A column per thread, a row per step, source lines; the step that broke it is marked. Prints the
 * schedule that ran last, which must have been traced. */
void hunt_report_table(FILE *out, const struct hunt_failing *failing);

/* Takes so much processor time at most. Shrinks what failed: context switches, then operations, threads and steps; the same failure.
 * Returns whether it is proven that no schedule with fewer switches shows it. */
bool hunt_minimise(const struct hunt_scenario *scenario, struct hunt_failing *failing,
                   double seconds_max);

/* Writes a regression test, whole or not at all. False, with one line on stderr, if it cannot. */
bool hunt_emit_test(struct command_output *output, const struct hunt_scenario *scenario,
                    const struct hunt_failing *failing);

struct hunt_summary {
    const struct hunt_scenario *scenario;
    const char *strategy, *executor, *token;
    uint64_t seed;
    const struct hunt_result *result;
    bool minimised, proven;
};
bool hunt_report_json(struct command_output *output, const struct hunt_summary *summary);

#endif
