/* SPDX-License-Identifier: MIT */
/* The walk over everything: see heap_check.h. Layer 6. Checked builds only. */
#include "check/heap_check.h"

#include "big/big_cache.h"
#include "heap/heap.h"
#include "heap/heap_start.h"
#include "l25/l25.h"
#include "superslab/pool.h"

/* Caches of other threads are theirs: only the caller's and those of abandoned
 * heaps can be looked into. */
static void check_caches(const struct hak_heap *heap) {
    if (&heap->tcache == hak_tls || heap->is_abandoned) {
        hak_tcache_verify(&heap->tcache);
    }
}

size_t hak_heap_check_all(void) {
    size_t looked_at = 0;
    hak_heap_start();
    hak_heap_verify_lists_quiescent();
    for (struct hak_heap *heap = hak_heap_first(); heap != NULL; heap = heap->all_next) {
        hak_lock_acquire(&heap->lock);
        check_caches(heap);
        hak_chain_verify_quiescent(&heap->chain);
        looked_at += 1 + heap->chain.superslab_count;
        hak_lock_release(&heap->lock);
    }
    hak_pool_verify();
    hak_l25_verify();
    hak_big_cache_verify();
    return looked_at;
}
