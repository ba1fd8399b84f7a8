/* SPDX-License-Identifier: MIT */
/* 100,000 schedules a second of processor time on small scenarios, each strategy. Processor time,
 * so that other work on the machine does not count. */
#include "support.h"

#include <stdlib.h>
#include <time.h>

#define SCHEDULES 100000u
#define WANTED_PER_SECOND 100000.0

static double cpu_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void measure(const char *name, const struct hunt_strategy *strategy) {
    struct hunt_search search;
    struct hunt_result result;
    hunt_search_init(&search, test_scenario(name));
    search.strategy = strategy;
    search.bounds.preemptions = 255;
    search.schedules_max = SCHEDULES;
    double started = cpu_seconds();
    hunt_search_run(&search, &result);
    double seconds = cpu_seconds() - started, rate = (double)result.schedules / seconds;
    printf("%-22s %-10s %8.0f schedules/s  %5.1f ns/step\n", name, strategy->name, rate,
           seconds * 1e9 / (double)result.steps);
    test_expect(rate >= WANTED_PER_SECOND || result.schedules < SCHEDULES / 10,
                "%s, %s: %.0f schedules a second", name, strategy->name, rate);
}

int main(int argc, char **argv) {
    static const char *const names[] = {"treiber-counted", "overshoot-clamped", "kept-wakeup",
                                        "lock-order-same"};
    test_open(argc, argv);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        for (size_t s = 0; hunt_strategy_at(s) != NULL; s++)
            measure(names[i], hunt_strategy_at(s));
    return test_close();
}
