/* SPDX-License-Identifier: MIT */
/* Two threads want a heap, and one is abandoned: nobody may get what another has. */
#include "support.h"

static void *blocks[2];

static void setup(void) {
    hak_heap_abandon(heap_setup(blocks, 2));
}

static void adopts(void) {
    struct hak_heap *heap = hak_heap_borrow();
    void *block = NULL;
    held_claim(heap, sizeof *heap);
    hak_lock_acquire(&heap->lock);
    if (hak_chain_take_owned(&heap->chain, SMALL_CLASS, &block, 1) == 1)
        got(block, SMALL_SIZE);
    hak_lock_release(&heap->lock);
    held_unclaim(heap);
    hak_heap_abandon(heap);
}

static void quiescent(void) {
    hunt_check(hak_heap_count() <= 2 && hak_heap_abandoned_count() == hak_heap_count());
    heaps_quiescent();
}

HUNT_SCENARIO(two_adopters) = {.name = "two-adopters",
                               .summary = "two threads adopt, and only one heap is abandoned",
                               .setup = setup,
                               .body = {adopts, adopts},
                               .step_invariant = heaps_step,
                               .quiescent_invariant = quiescent};
