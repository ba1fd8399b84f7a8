/* SPDX-License-Identifier: MIT */
/* Where every block is: see slab_map.h. Layer 6. Checked builds only. */
#include "check/slab_map.h"

#include <stdbool.h>

#include "base/atomic.h"
#include "base/bitmap.h"
#include "base/block_record.h"
#include "heap/heap.h"
#include "heap/heap_start.h"

static enum hak_block_place place_of(const struct hak_slab *slab, uint32_t index) {
    uint64_t bit = (uint64_t)1 << (index % 64);
    if ((slab->local[index / 64] & bit) != 0) {
        return HAK_BLOCK_FREE;
    }
    /* Relaxed, both: a picture, which other threads may change at once. */
    if ((hak_load_relaxed(&slab->remote[index / 64]) & bit) != 0) {
        return HAK_BLOCK_REMOTE;
    }
    bool is_held = hak_record_is_live(hak_load_relaxed(&slab->records[index]));
    return is_held ? HAK_BLOCK_HELD : HAK_BLOCK_CACHED;
}

static void visit_slab(const struct hak_slab *slab, const struct hak_slab_map_visitor *visitor) {
    uint8_t places[HAK_SLAB_MAP_BLOCKS_MAX];
    struct hak_slab_view view = {
        .granule_first = slab->granule_first,
        .granule_count = slab->granule_count,
        .stride_bytes = slab->stride_bytes,
        .block_count = slab->block_count,
        .places = places,
    };
    for (uint32_t i = 0; i < slab->block_count; i++) {
        enum hak_block_place place = place_of(slab, i);
        places[i] = (uint8_t)place;
        view.counts[place]++;
    }
    visitor->slab(&view, visitor->context);
}

static size_t visit_superslab(const struct hak_superslab *superslab, const struct hak_heap *heap,
                              const struct hak_slab_map_visitor *visitor) {
    const struct hak_superslab_view view = {
        .heap_id = heap->id,
        .bitmap = superslab->bitmap,
        .dirty = superslab->dirty,
    };
    size_t slab_count = 0;
    visitor->superslab(&view, visitor->context);
    for (uint32_t todo = superslab->bitmap; todo != 0;) {
        const struct hak_slab *slab = &superslab->slabs[hak_bit_lowest32(todo)];
        visit_slab(slab, visitor);
        todo &= ~hak_mask32(slab->granule_first, slab->granule_count);
        slab_count++;
    }
    return slab_count;
}

size_t hak_slab_map_visit(const struct hak_slab_map_visitor *visitor) {
    size_t slab_count = 0;
    hak_heap_start();
    for (struct hak_heap *heap = hak_heap_first(); heap != NULL; heap = heap->all_next) {
        hak_lock_acquire(&heap->lock);
        for (const struct hak_superslab *s = heap->chain.first; s != NULL; s = s->next) {
            slab_count += visit_superslab(s, heap, visitor);
        }
        hak_lock_release(&heap->lock);
    }
    return slab_count;
}
