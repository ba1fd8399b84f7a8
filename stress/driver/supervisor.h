/* SPDX-License-Identifier: MIT */
/**
 * @file supervisor.h
 * Runs a scenario in a process of its own and says how it ended. The verdict
 * comes from outside the malloc under test, so a crash, a hang and a corrupted
 * heap are reported like any other failure.
 */
#ifndef STRESS_SUPERVISOR_H
#define STRESS_SUPERVISOR_H

#include "../common/observe.h"
#include "../common/run.h"

#include <stdbool.h>
#include <stdint.h>

struct supervisor_request {
    const char *scenario;
    const char *library; /* absolute path, or NULL: hakmem */
    uint64_t thread_count;
    uint64_t seed;
    uint64_t operation_count; /* per thread; 0: by time */
    double seconds;
    double timeout_seconds; /* without a sign of life */
    enum stress_pauses pauses;
    bool is_observed;
};

struct supervisor_result {
    int exit_status;                    /* STRESS_EXIT_OK, _FOUND, _USAGE, or of an interrupt */
    int interrupted_by;                 /* the signal; 0: the run came to its end, or failed */
    char message[STRESS_MESSAGE_BYTES]; /* what was found; empty if nothing */
    double elapsed_seconds;
    uint64_t operation_count;
    uint64_t heap_check_count;
    uint64_t grow_count;
    uint64_t shrink_count;
    long resident_max_kib;
    uint64_t signal_pause_count;
    struct stress_point_count points[HAK_PAUSE_POINT_COUNT];
    const struct stress_observation *observation; /* stays mapped; NULL unless asked for */
};

/** Fills `*result`. Says on stderr only why a worker could not be started. */
void supervisor_run(const struct supervisor_request *request, struct supervisor_result *result);

#endif
