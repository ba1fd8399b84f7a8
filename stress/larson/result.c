/* SPDX-License-Identifier: MIT */
/**
 * @file result.c
 * JSON of numbers alone: no library for it, which would run on the malloc that is
 * measured.
 */
#include "result.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

double larson_result_throughput(const struct larson_result *result) {
    return (double)result->operation_count / result->elapsed_seconds;
}

static void print_number(FILE *file, const char *name, uint64_t number) {
    fprintf(file, "  \"%s\": %llu,\n", name, (unsigned long long)number);
}

/** False when anything of it did not reach the kernel. */
static bool print(FILE *file, const struct larson_result *result,
                  const struct larson_arguments *arguments) {
    fputs("{\n  \"program\": \"larson_hakmem\",\n", file);
    print_number(file, "sleep_seconds", arguments->sleep_seconds);
    print_number(file, "size_min_bytes", arguments->size_min_bytes);
    print_number(file, "size_max_bytes", arguments->size_max_bytes);
    print_number(file, "chunks", arguments->chunk_count);
    print_number(file, "rounds", arguments->round_count);
    print_number(file, "seed", arguments->seed);
    print_number(file, "threads", arguments->thread_count);
    print_number(file, "threads_started", result->thread_count);
    print_number(file, "operations", result->operation_count);
    fprintf(file, "  \"elapsed_seconds\": %.6f,\n", result->elapsed_seconds);
    fprintf(file, "  \"operations_per_second\": %.0f\n}\n", larson_result_throughput(result));
    bool is_printed = ferror(file) == 0;
    return fclose(file) == 0 && is_printed;
}

bool larson_result_write(const struct larson_result *result,
                         const struct larson_arguments *arguments) {
    char temporary[PATH_MAX] = "";
    int length =
        snprintf(temporary, sizeof temporary, "%s.%ld.tmp", arguments->json_path, (long)getpid());
    errno = ENAMETOOLONG;
    FILE *file = length > 0 && (size_t)length < sizeof temporary ? fopen(temporary, "wx") : NULL;
    bool is_written = file != NULL && print(file, result, arguments) &&
                      rename(temporary, arguments->json_path) == 0;
    if (!is_written) {
        fprintf(stderr, "larson_hakmem: %s cannot be written: %s\n", arguments->json_path,
                strerror(errno));
        if (file != NULL) {
            unlink(temporary);
        }
    }
    return is_written;
}
