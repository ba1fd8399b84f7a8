/* SPDX-License-Identifier: MIT */
/* Mappings: see mapping.h. Layer 3. */
#include "big/mapping.h"

#include <string.h>

#include "base/atomic.h"
#include "base/bitmap.h"
#include "base/constants.h"
#include "base/event_ring.h"
#include "base/panic.h"
#include "big/big_cache.h"
#include "meta/meta.h"
#include "os/os_memory.h"
#include "region/region_map.h"

enum { GRAFTS_MAX = 16 }; /* for one mapping: more would be too many areas */

#define GRAFTED_SIZE_MAX_BYTES (HAK_BIG_CACHE_BYTES_MAX / 2)

/* Relaxed: statistics. */
static _Atomic uint64_t live_count, live_bytes;

/* Relaxed: a few areas more than its limit do no harm. Of the mappings there are, cached
 * ones too. */
static _Atomic size_t grafted_bytes;

void hak_mapping_count(struct hak_mapping_counts *counts) {
    counts->live_count = hak_load_relaxed(&live_count);
    counts->live_bytes = hak_load_relaxed(&live_bytes);
}

/* Between the rounded sizes around one. */
static size_t step_at(size_t size_bytes) {
    size_t step = hak_power_of_two_floor(size_bytes | HAK_GRANULE_SIZE_BYTES) / 8;
    size_t least = size_bytes > 2 * HAK_SUPERSLAB_SIZE_BYTES ? HAK_SUPERSLAB_SIZE_BYTES
                                                             : HAK_GRANULE_SIZE_BYTES;
    return step < least ? least : step;
}

size_t hak_mapping_round_size(size_t size_bytes) {
    if (size_bytes > HAK_SIZE_MAX_BYTES - HAK_SUPERSLAB_SIZE_BYTES) {
        return 0;
    }
    size_t rounded = hak_round_up(size_bytes, step_at(size_bytes));
    return rounded > HAK_SIZE_MAX_BYTES ? 0 : rounded;
}

/* What a request takes where there is no memory for its rounded size: an eighth of a
 * gigabyte may be what is missing. The rounded size again where this saves nothing. */
static size_t close_size(size_t size_bytes, size_t rounded_bytes) {
    size_t close = hak_round_up(size_bytes, HAK_SUPERSLAB_SIZE_BYTES);
    return close < rounded_bytes ? close : rounded_bytes;
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
    mapping->grafted_bytes = 0;
    if (!hak_region_register(mapping->base, HAK_GRANULE_SIZE_BYTES, mapping)) {
        hak_os_release(mapping->base, size_bytes);
        hak_meta_free(mapping, sizeof *mapping);
        return NULL;
    }
    return mapping;
}

/* The mapping's memory is the caller's: what remains of the mapping goes. */
static void destroy_emptied(struct hak_mapping *mapping) {
    hak_region_unregister(mapping->base);
    hak_sub_relaxed(&grafted_bytes, mapping->grafted_bytes);
    hak_meta_free(mapping, sizeof *mapping);
}

void hak_mapping_destroy(struct hak_mapping *mapping) {
    char *base = mapping->base;
    size_t size = mapping->size_bytes;
    destroy_emptied(mapping);
    hak_os_release(base, size);
}

static void note_live(int64_t count, int64_t bytes) {
    hak_add_relaxed(&live_count, (uint64_t)count);
    hak_add_relaxed(&live_bytes, (uint64_t)bytes);
}

/* What the kernel does not move is copied: it is left as it was in both places. */
static void move_grafted(char *old, size_t old_size, char *target, size_t new_size) {
    size_t kept = old_size < new_size ? old_size : new_size;
    size_t moved = hak_os_graft(old, kept, target, new_size);
    memcpy(target + moved, old + moved, kept - moved);
    if (moved < old_size) {
        hak_os_release(old + moved, old_size - moved);
    }
}

static bool move_memory(const struct hak_mapping *mapping, char *target, size_t new_size) {
    if (mapping->grafted_bytes > 0) {
        move_grafted(mapping->base, mapping->size_bytes, target, new_size);
        return true;
    }
    return hak_os_move(mapping->base, mapping->size_bytes, target, new_size);
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
    bool moved = move_memory(mapping, target, new_size);
    mapping->base = moved ? target : old; /* else the target is gone (os_memory.h) */
    hak_region_register(mapping->base, HAK_GRANULE_SIZE_BYTES, mapping);
    return moved;
}

/* The kernel grows one of its areas: that with the last byte. */
static bool resize_in_place(const struct hak_mapping *mapping, size_t new_size) {
    size_t size = mapping->size_bytes;
    size_t from = new_size > size ? (size - 1) & ~(HAK_SUPERSLAB_SIZE_BYTES - 1) : 0;
    return hak_os_resize(mapping->base + from, size - from, new_size - from);
}

/* Another size for a mapping that has no kind, in place or elsewhere. */
static bool resize(struct hak_mapping *mapping, size_t new_size) {
    if (!resize_in_place(mapping, new_size) && !move(mapping, new_size)) {
        return false;
    }
    mapping->size_bytes = new_size;
    return true;
}

