/* SPDX-License-Identifier: MIT */
/**
 * @file cli.c
 * Helpers of the command-line programs.
 */
#include "cli.h"

#include "command/command_line.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCENARIO(name, place, summary) {#name, summary, place},
const struct cli_scenario cli_scenarios[] = {STRESS_SCENARIOS(SCENARIO)};
const size_t cli_scenario_count = sizeof(cli_scenarios) / sizeof(cli_scenarios[0]);

bool cli_parse_number(const char *text, uint64_t low, uint64_t high, uint64_t *number) {
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)text[0]) || *end != '\0' || errno != 0 || value < low ||
        value > high) {
        return false;
    }
    *number = value;
    return true;
}

bool cli_parse_seconds(const char *text, double low, double high, double *seconds) {
    char *end = NULL;
    errno = 0;
    double value = strtod(text, &end);
    /* Digits and a point only: strtod also takes "inf", "0x1" and "1e3". */
    if (text[0] == '\0' || text[strspn(text, "0123456789.")] != '\0' || *end != '\0' ||
        errno != 0 || !isfinite(value) || value < low || value > high) {
        return false;
    }
    *seconds = value;
    return true;
}

bool cli_sibling(const char *name, char *path, size_t path_bytes) {
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (length <= 0) {
        return false;
    }
    self[length] = '\0';
    char *slash = strrchr(self, '/');
    *slash = '\0';
    int written = snprintf(path, path_bytes, "%s/%s", self, name);
    return written > 0 && (size_t)written < path_bytes;
}

void cli_take_number(const char *what, const char *text, uint64_t low, uint64_t high,
                     uint64_t *number) {
    if (!cli_parse_number(text, low, high, number)) {
        command_refuse("%s is '%s'; it takes a number from %llu to %llu", what, text,
                       (unsigned long long)low, (unsigned long long)high);
    }
}

void cli_take_seconds(const char *what, const char *text, double low, double high,
                      double *seconds) {
    if (!cli_parse_seconds(text, low, high, seconds)) {
        command_refuse("%s is '%s'; it takes seconds from %g to %.0f", what, text, low, high);
    }
}

static bool can_be_preloaded(const char *path) {
    return strpbrk(path, " :") == NULL; /* LD_PRELOAD has no quoting */
}

void cli_take_library(const char *path, char library[PATH_MAX]) {
    char here[PATH_MAX] = "";
    struct stat found;
    if (realpath(path, library) == NULL || access(library, R_OK) != 0 ||
        stat(library, &found) != 0 || !S_ISREG(found.st_mode)) {
        command_refuse("no library '%s'; name the file", path);
    }
    if (can_be_preloaded(library)) {
        return;
    }
    bool has_folder = path[0] == '/' || getcwd(here, sizeof(here)) != NULL;
    int length = snprintf(library, PATH_MAX, "%s%s%s", here, path[0] == '/' ? "" : "/", path);
    if (!has_folder || length >= PATH_MAX || !can_be_preloaded(library)) {
        command_refuse(
            "'%s': LD_PRELOAD takes no path with a space or colon in it; name a symbolic "
            "link to it whose path has none",
            path);
    }
}

bool cli_json_write(struct command_output *output, json_t *result) {
    bool is_written = true;
    if (output->path != NULL) {
        FILE *stream = command_output_open(output);
        bool is_complete = stream != NULL && json_dumpf(result, stream, JSON_INDENT(2)) == 0;
        is_written = command_output_close(output, is_complete);
    }
    json_decref(result);
    return is_written;
}

uint64_t cli_random_seed(void) {
    uint32_t seed = 1;
    if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed)) {
        seed = (uint32_t)getpid();
    }
    return seed;
}

const struct cli_scenario *cli_scenario_find(const char *name) {
    for (size_t i = 0; i < cli_scenario_count; i++) {
        if (strcmp(cli_scenarios[i].name, name) == 0) {
            return &cli_scenarios[i];
        }
    }
    return NULL;
}

bool cli_scenario_runs_here(const struct cli_scenario *scenario) {
    switch (scenario->place) {
    case STRESS_UNSANITIZED:
        return !STRESS_SANITIZED;
    case STRESS_NOT_MSAN:
        return !STRESS_MSAN;
    default:
        return true;
    }
}
