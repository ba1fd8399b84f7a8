/* SPDX-License-Identifier: MIT */
/**
 * @file arguments.h
 * The seven arguments of larson_hakmem, and its options.
 */
#ifndef LARSON_ARGUMENTS_H
#define LARSON_ARGUMENTS_H

#include <stdint.h>

struct larson_arguments {
    uint64_t sleep_seconds;
    uint64_t size_min_bytes;
    uint64_t size_max_bytes;
    uint64_t chunk_count; /* per thread */
    uint64_t round_count; /* a thread replaces this many times chunk_count */
    uint64_t seed;
    uint64_t thread_count;
    const char *json_path; /* NULL: no file */
};

/** Fills `*arguments`; `argv` ends with NULL. Ends the program after --help (0), and with one usage
 *  line on stderr when anything is wrong (2). */
void larson_arguments_parse(int argc, char **argv, struct larson_arguments *arguments);

#endif