char *hak_mapping_take_cached(void) {
    struct hak_big_pages pages;
    if (!hak_big_cache_take_pages(HAK_SUPERSLAB_SIZE_BYTES, &pages)) {
        return NULL;
    }
    if (pages.emptied != NULL) {
        destroy_emptied(pages.emptied);
    }
    size_t used = pages.size_bytes < HAK_SUPERSLAB_SIZE_BYTES ? 0 : HAK_SUPERSLAB_SIZE_BYTES;
    if (used < pages.size_bytes) {
        hak_os_release(pages.base + used, pages.size_bytes - used);
    }
    return used > 0 ? pages.base : NULL;
}

/* Moves pages of the cache to `at` of a mapping that nobody has yet, as many as it has
 * room for; the others are given back. Returns how many bytes were moved. */
static size_t graft(struct hak_mapping *mapping, size_t at, const struct hak_big_pages *pages) {
    size_t room = mapping->size_bytes - at;
    if (pages->emptied != NULL) { /* before another thread can get its address */
        destroy_emptied(pages->emptied);
    }
    size_t used = pages->size_bytes < room ? pages->size_bytes : room;
    size_t moved = hak_os_graft(pages->base, used, mapping->base + at, room);
    if (moved < pages->size_bytes) {
        hak_os_release(pages->base + moved, pages->size_bytes - moved);
    }
    return moved;
}

static bool can_fill_from_cache(size_t size_bytes) {
    return size_bytes <= GRAFTED_SIZE_MAX_BYTES && hak_os_can_graft() &&
           hak_load_relaxed(&grafted_bytes) + size_bytes <= HAK_GRAFTED_BYTES_MAX;
}

/* Gives a new mapping pages of the cache, as far as it has any; false when it has none,
 * and the mapping still reads as zero. */
static bool fill_from_cache(struct hak_mapping *mapping) {
    struct hak_big_pages pages;
    size_t at = 0, size = mapping->size_bytes;
    if (!can_fill_from_cache(size)) {
        return false;
    }
    for (int i = 0; i < GRAFTS_MAX && at < size; i++) {
        size_t moved = hak_big_cache_take_pages(size - at, &pages) ? graft(mapping, at, &pages) : 0;
        if (moved == 0) {
            break;
        }
        at += hak_round_up(moved, HAK_SUPERSLAB_SIZE_BYTES);
    }
    mapping->grafted_bytes = at;
    hak_add_relaxed(&grafted_bytes, at);
    return at > 0;
}

static struct hak_mapping *create_close(size_t asked, size_t rounded, size_t alignment) {
    struct hak_mapping *mapping = create(rounded, alignment);
    size_t close = close_size(asked, rounded);
    return mapping == NULL && close < rounded ? create(close, alignment) : mapping;
}

static struct hak_mapping *take_or_create(size_t asked, size_t alignment, bool *is_zero) {
    size_t size = hak_mapping_round_size(asked);
    bool is_plain = alignment <= HAK_SUPERSLAB_SIZE_BYTES;
    struct hak_mapping *mapping = is_plain ? hak_big_cache_take(size) : NULL;
    *is_zero = mapping == NULL;
    if (mapping == NULL) {
        mapping = create_close(asked, size, is_plain ? HAK_SUPERSLAB_SIZE_BYTES : alignment);
        *is_zero = mapping == NULL || !is_plain || !fill_from_cache(mapping);
    }
    return mapping;
}

void *hak_mapping_alloc(size_t size_bytes, size_t alignment_bytes, bool *is_zero) {
    struct hak_mapping *mapping = hak_mapping_round_size(size_bytes) != 0
                                      ? take_or_create(size_bytes, alignment_bytes, is_zero)
                                      : NULL;
    if (mapping == NULL) {
        return NULL;
    }
    hak_region_set_kind(mapping->base, 1, HAK_KIND_MAPPING);
    note_live(1, (int64_t)mapping->size_bytes);
    hak_event("mapping alloc", mapping->base, mapping->size_bytes);
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

/* To the rounded size, or to one close to what is asked where there is no memory for it. */
static bool resize_close(struct hak_mapping *mapping, size_t asked, size_t rounded) {
    size_t close = close_size(asked, rounded);
    return resize(mapping, rounded) || (close < rounded && resize(mapping, close));
}

void *hak_mapping_resize(void *block, size_t new_size_bytes) {
    struct hak_mapping *mapping = mapping_of(block);
    size_t size = hak_mapping_round_size(new_size_bytes), old_size = mapping->size_bytes;
    /* It may be closer to what was asked for than a rounded size. */
    bool fits = new_size_bytes <= old_size && old_size <= size;
    if (size == 0 || fits) {
        return size == 0 ? NULL : block;
    }
    hak_region_set_kind(block, 1, HAK_KIND_NONE);
    bool resized = resize_close(mapping, new_size_bytes, size);
    hak_region_set_kind(mapping->base, 1, HAK_KIND_MAPPING);
    if (!resized) {
        return NULL;
    }
    note_live(0, (int64_t)mapping->size_bytes - (int64_t)old_size);
    hak_event("mapping resize", mapping->base, mapping->size_bytes);
    return mapping->base;
}
