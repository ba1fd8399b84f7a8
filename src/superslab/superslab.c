/* SPDX-License-Identifier: MIT */
/* SuperSlabs: see superslab.h. Layer 3. */
#include "superslab/superslab.h"

#include "base/check.h"
#include "meta/meta.h"
#include "region/granules.h"
#include "region/region_map.h"
#include "region/space.h"

struct hak_superslab *hak_superslab_create(void) {
    struct hak_superslab *superslab = hak_meta_alloc(sizeof *superslab);
    if (superslab == NULL) {
        return NULL;
    }
    superslab->base = hak_space_take(superslab, &superslab->dirty);
    if (superslab->base == NULL) {
        hak_meta_free(superslab, sizeof *superslab);
        return NULL;
    }
    return superslab;
}

void hak_superslab_destroy(struct hak_superslab *superslab) {
    hak_assert_valid(superslab, superslab);
    hak_assert(superslab->bitmap == 0, SS_BITMAP_UNION, superslab->bitmap);
    hak_space_give(superslab->base);
    hak_meta_free(superslab, sizeof *superslab);
}

uint32_t hak_superslab_find_dirty_owned(const struct hak_superslab *superslab, uint32_t count) {
    return hak_bit_find_group32(superslab->dirty, count);
}

uint32_t hak_superslab_find_granules_owned(const struct hak_superslab *superslab, uint32_t count) {
    uint32_t at = hak_superslab_find_dirty_owned(superslab, count);
    return at != 32 ? at : hak_bit_find_group32(~superslab->bitmap, count);
}

struct hak_slab *hak_superslab_carve_owned(struct hak_superslab *superslab, uint32_t class_index,
                                           uint32_t first) {
    struct hak_slab *slab = &superslab->slabs[first];
    uint32_t count = hak_class_infos[class_index].granule_count;
    uint32_t mask = hak_mask32(first, count);
    char *start = superslab->base + ((size_t)first << HAK_GRANULE_SHIFT);
    hak_assert((superslab->bitmap & mask) == 0, SS_BITMAP_UNION, superslab->bitmap, mask);
    if (!hak_slab_init(slab, superslab->chain, start, class_index, first)) {
        return NULL;
    }
    superslab->bitmap |= mask;
    superslab->dirty &= ~mask;
    superslab->aged &= ~mask;
    for (uint32_t g = first; g < first + count; g++) {
        superslab->slab_of[g] = (uint8_t)first;
    }
    hak_region_set_kind(start, count, slab->kind);
    hak_assert_valid(superslab, superslab);
    return slab;
}

void hak_superslab_uncarve_owned(struct hak_superslab *superslab, struct hak_slab *slab) {
    uint32_t mask = hak_mask32(slab->granule_first, slab->granule_count);
    hak_region_set_kind(slab->start, slab->granule_count, HAK_KIND_NONE);
    hak_slab_destroy_owned(slab);
    superslab->bitmap &= ~mask;
    superslab->dirty |= mask;
    hak_assert_valid(superslab, superslab);
}

uint32_t hak_superslab_purge_owned(struct hak_superslab *superslab, uint32_t mask) {
    uint32_t todo = superslab->dirty & mask;
    superslab->dirty &= ~todo;
    superslab->aged &= ~todo;
    hak_purge_granules(superslab->base, todo);
    return hak_bit_count32(todo);
}
