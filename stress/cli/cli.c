/* SPDX-License-Identifier: MIT */
/**
 * @file cli.c
 * Helpers of the command-line programs.
 */
#include "cli.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
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

bool cli_json_write(const char *program, const char *path, json_t *result) {
    char temporary[PATH_MAX];
    int length = snprintf(temporary, sizeof(temporary), "%s.%ld.tmp", path, (long)getpid());
    bool is_written = length > 0 && (size_t)length < sizeof(temporary) &&
                      json_dump_file(result, temporary, JSON_INDENT(2)) == 0 &&
                      rename(temporary, path) == 0;
    if (!is_written) {
        fprintf(stderr, "%s: %s cannot be written: %s\n", program, path, strerror(errno));
        unlink(temporary);
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
