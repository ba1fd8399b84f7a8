/* SPDX-License-Identifier: MIT */
/**
 * @file affinity.c
 * `mixed` with all threads on one core, so that a thread loses the processor at
 * every possible place while another one goes on.
 */
#include "../common/exchange.h"
#include "scenarios.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

enum { MAILBOX_SLOTS = 64 };

static void fail_if(const struct stress_run *run, int result, const char *call) {
    if (result != 0) {
        stress_fail(run, "%s: %s", call, strerror(errno));
    }
}

static size_t first_of(const cpu_set_t *cpus) {
    size_t cpu = 0;
    while (!CPU_ISSET(cpu, cpus)) {
        cpu++;
    }
    return cpu;
}

void stress_scenario_affinity(struct stress_run *run) {
    cpu_set_t all, one;
    fail_if(run, sched_getaffinity(0, sizeof(all), &all), "sched_getaffinity");
    CPU_ZERO(&one);
    CPU_SET(first_of(&all), &one);
    /* Threads inherit it. */
    fail_if(run, sched_setaffinity(0, sizeof(one), &one), "sched_setaffinity");
    struct stress_mailbox mailbox;
    stress_mailbox_init(&mailbox, run, MAILBOX_SLOTS);
    stress_threads_run(run, stress_mixed_body, &mailbox);
    stress_mailbox_destroy(&mailbox, run);
    fail_if(run, sched_setaffinity(0, sizeof(all), &all), "sched_setaffinity");
}
