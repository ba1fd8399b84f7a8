/* SPDX-License-Identifier: MIT */
/**
 * @file arguments.c
 * Positional, all seven, each a number in its range. A table says which.
 */
#include "arguments.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARGUMENT_COUNT = 7, EXIT_USAGE = 2 };

static const struct argument {
    const char *name;
    uint64_t low, high;
    size_t offset;
    const char *meaning;
} table[ARGUMENT_COUNT] = {
    {"SLEEP", 1, 86400, offsetof(struct larson_arguments, sleep_seconds), "seconds to run"},
    {"MIN", 1, 1 << 30, offsetof(struct larson_arguments, size_min_bytes), "smallest chunk, bytes"},
    {"MAX", 1, 1 << 30, offsetof(struct larson_arguments, size_max_bytes), "largest chunk, bytes"},
    {"CHUNKS", 1, 10000000, offsetof(struct larson_arguments, chunk_count), "chunks a thread"},
    {"ROUNDS", 1, 1000000000, offsetof(struct larson_arguments, round_count),
     "a thread exits after ROUNDS * CHUNKS replacements"},
    {"SEED", 0, UINT64_MAX, offsetof(struct larson_arguments, seed), "of the random sequences"},
    {"THREADS", 1, 1024, offsetof(struct larson_arguments, thread_count), "threads at once"},
};

#define USAGE "usage: larson_hakmem SLEEP MIN MAX CHUNKS ROUNDS SEED THREADS"

static _Noreturn void help(void) {
    puts(USAGE "\n\nThe Larson server benchmark on hakmem.\n");
    for (int i = 0; i < ARGUMENT_COUNT; i++) {
        printf("  %-8s %s (%llu to %llu)\n", table[i].name, table[i].meaning,
               (unsigned long long)table[i].low, (unsigned long long)table[i].high);
    }
    puts("\nAs in: larson_hakmem 10 8 128 1024 1 12345 4\n"
         "The adaptive log is on; HAKMEM_ADAPTIVE_LOG=0 turns it off.");
    exit(0);
}

static bool parse(const char *text, const struct argument *argument, uint64_t *number) {
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    *number = value;
    return isdigit((unsigned char)text[0]) && *end == '\0' && errno == 0 &&
           value >= argument->low && value <= argument->high;
}

void larson_arguments_parse(int argc, char **argv, struct larson_arguments *arguments) {
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        help();
    }
    if (argc != ARGUMENT_COUNT + 1) {
        fprintf(stderr, USAGE " (%d arguments given, 7 needed)\n", argc - 1);
        exit(EXIT_USAGE);
    }
    for (int i = 0; i < ARGUMENT_COUNT; i++) {
        uint64_t *number = (uint64_t *)(void *)((char *)arguments + table[i].offset);
        if (!parse(argv[i + 1], &table[i], number)) {
            fprintf(stderr, USAGE " (%s is '%s'; it takes a number from %llu to %llu)\n",
                    table[i].name, argv[i + 1], (unsigned long long)table[i].low,
                    (unsigned long long)table[i].high);
            exit(EXIT_USAGE);
        }
    }
    if (arguments->size_min_bytes > arguments->size_max_bytes) {
        fprintf(stderr, USAGE " (MIN is larger than MAX)\n");
        exit(EXIT_USAGE);
    }
}
