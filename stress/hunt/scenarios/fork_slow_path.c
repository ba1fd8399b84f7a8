/* SPDX-License-Identifier: MIT */
/* fork()'s handlers against slow paths: between prepare and parent every lock is held and all that
 * a child would copy is whole. */
#include "support.h"

static struct hak_heap *heap;
static void *blocks[SMALL_COUNT];
static _Atomic unsigned forks;

static void setup(void) {
    heap = heap_setup(blocks, SMALL_COUNT);
}

static void check_copy(void) {
    for (const struct hak_heap *h = hak_heap_first(); h != NULL; h = h->all_next)
        hak_chain_verify_quiescent(&h->chain);
}

static void forks_once(void) {
    fork_handlers.prepare();
    check_copy();
    fork_handlers.parent();
    forks++;
}

static void refills(void) {
    heap_attach(heap);
    front_alloc(SMALL_SIZE);
}

static void frees(void) {
    front_free(blocks[0]);
}

static void quiescent(void) {
    hunt_check(forks == 1);
    heaps_quiescent();
}

HUNT_SCENARIO(fork_slow_path) = {.name = "fork-slow-path",
                                 .summary = "fork's handlers against refill and free",
                                 .setup = setup,
                                 .body = {forks_once, refills, frees},
                                 .step_invariant = heaps_step,
                                 .quiescent_invariant = quiescent};
