/* SPDX-License-Identifier: MIT */
/**
 * @file result.h
 * What larson_hakmem measured, and the file of --json.
 */
#ifndef LARSON_RESULT_H
#define LARSON_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include "arguments.h"
#include "command/output_file.h"

struct larson_result {
    uint64_t operation_count;
    uint64_t thread_count; /* all that were started, one after the other */
    double elapsed_seconds;
};

/** Operations per second. */
double larson_result_throughput(const struct larson_result *result);

/** Writes the result and what was asked for to `json`, if that is wanted, whole or not
 *  at all. False, with one line on stderr, when it could not. */
bool larson_result_write(const struct larson_result *result,
                         const struct larson_arguments *arguments, struct command_output *json);

#endif
