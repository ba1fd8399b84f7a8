/* SPDX-License-Identifier: MIT */
/**
 * @file arguments.c
 * Positional, all seven, each a number in its range; a table says which. Options
 * stand before, behind or between them.
 */
#include "arguments.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARGUMENT_COUNT = 7, SEED = 5, EXIT_USAGE = 2 };

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

#define USAGE                                                                                      \
    "usage: larson_hakmem SLEEP MIN MAX CHUNKS ROUNDS SEED THREADS [--seed N] [--json FILE]"

static _Noreturn void help(void) {
    puts(USAGE "\n\nThe Larson server benchmark on hakmem.\n");
    for (int i = 0; i < ARGUMENT_COUNT; i++) {
        printf("  %-11s %s (%llu to %llu)\n", table[i].name, table[i].meaning,
               (unsigned long long)table[i].low, (unsigned long long)table[i].high);
    }
    puts("\n"
         "  --seed N    instead of SEED\n"
         "  --json FILE write the result to FILE\n"
         "\nAs in: larson_hakmem 10 8 128 1024 1 12345 4\n"
         "The adaptive log is on; HAKMEM_ADAPTIVE_LOG=0 turns it off.\n"
         "Exit status: 0 it ran, 1 it could not go on, 2 usage, or FILE cannot be written.");
    exit(0);
}

static _Noreturn __attribute__((format(printf, 1, 2))) void refuse(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs(USAGE " (", stderr);
    vfprintf(stderr, format, arguments);
    fputs(")\n", stderr);
    va_end(arguments);
    exit(EXIT_USAGE);
}

static bool parse(const char *text, const struct argument *argument, uint64_t *number) {
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    *number = value;
    return isdigit((unsigned char)text[0]) && *end == '\0' && errno == 0 &&
           value >= argument->low && value <= argument->high;
}

static void take_number(const struct argument *argument, const char *name, const char *text,
                        struct larson_arguments *arguments) {
    uint64_t *number = (uint64_t *)(void *)((char *)arguments + argument->offset);
    if (!parse(text, argument, number)) {
        refuse("%s is '%s'; it takes a number from %llu to %llu", name, text,
               (unsigned long long)argument->low, (unsigned long long)argument->high);
    }
}

/** The value of `option` when `**next` is it, as in "--seed 1" and "--seed=1", and
 *  then `*next` on its last word; NULL when it is another. */
static char *value_of(const char *option, char ***next) {
    char *word = **next;
    size_t length = strlen(option);
    if (strncmp(word, option, length) != 0 || (word[length] != '\0' && word[length] != '=')) {
        return NULL;
    }
    char *value = word[length] == '=' ? word + length + 1 : *++*next;
    if (value == NULL || value[0] == '\0') {
        refuse("%s needs a value", option);
    }
    return value;
}

/** Takes `**next` and what belongs to it; `*next` is then on its last word. */
static void take_option(char ***next, const char **seed, struct larson_arguments *arguments) {
    char *value;
    if (strcmp(**next, "--help") == 0) {
        help();
    } else if ((value = value_of("--seed", next)) != NULL) {
        *seed = value;
    } else if ((value = value_of("--json", next)) != NULL) {
        arguments->json_path = value;
    } else {
        refuse("unknown option '%s'", **next);
    }
}

void larson_arguments_parse(int argc, char **argv, struct larson_arguments *arguments) {
    const char *texts[ARGUMENT_COUNT], *seed = NULL;
    int count = 0;
    arguments->json_path = NULL;
    for (char **next = argv + (argc > 0); *next != NULL; next++) {
        if (strncmp(*next, "--", 2) == 0) {
            take_option(&next, &seed, arguments);
            continue;
        }
        if (count < ARGUMENT_COUNT) {
            texts[count] = *next;
        }
        count++;
    }
    if (count != ARGUMENT_COUNT) {
        refuse("%d arguments given, 7 needed", count);
    }
    for (int i = 0; i < ARGUMENT_COUNT; i++) {
        take_number(&table[i], table[i].name, texts[i], arguments);
    }
    if (seed != NULL) {
        take_number(&table[SEED], "--seed", seed, arguments);
    }
    if (arguments->size_min_bytes > arguments->size_max_bytes) {
        refuse("MIN is larger than MAX");
    }
}
