/* SPDX-License-Identifier: MIT */
#include "support.h"
#include "engine/registry.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

HUNT_STATE static unsigned expectations, failures;
HUNT_STATE bool test_every_order;

void test_open(int argc, char **argv) {
    const char *why;
    const struct hunt_executor *executor = hunt_executor_by_name(argc > 1 ? argv[1] : "auto", &why);
    if (executor == NULL) {
        fprintf(stderr, "%s\n", why);
        exit(77);
    }
    if (!hunt_engine_open(executor)) {
        fputs("the engine does not open\n", stderr);
        exit(1);
    }
    hunt_crash_open();
}

int test_close(void) {
    hunt_engine_close();
    printf("%u expectations, %u failed\n", expectations, failures);
    return failures != 0 || expectations == 0 ? 1 : 0;
}

void test_expect(bool condition, const char *format, ...) {
    expectations++;
    if (condition)
        return;
    failures++;
    va_list arguments;
    va_start(arguments, format);
    fputs("FAILED: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

const struct hunt_scenario *test_scenario(const char *name) {
    const struct hunt_scenario *scenario = hunt_scenario_find(name);
    if (scenario == NULL) {
        fprintf(stderr, "FAILED: no scenario '%s'\n", name);
        exit(1);
    }
    return scenario;
}

void test_exhaust(const char *name, unsigned preemptions, unsigned stale,
                  struct hunt_result *result) {
    struct hunt_search search;
    hunt_search_init(&search, test_scenario(name));
    search.strategy = &hunt_strategy_exhaustive;
    search.bounds =
        (struct hunt_bounds){(uint8_t)preemptions, 255, (uint8_t)stale, test_every_order};
    search.schedules_max = 1000000;
    hunt_search_run(&search, result);
    test_expect(result->found || result->complete, "%s: not complete after %llu schedules", name,
                (unsigned long long)result->schedules);
}

void test_hunt(const char *name, uint64_t seed, struct hunt_result *result) {
    struct hunt_search search;
    hunt_search_init(&search, test_scenario(name));
    search.seed = seed;
    search.schedules_max = TEST_SCHEDULES;
    hunt_search_run(&search, result);
}
