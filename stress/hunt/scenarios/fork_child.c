/* SPDX-License-Identifier: MIT */
/* The child of a fork: the other threads are gone wherever they were, and the child must find every
 * lock free and every structure whole, adopt their heaps, and go on. */
#include "support.h"

#include "check/heap_check.h"

static struct hak_heap *heap;
static void *blocks[SMALL_COUNT];

static void setup(void) {
    heap = heap_setup(blocks, SMALL_COUNT);
}

static void forks(void) {
    fork_handlers.prepare();
    hunt_be_alone();
    fork_handlers.child();
    hunt_check(hak_heap_abandoned_count() == hak_heap_count());
    hak_heap_check_structures();
    void *block = got(hak_heap_alloc_slow(SMALL_SIZE, NULL), SMALL_SIZE); /* adopts */
    hunt_check(block != NULL);
    held_remove(block);
    hak_heap_free_slow(block);
}

static void refills(void) {
    heap_attach(heap);
    front_free(front_alloc(SMALL_SIZE));
}

static void frees(void) {
    front_free(blocks[0]);
}

static void quiescent(void) {
    held_check_all();
    hak_heap_check_structures();
}

HUNT_SCENARIO(fork_child) = {.name = "fork-child",
                             .summary = "the child of a fork: every lock free, every heap whole",
                             .setup = setup,
                             .body = {forks, refills, frees},
                             .step_invariant = heaps_step,
                             .quiescent_invariant = quiescent};
