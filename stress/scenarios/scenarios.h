/* SPDX-License-Identifier: MIT */
/**
 * @file scenarios.h
 * The one list of scenarios: their names, what each is for, and where it can
 * run. Each is a function stress_scenario_<name>() in <name>.c that returns
 * when the run is over with nothing allocated any more, or fails the run.
 */
#ifndef STRESS_SCENARIOS_H
#define STRESS_SCENARIOS_H

#include "../common/run.h"

/** Where a scenario can run. */
enum stress_place {
    STRESS_ANYWHERE,
    STRESS_UNSANITIZED, /* sanitizers cannot live in a limited address space */
    STRESS_NOT_MSAN,    /* the loader's set-up of thread-local memory is invisible to it */
};

#define STRESS_SCENARIOS(X)                                                                        \
    X(larson, STRESS_ANYWHERE, "threads replace random blocks, hand them to successors, exit")     \
    X(mixed, STRESS_ANYWHERE, "every call, 1 byte to 64 KiB, blocks swapped between threads")      \
    X(remote, STRESS_ANYWHERE, "producers and consumers: one to many, many to one, ring")          \
    X(expand, STRESS_ANYWHERE, "each thread holds more than 100 slabs of one size class")          \
    X(shrink, STRESS_ANYWHERE, "hot and cold phases, so that caches grow and shrink")              \
    X(churn, STRESS_ANYWHERE, "thousands of short threads whose blocks outlive them")              \
    X(fork, STRESS_ANYWHERE, "fork storms under allocation; children free all they inherit")       \
    X(realloc, STRESS_ANYWHERE, "blocks resized by a byte, by half, and from tier to tier")        \
    X(aligned, STRESS_ANYWHERE, "every alignment from 8 bytes to 1 MiB")                           \
    X(big, STRESS_ANYWHERE, "mappings: blocks above 1 MiB, resized, passed on")                    \
    X(l25, STRESS_ANYWHERE, "32 KiB to 1 MiB, all threads at once")                                \
    X(oom, STRESS_UNSANITIZED, "the address space runs out, and the heap works on afterwards")     \
    X(tls_dtor, STRESS_ANYWHERE, "key destructors allocate and free in every round of them")       \
    X(dlopen, STRESS_NOT_MSAN, "libraries with thread-local destructors come and go")              \
    X(affinity, STRESS_ANYWHERE, "all threads on one core: preemption falls everywhere")           \
    X(pause, STRESS_ANYWHERE, "random threads stopped at marked points and at random moments")

#define STRESS_SCENARIO_DECLARE(name, place, summary)                                              \
    void stress_scenario_##name(struct stress_run *run);
STRESS_SCENARIOS(STRESS_SCENARIO_DECLARE)

/** The body of `mixed`, for the scenarios that only change its surroundings.
 *  `context` is a struct stress_mailbox. */
void stress_mixed_body(struct stress_worker *worker, void *context);

#endif
