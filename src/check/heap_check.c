/* SPDX-License-Identifier: MIT */
/* The walk over everything: see heap_check.h. Layer 6. Checked builds only. */
#include "check/heap_check.h"

#include "big/big_cache.h"
#include "heap/heap.h"
#include "heap/heap_start.h"
#include "l25/l25.h"
#include "superslab/pool.h"

size_t hak_heap_check_structures(void) {
    size_t looked_at = 0;
    hak_heap_start();
    hak_heap_verify_lists_quiescent();
    for (struct hak_heap *heap = hak_heap_first(); heap != NULL; heap = heap->all_next) {
        hak_lock_acquire(&heap->lock);
        hak_tcache_verify(&heap->tcache);
        hak_chain_verify_quiescent(&heap->chain);
        looked_at += 1 + heap->chain.superslab_count;
        hak_lock_release(&heap->lock);
    }
    hak_pool_verify();
    hak_l25_verify();
    hak_big_cache_verify();
    return looked_at;
}

/* A block may lie in the cache of any heap, so all of them are marked before a slab is looked
 * at. The caches have been verified: every block in them lies in a slab. */
static void check_places(void) {
    bool may_miss = hak_heap_left_threads_behind_quiescent();
    for (struct hak_heap *heap = hak_heap_first(); heap != NULL; heap = heap->all_next) {
        hak_tcache_mark(&heap->tcache);
    }
    for (struct hak_heap *heap = hak_heap_first(); heap != NULL; heap = heap->all_next) {
        hak_lock_acquire(&heap->lock);
        hak_chain_verify_places_quiescent(&heap->chain, may_miss);
        hak_lock_release(&heap->lock);
    }
    for (struct hak_heap *heap = hak_heap_first(); heap != NULL; heap = heap->all_next) {
        hak_tcache_unmark(&heap->tcache);
    }
}

size_t hak_heap_check_all(void) {
    size_t looked_at = hak_heap_check_structures();
    check_places();
    return looked_at;
}
