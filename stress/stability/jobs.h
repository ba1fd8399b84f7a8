/* SPDX-License-Identifier: MIT */
/**
 * @file jobs.h
 * Independent processes of hakmem-stress, so many at a time, each run once.
 */
#ifndef STABILITY_JOBS_H
#define STABILITY_JOBS_H

#include "../cli/cli.h"
#include "progress.h"

#include <limits.h>

enum { JOBS_MAX = 256, SCENARIOS_MAX = 64, COMMAND_BYTES = 4 * PATH_MAX };

struct stability_plan {
    char stress_path[PATH_MAX];
    const char *library; /* NULL: hakmem */
    const char *out_dir;
    const struct cli_scenario *scenarios[SCENARIOS_MAX]; /* taken in turn */
    size_t scenario_count;
    uint64_t thread_count;
    uint64_t run_count;
    uint64_t job_count;
    uint64_t seed;            /* run i has the seed seed + i */
    uint64_t operation_count; /* per thread; 0: by time */
    double seconds_per_run;
    double timeout_seconds;
};

struct stability_tally {
    uint64_t run_counts[SCENARIOS_MAX];
    uint64_t failure_counts[SCENARIOS_MAX];
    uint64_t done_count;
    uint64_t failure_count;
    int interrupted_by; /* the signal; 0: all runs were done. What was running does not count */
    char first_command[COMMAND_BYTES]; /* of the first failure to end */
    char first_report[PATH_MAX];       /* its output, kept whole */
};

/** Runs the whole plan. False, with a line on stderr, when hakmem-stress could
 *  not be run at all (missing, or it says usage): then there is no verdict.
 *  SIGINT and SIGTERM end it, and the processes that it started. */
bool stability_run(const struct stability_plan *plan, struct progress *progress,
                   struct stability_tally *tally);

#endif
