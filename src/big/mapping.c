/* SPDX-License-Identifier: MIT */
/* Mappings: see mapping.h. Layer 3. */
#include "big/mapping.h"

#include "base/atomic.h"
#include "base/bitmap.h"
#include "base/constants.h"
#include "base/event_ring.h"
#include "base/panic.h"
#include "big/big_cache.h"
#include "meta/meta.h"
#include "os/os_memory.h"
#include "region/region_map.h"

/* Relaxed: statistics. */
static _Atomic uint64_t live_count, live_bytes;

void hak_mapping_count(struct hak_mapping_counts *counts) {
    counts->live_count = hak_load_relaxed(&live_count);
    counts->live_bytes = hak_load_relaxed(&live_bytes);
}

/* Between the rounded sizes around one. */
static size_t step_at(size_t size_bytes) {
    size_t step = hak_power_of_two_floor(size_bytes | HAK_GRANULE_SIZE_BYTES) / 8;
    return step < HAK_GRANULE_SIZE_BYTES ? HAK_GRANULE_SIZE_BYTES : step;
}

size_t hak_mapping_size_below(size_t rounded_size_bytes) {
    return rounded_size_bytes != 0 ? rounded_size_bytes - step_at(rounded_size_bytes - 1) : 0;
}

size_t hak_mapping_round_size(size_t size_bytes) {
    if (size_bytes > HAK_SIZE_MAX_BYTES - HAK_SUPERSLAB_SIZE_BYTES) {
        return 0;
    }
    size_t rounded = hak_round_up(size_bytes, step_at(size_bytes));
    return rounded > HAK_SIZE_MAX_BYTES ? 0 : rounded;
}

static struct hak_mapping *create(size_t size_bytes, size_t alignment_bytes) {
    struct hak_mapping *mapping = hak_meta_alloc(sizeof *mapping);
    if (mapping == NULL) {
        return NULL;
    }
    mapping->base = hak_os_reserve(size_bytes, alignment_bytes);
    if (mapping->base == NULL) {
        hak_meta_free(mapping, sizeof *mapping);
        return NULL;
    }
    mapping->size_bytes = size_bytes;
    mapping->alignment_bytes = alignment_bytes;
    if (!hak_region_register(mapping->base, HAK_GRANULE_SIZE_BYTES, mapping)) {
        hak_os_release(mapping->base, size_bytes);
        hak_meta_free(mapping, sizeof *mapping);
        return NULL;
    }
    return mapping;
}

void hak_mapping_destroy(struct hak_mapping *mapping) {
    hak_region_unregister(mapping->base);
    hak_os_release(mapping->base, mapping->size_bytes);
    hak_meta_free(mapping, sizeof *mapping);
}

static void note_live(int64_t count, int64_t bytes) {
    hak_add_relaxed(&live_count, (uint64_t)count);
    hak_add_relaxed(&live_bytes, (uint64_t)bytes);
}

/* Moves a mapping that has no kind to a place reserved and registered before. The
 * old place leaves the region map before the kernel can give it to another thread. */
static bool move(struct hak_mapping *mapping, size_t new_size) {
    char *old = mapping->base, *target = hak_os_reserve(new_size, mapping->alignment_bytes);
    if (target == NULL) {
        return false;
    }
    if (!hak_region_register(target, HAK_GRANULE_SIZE_BYTES, mapping)) {
        hak_os_release(target, new_size);
        return false;
    }
    /* Both places are unregistered while the kernel works: whichever is free
     * afterwards may be another thread's at once. Their leaves exist. */
    hak_region_unregister(target);
    hak_region_unregister(old);
    bool moved = hak_os_move(old, mapping->size_bytes, target, new_size);
    mapping->base = moved ? target : old; /* else the target is given up (os_memory.h) */
    hak_region_register(mapping->base, HAK_GRANULE_SIZE_BYTES, mapping);
    return moved;
}

/* Another size for a mapping that has no kind, in place or elsewhere. */
static bool resize(struct hak_mapping *mapping, size_t new_size) {
    if (!hak_os_resize(mapping->base, mapping->size_bytes, new_size) && !move(mapping, new_size)) {
        return false;
    }
    mapping->size_bytes = new_size;
    return true;
}

/* A mapping from the cache, of the size or a little more, or NULL. */
static struct hak_mapping *take_cached(size_t size) {
    struct hak_mapping *mapping = hak_big_cache_take(size);
    if (mapping != NULL) {
        return mapping;
    }
    mapping = hak_big_cache_take_near(size);
    if (mapping != NULL && !resize(mapping, size)) {
        hak_big_cache_give(mapping);
        return NULL;
    }
    return mapping;
}

void *hak_mapping_alloc(size_t size_bytes, size_t alignment_bytes, bool *is_zero) {
    size_t size = hak_mapping_round_size(size_bytes);
    size_t alignment = alignment_bytes < HAK_SUPERSLAB_SIZE_BYTES ? HAK_SUPERSLAB_SIZE_BYTES
                                                                  : alignment_bytes;
    if (size == 0) {
        return NULL;
    }
    struct hak_mapping *mapping =
        alignment == HAK_SUPERSLAB_SIZE_BYTES ? take_cached(size) : NULL;
    *is_zero = mapping == NULL;
    if (mapping == NULL) {
        mapping = create(size, alignment);
    }
    if (mapping == NULL) {
        return NULL;
    }
    hak_region_set_kind(mapping->base, 1, HAK_KIND_MAPPING);
    note_live(1, (int64_t)mapping->size_bytes);
    hak_event("mapping alloc", mapping->base, size);
    return mapping->base;
}

static struct hak_mapping *mapping_of(const void *block) {
    struct hak_mapping *mapping = hak_region_owner(block);
    return mapping != NULL && mapping->base == block ? mapping : NULL;
}

void hak_mapping_free(void *block) {
    struct hak_mapping *mapping = mapping_of(block);
    if (hak_unlikely(mapping == NULL)) {
        hak_misuse(HAK_MISUSE_INTERIOR_POINTER, block, 0, "free");
    }
    if (hak_unlikely(!hak_region_take_kind(block, HAK_KIND_MAPPING))) {
        hak_misuse(HAK_MISUSE_DOUBLE_FREE, block, 0, "free");
    }
    hak_event("mapping free", block, mapping->size_bytes);
    note_live(-1, -(int64_t)mapping->size_bytes);
    hak_big_cache_give(mapping);
}

size_t hak_mapping_size_bytes(const void *block) {
    const struct hak_mapping *mapping = mapping_of(block);
    return mapping != NULL ? mapping->size_bytes : 0;
}

_Atomic uint64_t *hak_mapping_record(const void *block) {
    struct hak_mapping *mapping = mapping_of(block);
    return mapping != NULL ? &mapping->record : NULL;
}

void *hak_mapping_resize(void *block, size_t new_size_bytes) {
    struct hak_mapping *mapping = mapping_of(block);
    size_t size = hak_mapping_round_size(new_size_bytes), old_size = mapping->size_bytes;
    if (size == 0 || size == old_size) {
        return size == 0 ? NULL : block;
    }
    hak_region_set_kind(block, 1, HAK_KIND_NONE);
    bool resized = resize(mapping, size);
    hak_region_set_kind(mapping->base, 1, HAK_KIND_MAPPING);
    if (!resized) {
        return NULL;
    }
    note_live(0, (int64_t)size - (int64_t)old_size);
    hak_event("mapping resize", mapping->base, size);
    return mapping->base;
}
