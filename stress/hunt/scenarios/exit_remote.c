/* SPDX-License-Identifier: MIT */
/* A thread exits with blocks in its cache while others free its last ones. */
#include "support.h"

#include "check/heap_check.h"

static struct hak_heap *heap;
static void *blocks[2];

/* The exiting thread's cache is filled, and two blocks are out. */
static void setup(void) {
    heap = heap_setup(blocks, 2);
    hunt_check(hak_tcache_open_owned(&heap->tcache, SMALL_CLASS));
    hunt_check(hak_tcache_refill_owned(&heap->tcache, &heap->chain, SMALL_CLASS, 2, 0) == 2);
}

static void exits(void) {
    heap_attach(heap); /* and the key's destructors run */
}

static void free_first(void) {
    front_free(blocks[0]);
}

static void free_second(void) {
    front_free(blocks[1]);
}

static void quiescent(void) {
    hunt_check(hak_heap_count() == 1 && hak_heap_abandoned_count() == 1);
    heaps_quiescent();
    hak_heap_flush_abandoned();
    hak_heap_reclaim_abandoned(true);
    hak_heap_check_structures();
    hunt_check(hak_chain_live_bytes_owned(&heap->chain) == 0);
}

HUNT_SCENARIO(exit_remote) = {.name = "exit-remote",
                              .summary = "thread exit with remote frees in flight",
                              .setup = setup,
                              .body = {exits, free_first, free_second},
                              .step_invariant = heaps_step,
                              .quiescent_invariant = quiescent};
