/* SPDX-License-Identifier: MIT */
/* Heaps: allocation off the fast path. Layer 5. */
#include "base/atomic.h"
#include "base/bitmap.h"
#include "base/check.h"
#include "base/config.h"
#include "base/constants.h"
#include "big/big_cache.h"
#include "big/mapping.h"
#include "heap/heap.h"
#include "heap/heap_start.h"
#include "heap/heap_verify.h"
#include "l25/l25.h"
#include "os/os_thread.h"
#include "superslab/pool.h"

void hak_heap_tick_owned(struct hak_heap *heap, uint64_t now_ns) {
    hak_chain_tick_owned(&heap->chain, now_ns);
    if (now_ns >= heap->idle_ns + ADAPT_TIME_THRESHOLD_NS) {
        heap->idle_ns = now_ns;
        hak_tcache_flush_resting_owned(&heap->tcache, &heap->chain);
        if (hak_config.adaptive_sizing) {
            hak_tcache_adapt_idle_owned(&heap->tcache, &heap->chain, now_ns);
        }
    }
}

void hak_heap_tick_shared(uint64_t now_ns) {
    static _Atomic uint64_t last_ns; /* relaxed: two threads ticking at once do no harm */
    if (now_ns >= hak_load_relaxed(&last_ns) + HAK_PURGE_DELAY_NS) {
        hak_store_relaxed(&last_ns, now_ns);
        hak_heap_tick_idle(now_ns);
        hak_l25_tick(now_ns);
        hak_big_cache_tick(now_ns);
    }
}

static bool expand_locked(struct hak_heap *heap, uint32_t class_index) {
    if (hak_pool_count() == 0) {
        hak_heap_reclaim_abandoned(false);
    }
    return hak_chain_expand_owned(&heap->chain, class_index) != NULL;
}

/* Fills the class's cache; false when there is no memory for a single block. */
static bool refill_locked(struct hak_heap *heap, uint32_t class_index, uint64_t now_ns) {
    struct hak_tcache *tcache = &heap->tcache;
    uint32_t wanted = hak_tcache_wanted(tcache, class_index);
    hak_heap_tick_owned(heap, now_ns);
    return hak_tcache_refill_owned(tcache, &heap->chain, class_index, wanted, now_ns) > 0 ||
           (hak_tcache_flush_resting_owned(tcache, &heap->chain) > 0 &&
            hak_tcache_refill_owned(tcache, &heap->chain, class_index, wanted, now_ns) > 0) ||
           (expand_locked(heap, class_index) &&
            hak_tcache_refill_owned(tcache, &heap->chain, class_index, wanted, now_ns) > 0);
}

/* One block past the cache: for a thread that has none (it has ended), or whose
 * slots found no memory. */
static void *take_one_locked(struct hak_heap *heap, uint32_t class_index) {
    void *block = NULL;
    if (hak_chain_take_owned(&heap->chain, class_index, &block, 1) == 0 &&
        expand_locked(heap, class_index)) {
        hak_chain_take_owned(&heap->chain, class_index, &block, 1);
    }
    return block;
}

static void *alloc_from(struct hak_heap *heap, uint32_t class_index) {
    uint64_t now_ns = hak_os_clock_coarse_ns();
    void *block = NULL;
    hak_lock_acquire(&heap->lock);
    if (!hak_tcache_open_owned(&heap->tcache, class_index)) {
        block = take_one_locked(heap, class_index);
    } else if (refill_locked(heap, class_index, now_ns)) {
        block = hak_tcache_pop(&heap->tcache, class_index + HAK_KIND_CLASS_FIRST);
    }
    if (heap->chain.dirty_granule_count > HAK_DIRTY_LIMIT_SOON) {
        hak_chain_purge_excess_owned(&heap->chain); /* it collected more than it will take */
    }
    hak_assert_heap(heap);
    hak_lock_release(&heap->lock);
    hak_heap_tick_shared(now_ns);
    return block;
}

static void *alloc_after_end(uint32_t class_index) {
    struct hak_heap *heap = hak_heap_borrow();
    if (heap == NULL) {
        return NULL;
    }
    hak_lock_acquire(&heap->lock);
    void *block = take_one_locked(heap, class_index);
    hak_lock_release(&heap->lock);
    hak_heap_abandon(heap);
    return block;
}

