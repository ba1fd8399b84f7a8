/* SPDX-License-Identifier: MIT */
/* An abandoned heap is adopted and allocated from while threads that still hold blocks of it free
 * them. */
#include "support.h"

static void *blocks[SMALL_COUNT];

static void setup(void) {
    hak_heap_abandon(heap_setup(blocks, SMALL_COUNT));
}

static void adopts(void) {
    front_alloc(SMALL_SIZE);
}

static void free_first(void) {
    front_free(blocks[0]);
}

static void free_second(void) {
    front_free(blocks[1]);
}

static void quiescent(void) {
    hunt_check(hak_heap_count() == 1, "the abandoned heap was not adopted");
    heaps_quiescent();
}

HUNT_SCENARIO(adopt_late) = {.name = "adopt-late",
                             .summary = "adoption against late remote frees",
                             .setup = setup,
                             .body = {adopts, free_first, free_second},
                             .step_invariant = heaps_step,
                             .quiescent_invariant = quiescent};
