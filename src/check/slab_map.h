/* SPDX-License-Identifier: MIT */
/* Where every block of every slab is: free, cached, held or freed remotely. The
 * picture in report.html is drawn from it. Layer 6. Checked builds only.
 *
 * A block is in one place; which one is read from what already stands there:
 *
 *   free     its bit in `local`
 *   remote   its bit in `remote`: freed by another thread and not yet collected
 *   held     neither, and its record (guard.h) says that the program has it
 *   cached   neither, and its record says that it is free: in a TLS cache, or
 *            between one and its slab. Other threads' caches cannot be looked into
 *            while they run; that such a block is in one, and was not lost, is what
 *            hak_heap_check() says (SLAB_PLACES_SUM) */
#ifndef HAK_CHECK_SLAB_MAP_H
#define HAK_CHECK_SLAB_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/constants.h"
#include "base/size_class.h"

enum hak_block_place {
    HAK_BLOCK_FREE,
    HAK_BLOCK_CACHED,
    HAK_BLOCK_HELD,
    HAK_BLOCK_REMOTE,
    HAK_BLOCK_PLACE_COUNT
};

/* Small classes have most: 64 KiB of 8 bytes. */
enum { HAK_SLAB_MAP_BLOCKS_MAX = HAK_GRANULE_SIZE_BYTES / 8 };

/* Every field: const while it is shown. */
struct hak_superslab_view {
    uint32_t heap_id;
    uint32_t bitmap, dirty;          /* as in superslab.h */
};

/* Every field: const while it is shown. */
struct hak_slab_view {
    uint32_t granule_first, granule_count;
    uint32_t stride_bytes, block_count;
    uint32_t counts[HAK_BLOCK_PLACE_COUNT]; /* they add up to block_count */
    const uint8_t *places;           /* block_count of enum hak_block_place */
};

/* Called for each SuperSlab, and then for each of its slabs, from low to high,
 * while the heap's lock is held: they must not allocate. Every field: const. */
struct hak_slab_map_visitor {
    void (*superslab)(const struct hak_superslab_view *view, void *context);
    void (*slab)(const struct hak_slab_view *view, void *context);
    void *context;
};

/* Visits what all heaps have now; returns how many slabs. Other threads may go
 * on: each heap is shown as it was while its lock was held, and a block that the
 * program takes from or gives to a cache meanwhile is shown in one of the two. */
size_t hak_slab_map_visit(const struct hak_slab_map_visitor *visitor);

#endif
