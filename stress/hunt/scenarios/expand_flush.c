/* SPDX-License-Identifier: MIT */
/* A heap without room expands while others flush blocks of its full SuperSlab. */
#include "support.h"

enum { LARGE_SIZE = 32768, LARGE_CLASS = HAK_CLASS_COUNT - 1, SLABS = 8, LARGE_COUNT = 8 * SLABS };

static struct hak_heap *heap;
static void *blocks[LARGE_COUNT];

/* One SuperSlab, all of it handed out. */
static void setup(void) {
    heap = heap_setup(NULL, 0);
    hunt_check(hak_chain_expand_owned(&heap->chain, LARGE_CLASS) != NULL);
    for (unsigned i = 0; i < LARGE_COUNT; i++) {
        hunt_check(hak_chain_take_owned(&heap->chain, LARGE_CLASS, &blocks[i], 1) == 1);
        (i == 0 || i == LARGE_COUNT - 1 ? held_add : held_add_untouched)(blocks[i], LARGE_SIZE,
                                                                         ALIGNMENT);
    }
    hunt_check(heap->chain.room == NULL);
}

static void expands(void) {
    heap_attach(heap);
    hunt_check(front_alloc(LARGE_SIZE) != NULL || hunt_faults() != 0,
               "out of memory, but no call failed");
}

static void free_first(void) {
    front_free(blocks[0]);
}

static void free_second(void) {
    front_free(blocks[LARGE_COUNT - 1]);
}

static void quiescent(void) {
    heaps_quiescent();
    hunt_check(heap->chain.superslab_count <= 2);
}

HUNT_SCENARIO(expand_flush) = {.name = "expand-flush",
                               .summary = "expansion while others flush",
                               .fault_max = 1,
                               .setup = setup,
                               .body = {expands, free_first, free_second},
                               .step_invariant = heaps_step,
                               .quiescent_invariant = quiescent};
