/* SPDX-License-Identifier: MIT */
/* Purging abandoned heaps and the pool against a thread that adopts and refills, and a late free.
 */
#include "support.h"

#include "superslab/pool.h"

static void *blocks[2];

static void setup(void) {
    hak_heap_abandon(heap_setup(blocks, 2));
}

static void purges(void) {
    hak_heap_reclaim_abandoned(true);
    hak_pool_trim();
}

static void refills(void) {
    struct hak_heap *heap = hak_heap_borrow();
    void *block = NULL;
    hak_lock_acquire(&heap->lock);
    if (hak_chain_take_owned(&heap->chain, SMALL_CLASS, &block, 1) == 1 ||
        (hak_chain_expand_owned(&heap->chain, SMALL_CLASS) != NULL &&
         hak_chain_take_owned(&heap->chain, SMALL_CLASS, &block, 1) == 1))
        got(block, SMALL_SIZE);
    hak_lock_release(&heap->lock);
    hak_heap_abandon(heap);
}

static void late(void) {
    front_free(blocks[0]);
    front_free(blocks[1]);
}

HUNT_SCENARIO(purge_refill) = {.name = "purge-refill",
                               .summary = "purge of abandoned heaps and the pool against refill",
                               .fault_max = 1,
                               .setup = setup,
                               .body = {purges, refills, late},
                               .step_invariant = heaps_step,
                               .quiescent_invariant = heaps_quiescent};
