/* SPDX-License-Identifier: MIT */
/* How a schedule fails: the record of what broke, and the way out of the middle of it. */
#include "engine.h"

#include <stdio.h>
#include <string.h>

const char *hunt_failure_name(unsigned failure) {
    static const char *const names[] = {"nothing",  "check failed", "data race", "deadlock",
                                        "livelock", "crash",        "misuse"};
    return failure < sizeof names / sizeof names[0] ? names[failure] : "?";
}

uint64_t hunt_hash(const void *bytes, size_t size_bytes, uint64_t seed) {
    uint64_t hash = seed;
    for (size_t i = 0; i < size_bytes; i++)
        hash = hunt_mix(hash ^ ((const uint8_t *)bytes)[i]);
    return hash;
}

__attribute__((noreturn)) static void end_schedule(enum hunt_failure failure, uint64_t site) {
    struct hunt_finding *finding = &hunt.finding;
    finding->failure = (uint8_t)failure;
    finding->site = site;
    finding->thread = hunt.current->id;
    finding->step = hunt.row_count;
    hunt_schedule_abandon();
}

void hunt_fail(enum hunt_failure failure, uint64_t site, const char *format, ...) {
    va_list arguments;
    hunt.quiet++;
    va_start(arguments, format);
    vsnprintf(hunt.finding.text, sizeof hunt.finding.text, format, arguments);
    va_end(arguments);
    end_schedule(failure, site);
}

void hunt_check_failed(const char *condition, const char *file, int line, const char *format, ...) {
    if (hunt.current == NULL) {
        fprintf(stderr, "hunt_check outside a schedule: %s at %s:%d\n", condition, file, line);
        __builtin_trap();
    }
    char message[HUNT_TEXT_MAX / 2];
    va_list arguments;
    hunt.quiet++;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    const char *base = strrchr(file, '/') != NULL ? strrchr(file, '/') + 1 : file;
    hunt.finding.pc = HUNT_CALLER();
    snprintf(hunt.finding.text, sizeof hunt.finding.text, "%s%s%s (%s:%d)", condition,
             message[1] != '\0' ? ":" : "", message[1] != '\0' ? message : "", base, line);
    end_schedule(HUNT_CHECK, hunt_hash(base, strlen(base), (uint64_t)line));
}
