/* SPDX-License-Identifier: MIT */
/**
 * @file result.h
 * The files that hakmem-stress writes: --json and --observe.
 */
#ifndef STRESS_RESULT_H
#define STRESS_RESULT_H

#include "supervisor.h"

#include <jansson.h>

/** What was asked for and how it ended; `command` repeats it. */
json_t *result_json(const struct supervisor_request *request,
                    const struct supervisor_result *result, const char *command);

/** The same, and what the observer saw. The run was observed. */
json_t *result_observation_json(const struct supervisor_request *request,
                                const struct supervisor_result *result, const char *command);

#endif
