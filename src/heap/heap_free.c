/* SPDX-License-Identifier: MIT */
/* Heaps: freeing off the fast path, and what is known of a block. Layer 5. */
#include "base/check.h"
#include "base/panic.h"
#include "big/mapping.h"
#include "heap/heap.h"
#include "heap/heap_start.h"
#include "heap/heap_verify.h"
#include "l25/l25.h"
#include "os/os_thread.h"
#include "region/region_map.h"

static void flush_and_push(struct hak_heap *heap, uint32_t kind, void *block) {
    uint32_t class_index = kind - HAK_KIND_CLASS_FIRST;
    uint64_t now_ns = hak_os_clock_coarse_ns();
    hak_lock_acquire(&heap->lock);
    hak_heap_tick_owned(heap, now_ns);
    if (!hak_tcache_open_owned(&heap->tcache, class_index)) {
        hak_chain_give_owned(&heap->chain, (enum hak_kind)kind, &block, 1);
    } else if (!hak_tcache_push(&heap->tcache, kind, block)) {
        hak_tcache_flush_full_owned(&heap->tcache, &heap->chain, class_index, now_ns);
        hak_tcache_push(&heap->tcache, kind, block);
    }
    hak_chain_purge_excess_owned(&heap->chain);
    hak_assert_heap(heap);
    hak_lock_release(&heap->lock);
    hak_heap_tick_shared(now_ns);
}

static void free_class(uint32_t kind, void *block) {
    struct hak_heap *heap = hak_heap_current_for_free();
    if (heap == NULL) {
        hak_heap_give_unattached((enum hak_kind)kind, block);
    } else {
        flush_and_push(heap, kind, block);
    }
}

static bool is_class(enum hak_kind kind) {
    return (uint32_t)kind >= HAK_KIND_CLASS_FIRST && (uint32_t)kind <= HAK_KIND_CLASS_LAST;
}

__attribute__((noreturn)) static void refuse(enum hak_kind kind, const void *block,
                                             const char *call) {
    hak_misuse(kind != HAK_KIND_NONE ? HAK_MISUSE_INTERIOR_POINTER : HAK_MISUSE_FOREIGN_POINTER,
               block, 0, call);
}

void hak_heap_free_slow(void *block) {
    if (block == NULL) {
        return;
    }
    hak_heap_start(); /* a foreign pointer may be the first thing we see */
    enum hak_kind kind = hak_region_kind(block);
    if (hak_tcache_push(hak_tls, kind, block)) {
        return; /* the map has two levels, and the fast path knows the flat one only */
    }
    if (is_class(kind)) {
        free_class(kind, block);
    } else if (kind == HAK_KIND_RUN) {
        hak_l25_free(block);
    } else if (kind == HAK_KIND_MAPPING) {
        hak_mapping_free(block);
    } else {
        refuse(kind, block, "free");
    }
}

static const struct hak_slab *slab_of(const void *block) {
    return hak_superslab_slab_of(hak_region_owner(block), block);
}

size_t hak_heap_block_size(const void *block, const char *call) {
    hak_heap_start();
    enum hak_kind kind = hak_region_kind(block);
    size_t size = 0;
    if (is_class(kind)) {
        return hak_class_infos[kind - HAK_KIND_CLASS_FIRST].stride_bytes;
    }
    if (kind == HAK_KIND_RUN) {
        size = hak_l25_size_bytes(block);
    } else if (kind == HAK_KIND_MAPPING) {
        size = hak_mapping_size_bytes(block);
    }
    if (size == 0) {
        refuse(kind, block, call);
    }
    return size;
}

void *hak_heap_resize(void *block, size_t new_size_bytes) {
    enum hak_kind kind = hak_region_kind(block);
    if (kind == HAK_KIND_RUN && new_size_bytes > HAK_CLASS_SIZE_MAX_BYTES &&
        new_size_bytes <= HAK_RUN_SIZE_MAX_BYTES) {
        return hak_l25_resize(block, new_size_bytes) ? block : NULL;
    }
    if (kind == HAK_KIND_MAPPING && new_size_bytes > HAK_RUN_SIZE_MAX_BYTES) {
        return hak_mapping_resize(block, new_size_bytes);
    }
    return NULL;
}

_Atomic uint64_t *hak_heap_record(const void *block) {
    enum hak_kind kind = hak_region_kind(block);
    if (is_class(kind)) {
        const struct hak_slab *slab = slab_of(block);
        uint32_t index = hak_slab_index_of(slab, block);
        return index < slab->block_count && slab->records != NULL ? &slab->records[index] : NULL;
    }
    return kind == HAK_KIND_RUN       ? hak_l25_record(block)
           : kind == HAK_KIND_MAPPING ? hak_mapping_record(block)
                                      : NULL;
}
