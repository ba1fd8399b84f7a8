/* SPDX-License-Identifier: MIT */
/**
 * @file result.c
 * JSON of numbers alone: no library for it, which would run on the malloc that is
 * measured.
 */
#include "result.h"

#include <stdio.h>

double larson_result_throughput(const struct larson_result *result) {
    return (double)result->operation_count / result->elapsed_seconds;
}

static void print_number(FILE *file, const char *name, uint64_t number) {
    fprintf(file, "  \"%s\": %llu,\n", name, (unsigned long long)number);
}

static void print(FILE *file, const struct larson_result *result,
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
}

bool larson_result_write(const struct larson_result *result,
                         const struct larson_arguments *arguments, struct command_output *json) {
    if (json->path == NULL) {
        return true;
    }
    FILE *file = command_output_open(json);
    if (file != NULL) {
        print(file, result, arguments);
    }
    return command_output_close(json, file != NULL);
}
