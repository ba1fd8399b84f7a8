/* SPDX-License-Identifier: MIT */
/* Statistics against a flush: whoever looks at a heap of another thread holds that heap's lock, and
 * so must its owner when it changes what they look at. A newer heap is there too, so that another
 * heap's lock will not do. */
#include "support.h"

#include "hakmem.h"

static struct hak_heap *flushing, *newest;
static void *block;

static void *take(void) {
    void *taken = NULL;
    if (hak_chain_take_owned(&flushing->chain, SMALL_CLASS, &taken, 1) == 0) {
        hunt_check(hak_chain_expand_owned(&flushing->chain, SMALL_CLASS) != NULL);
        hunt_check(hak_chain_take_owned(&flushing->chain, SMALL_CLASS, &taken, 1) == 1);
    }
    return taken;
}

/* The cache is full, and one block more is out. */
static void setup(void) {
    flushing = hak_heap_borrow();
    newest = hak_heap_borrow();
    hunt_check(hak_heap_first() == newest && newest != flushing);
    hunt_check(hak_tcache_open_owned(&flushing->tcache, SMALL_CLASS));
    do
        block = take();
    while (hak_tcache_push(&flushing->tcache, SMALL_KIND, block));
    held_add(block, SMALL_SIZE, ALIGNMENT);
}

static void flushes(void) {
    heap_attach(flushing);
    front_free(block);
}

static void reads_statistics(void) {
    struct hak_stats stats;
    hak_stats_read(&stats);
    hunt_check(stats.heap_count == 2, "%u heaps", (unsigned)stats.heap_count);
}

HUNT_SCENARIO(stats_flush) = {.name = "stats-flush",
                              .summary = "statistics against a flush of a full cache",
                              .setup = setup,
                              .body = {flushes, reads_statistics},
                              .step_invariant = heaps_step,
                              .quiescent_invariant = heaps_quiescent};
