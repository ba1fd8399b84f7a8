/* SPDX-License-Identifier: MIT */
/* Runs a scenario over the whole allocator again and again, each time with
 * another of its calls to the OS failing, in a process of its own each. */
#ifndef TEST_UNIT_OS_FAULT_RUN_H
#define TEST_UNIT_OS_FAULT_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a scenario holds. Every block is stamped at both ends, and verified when
 * it is freed or resized. */
struct fault_run {
    struct fault_block {
        char *start;
        size_t size_bytes;
    } * blocks;
    uint32_t count;
    uint32_t refused; /* requests that got NULL, with ENOMEM */
};

/* Requests through the prefixed API. False when refused; errno must then be
 * ENOMEM. Anything wrong ends the process with a line on stderr. */
bool fault_malloc(struct fault_run *run, size_t size_bytes);
bool fault_calloc(struct fault_run *run, size_t count, size_t size_bytes);
bool fault_aligned(struct fault_run *run, size_t alignment_bytes, size_t size_bytes);
bool fault_realloc(struct fault_run *run, uint32_t at, size_t size_bytes);
void fault_free(struct fault_run *run, uint32_t at);
void fault_free_all(struct fault_run *run);

__attribute__((noreturn, format(printf, 1, 2))) void fault_wrong(const char *format, ...);

/* What is common to a series of runs. */
struct fault_scenario {
    void (*body)(struct fault_run *run);
    void (*prepare)(struct fault_run *run); /* before anything fails; may be NULL */
    bool two_levels; /* the region map in its mode for little address space */
    bool may_hide;   /* no request need be refused: all failures can be absorbed */
};

/* Calls n = 1, 2, ... of the scenario fail, each alone and then with all that
 * follow, until it makes no n-th call. Each time: what is refused is refused
 * properly, nothing is lost, and afterwards the scenario runs whole. */
void fault_run_all(const struct fault_scenario *scenario);

#endif
