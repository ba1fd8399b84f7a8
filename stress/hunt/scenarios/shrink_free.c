/* SPDX-License-Identifier: MIT */
/* A cache shrinks and returns blocks of two heaps to their slabs, while others free blocks of those
 * heaps and the other heap's owner collects. */
#include "support.h"

enum {
    PAGE_SIZE_BYTES = 4096,
    PAGE_CLASS = 28,
    PAGE_KIND = PAGE_CLASS + HAK_KIND_CLASS_FIRST,
    CACHED = 18
};

static struct hak_heap *shrinking, *other;
static void *blocks[2];

static void *take(struct hak_heap *heap) {
    void *block = NULL;
    if (hak_chain_take_owned(&heap->chain, PAGE_CLASS, &block, 1) == 0) {
        hunt_check(hak_chain_expand_owned(&heap->chain, PAGE_CLASS) != NULL);
        hunt_check(hak_chain_take_owned(&heap->chain, PAGE_CLASS, &block, 1) == 1);
    }
    return block;
}

/* 18 blocks in 32 slots, so a shrink to 16 returns two: one of each heap. */
static void setup(void) {
    shrinking = hak_heap_borrow();
    other = hak_heap_borrow();
    hunt_check(hak_tcache_open_owned(&shrinking->tcache, PAGE_CLASS));
    for (unsigned i = 0; i < CACHED; i++)
        hunt_check(
            hak_tcache_push(&shrinking->tcache, PAGE_KIND, take(i == 0 ? other : shrinking)));
    blocks[0] = take(shrinking);
    blocks[1] = take(other);
    held_add(blocks[0], PAGE_SIZE_BYTES, ALIGNMENT);
    held_add(blocks[1], PAGE_SIZE_BYTES, ALIGNMENT);
}

static void shrinks(void) {
    hak_lock_acquire(&shrinking->lock);
    hunt_check(hak_shrink_tls_cache(&shrinking->tcache, &shrinking->chain, PAGE_CLASS));
    hak_tcache_class_verify(&shrinking->tcache, PAGE_CLASS);
    hak_chain_collect_owned(&shrinking->chain);
    hak_lock_release(&shrinking->lock);
}

static void frees(void) {
    front_free(blocks[0]);
    front_free(blocks[1]);
}

static void collects(void) {
    hak_lock_acquire(&other->lock);
    hak_chain_collect_owned(&other->chain);
    hak_chain_collect_owned(&other->chain);
    hak_lock_release(&other->lock);
}

static void quiescent(void) {
    hunt_check(hak_tcache_count(&shrinking->tcache, PAGE_CLASS) == TLS_CACHE_MIN_CAPACITY);
    heaps_quiescent();
    hunt_check(hak_chain_live_bytes_owned(&other->chain) == 0);
}

HUNT_SCENARIO(shrink_free) = {.name = "shrink-free",
                              .summary = "shrink of a cache while others free",
                              .setup = setup,
                              .body = {shrinks, frees, collects},
                              .step_invariant = heaps_step,
                              .quiescent_invariant = quiescent};
