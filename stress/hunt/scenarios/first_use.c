/* SPDX-License-Identifier: MIT */
/* The first use of the allocator, by several threads at once. */
#include "support.h"

static void looks(void) {
    int local;
    hak_heap_start();
    hunt_check(hak_region_kind(&local) == HAK_KIND_NONE);
}

static void allocates(void) {
    hunt_check(front_alloc(SMALL_SIZE) != NULL || hunt_faults() != 0);
}

static void quiescent_looks(void) {
    hunt_check(hak_region_map.flat_limit != 0 || hunt_faults() != 0);
    hunt_check(fork_handlers.prepare != NULL);
}

HUNT_SCENARIO(first_use) = {.name = "first-use",
                            .summary = "first use of the allocator by four threads",
                            .fault_max = 1,
                            .body = {looks, looks, looks, looks},
                            .quiescent_invariant = quiescent_looks};

HUNT_SCENARIO(first_alloc) = {.name = "first-alloc",
                              .summary = "the first two allocations of the process at once",
                              .fault_max = 1,
                              .body = {allocates, allocates},
                              .step_invariant = heaps_step,
                              .quiescent_invariant = heaps_quiescent};