static void *alloc_class(uint32_t class_index) {
    struct hak_heap *heap = hak_heap_current();
    if (heap == NULL) {
        return alloc_after_end(class_index);
    }
    /* A thread that just got its heap may find it filled: adopted, prewarmed. */
    void *block = hak_tcache_pop(&heap->tcache, class_index + HAK_KIND_CLASS_FIRST);
    return block != NULL ? block : alloc_from(heap, class_index);
}

static void *alloc_large(size_t size_bytes, size_t alignment_bytes, bool *is_zero) {
    hak_heap_start();
    hak_heap_tick_shared(hak_os_clock_coarse_ns());
    if (size_bytes > HAK_RUN_SIZE_MAX_BYTES || alignment_bytes > HAK_RUN_SIZE_MAX_BYTES) {
        return hak_mapping_alloc(size_bytes, alignment_bytes, is_zero);
    }
    struct hak_heap *heap = hak_heap_current();
    return hak_l25_alloc(size_bytes, alignment_bytes, heap != NULL ? heap->id : 0, is_zero);
}

/* A class whose blocks have the alignment: a multiple of it as stride, since
 * slabs start on a granule. HAK_CLASS_COUNT when there is none. */
static uint32_t aligned_class(size_t size_bytes, size_t alignment_bytes) {
    size_t size = size_bytes < alignment_bytes ? alignment_bytes : size_bytes;
    if (size > HAK_CLASS_SIZE_MAX_BYTES) {
        return HAK_CLASS_COUNT;
    }
    uint32_t class_index = hak_class_of(size);
    while (class_index < HAK_CLASS_COUNT &&
           hak_class_infos[class_index].stride_bytes % alignment_bytes != 0) {
        class_index++;
    }
    return class_index;
}

static void *alloc_any(size_t size_bytes, size_t alignment_bytes, bool *is_zero) {
    *is_zero = false;
    if (size_bytes > HAK_SIZE_MAX_BYTES) {
        return NULL;
    }
    size_bytes += size_bytes == 0; /* a block of its own, in every tier */
    uint32_t class_index = aligned_class(size_bytes, alignment_bytes);
    return class_index < HAK_CLASS_COUNT
               ? alloc_class(class_index)
               : alloc_large(size_bytes, alignment_bytes, is_zero);
}

/* More than any process can have: giving back what we hold does not help. */
static bool is_beyond_addresses(size_t size_bytes) {
    return size_bytes >> HAK_ADDRESS_BITS != 0;
}

/* When the OS has no more, what we keep for later is added to what it still has. */
static void *alloc_or_trim(size_t size_bytes, size_t alignment_bytes, bool *is_zero) {
    bool zero_known;
    bool *zero = is_zero != NULL ? is_zero : &zero_known;
    void *block = alloc_any(size_bytes, alignment_bytes, zero);
    if (hak_unlikely(block == NULL) && !is_beyond_addresses(size_bytes) && hak_heap_trim()) {
        block = alloc_any(size_bytes, alignment_bytes, zero);
    }
    return block;
}

void *hak_heap_alloc_slow(size_t size_bytes, bool *is_zero) {
    /* 8 is every block's alignment; 16 comes with the size. */
    return alloc_or_trim(size_bytes, 8, is_zero);
}

void *hak_heap_alloc_aligned(size_t size_bytes, size_t alignment_bytes, bool *is_zero) {
    return alloc_or_trim(size_bytes, alignment_bytes < 8 ? 8 : alignment_bytes, is_zero);
}

static bool trim_current(void) {
    struct hak_heap *heap = hak_heap_current();
    if (heap == NULL) {
        return false;
    }
    hak_lock_acquire(&heap->lock);
    hak_tcache_flush_all_owned(&heap->tcache, &heap->chain);
    bool any = hak_chain_trim_owned(&heap->chain, true) > 0;
    hak_lock_release(&heap->lock);
    return any;
}

bool hak_heap_trim(void) {
    hak_heap_start();
    hak_heap_flush_abandoned(); /* first: any heap's blocks are in their caches */
    bool any = trim_current();
    any |= hak_heap_reclaim_abandoned(true) > 0;
    any |= hak_l25_trim() > 0;
    any |= hak_big_cache_trim() > 0;
    any |= hak_pool_trim() > 0;
    return any;
}
