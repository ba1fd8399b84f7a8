/* SPDX-License-Identifier: MIT */
/* The walk of one heap on its slow paths, at check level 3. Layer 5. */
#ifndef HAK_HEAP_VERIFY_H
#define HAK_HEAP_VERIFY_H

#include "base/check.h"
#include "heap/heap.h"

/* Small heaps are walked every time; large ones every 64th, or a walk a slow
 * path would make the program's time quadratic. Owner, lock held. */
enum { HAK_HEAP_VERIFY_SMALL = 4, HAK_HEAP_VERIFY_EVERY = 64 };

static inline void hak_heap_verify_owned(const struct hak_heap *heap) {
    uint64_t slow_paths = heap->tcache.refill_count + heap->tcache.flush_count;
    if (heap->chain.superslab_count <= HAK_HEAP_VERIFY_SMALL ||
        slow_paths % HAK_HEAP_VERIFY_EVERY == 0) {
        hak_tcache_verify(&heap->tcache);
        hak_tcache_verify_places(&heap->tcache, &heap->chain);
        hak_chain_verify_all(&heap->chain);
    }
}

#if HAK_CHECK_LEVEL >= 3
#define hak_assert_heap(heap_) hak_heap_verify_owned(heap_)
#else
#define hak_assert_heap(heap_) ((void)sizeof(heap_))
#endif

#endif
