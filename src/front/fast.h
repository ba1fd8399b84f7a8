/* SPDX-License-Identifier: MIT */
/* The fast paths of malloc and free, inlined into every name they go by.
 * Layer 7. docs/PERFORMANCE.md has the instructions, line by line. */
#ifndef HAK_FRONT_FAST_H
#define HAK_FRONT_FAST_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/compiler.h"
#include "base/size_class.h"
#include "check/guard.h"
#include "heap/heap.h"
#include "region/region_map.h"
#include "tcache/tcache.h"

/* The cache of the classes above 1 KiB, and what lies above them. Sets errno. */
void *hak_malloc_medium(size_t size_bytes);

/* Everything but a hit in a cache. Sets errno. */
void *hak_malloc_slow(size_t size_bytes);

/* Guarded malloc of a checked build. Sets errno. */
void *hak_malloc_guarded(size_t size_bytes);

HAK_INLINE void *hak_fast_malloc(size_t size_bytes) {
    if (HAK_CHECK_LEVEL >= 1) {
        return hak_malloc_guarded(size_bytes);
    }
    if (hak_likely(size_bytes <= HAK_CLASS_TABLE_MAX_BYTES)) {
        void *block = hak_tcache_pop(hak_tls, hak_kind_by_eighth[(size_bytes + 7) >> 3]);
        return hak_likely(block != NULL) ? block : hak_malloc_slow(size_bytes);
    }
    return hak_malloc_medium(size_bytes);
}

/* NULL and foreign pointers have kind 0, whose bin is always full: they reach
 * the slow path by the compare that free needs anyway. */
HAK_INLINE void hak_fast_free(void *block) {
    if (HAK_CHECK_LEVEL >= 1) {
        hak_guard_free(block, "free");
        return;
    }
    uintptr_t granule = (uintptr_t)block >> HAK_GRANULE_SHIFT;
    if (hak_likely(granule < hak_region_map.flat_limit)) {
        size_t kind = hak_load_relaxed(&hak_region_map.kinds[granule]);
        if (hak_likely(hak_tcache_push(hak_tls, kind, block))) {
            return;
        }
    }
    hak_heap_free_slow(block);
}

#endif
