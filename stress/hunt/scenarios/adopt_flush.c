/* SPDX-License-Identifier: MIT */
/* The caches of an abandoned heap are given back, as the clock and a trim do it, while a thread
 * adopts the heap and takes what lies there. */
#include "support.h"

static void *blocks[2];

static void setup(void) {
    struct hak_heap *heap = heap_setup(blocks, 2);
    hunt_check(hak_tcache_open_owned(&heap->tcache, SMALL_CLASS));
    hunt_check(hak_tcache_refill_owned(&heap->tcache, &heap->chain, SMALL_CLASS, 1, 0) == 1);
    hak_heap_abandon(heap);
    hunt_check(hak_tcache_count(&heap->tcache, SMALL_CLASS) == 1, "nothing is left in the cache");
}

static void adopts(void) {
    front_free(front_alloc(SMALL_SIZE));
}

static void flushes(void) {
    hak_heap_flush_abandoned();
}

static void late(void) {
    front_free(blocks[0]);
}

HUNT_SCENARIO(adopt_flush) = {.name = "adopt-flush",
                              .summary = "adoption against flushing the caches of abandoned heaps",
                              .setup = setup,
                              .body = {adopts, flushes, late},
                              .step_invariant = heaps_step,
                              .quiescent_invariant = heaps_quiescent};
