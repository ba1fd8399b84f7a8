/* SPDX-License-Identifier: MIT */
/* The invariants of TLS caches. Layer 4. Checked builds only. */
#include "base/bitmap.h"
#include "base/check.h"
#include "base/config.h"
#include "region/region_map.h"
#include "tcache/tcache.h"

enum hak_adaptive_decision hak_adaptive_reference(const struct hak_adaptive *sizing,
                                                  uint32_t capacity_max) {
    double usage = (double)sizing->high_water_mark / (double)sizing->capacity;
    bool may_grow = sizing->capacity * 2 <= capacity_max;
    bool may_shrink = sizing->capacity / 2 >= TLS_CACHE_MIN_CAPACITY;
    return usage > GROW_THRESHOLD && may_grow       ? HAK_ADAPTIVE_GROW
           : usage < SHRINK_THRESHOLD && may_shrink ? HAK_ADAPTIVE_SHRINK
                                                    : HAK_ADAPTIVE_KEEP;
}

static void verify_sizing(const struct hak_adaptive *sizing, uint32_t class_index) {
    uint32_t capacity = sizing->capacity, most = hak_class_infos[class_index].capacity_swing_max;
    hak_verify(hak_is_power_of_two(capacity) && capacity >= TLS_CACHE_MIN_CAPACITY, TC_CAPACITY,
               capacity, most);
    hak_verify(capacity <= most && most <= TLS_CACHE_MAX_CAPACITY, TC_CAPACITY, capacity, most);
    hak_verify(capacity <= sizing->capacity_max || sizing->grow_count > 0, TC_CAPACITY, capacity,
               sizing->capacity_max);
    hak_verify(sizing->high_water_mark <= capacity, TC_HIGH_WATER, sizing->high_water_mark,
               capacity);
}

/* Of a class that has been verified: its blocks are of its kind, so they lie in SuperSlabs. */
static void for_each_block(const struct hak_tcache *tcache, uint32_t class_index,
                           void (*visit)(const struct hak_slab *slab, const void *block)) {
    void *const *slots = tcache->classes[class_index].slots;
    uint32_t count = hak_tcache_count(tcache, class_index);
    for (uint32_t i = 1; i <= count; i++) {
        visit(hak_superslab_slab_of(hak_region_owner(slots[i]), slots[i]), slots[i]);
    }
}

static void verify_class(const struct hak_tcache *tcache, uint32_t class_index) {
    const struct hak_tcache_class *class = &tcache->classes[class_index];
    uint32_t count = hak_tcache_count(tcache, class_index);
    verify_sizing(&class->sizing, class_index);
    hak_verify(class->batch >= 1 && class->batch <= class->sizing.capacity / 2, TC_BATCH,
               class->batch, class->sizing.capacity, class_index);
    if (class->slots == NULL) {
        return;
    }
    hak_verify(class->slots[0] == NULL, TC_SENTINEL, (uintptr_t)class->slots[0], class_index);
    hak_verify(count <= class->sizing.capacity, TC_COUNT, count, class->sizing.capacity,
               class_index);
    for (uint32_t i = 1; i <= count; i++) {
        uint32_t kind = hak_region_kind(class->slots[i]);
        hak_verify(kind == class_index + HAK_KIND_CLASS_FIRST, TC_CLASS, kind, class_index,
                   (uintptr_t)class->slots[i]);
    }
}

/* A refill or flush moved as many blocks as it leaves here, or half: a step for each is in
 * proportion. */
void hak_tcache_class_verify(const struct hak_tcache *tcache, uint32_t class_index) {
    verify_class(tcache, class_index);
    for_each_block(tcache, class_index, hak_slab_mark_cached);
    for_each_block(tcache, class_index, hak_slab_unmark_cached);
}

static void verify_excess(const struct hak_tcache *tcache) {
    size_t all_bytes = 0, ordinary_bytes = 0;
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
        const struct hak_adaptive *sizing = &tcache->classes[c].sizing;
        bool is_ordinary = sizing->capacity <= sizing->capacity_max;
        size_t stride = hak_class_infos[c].stride_bytes;
        all_bytes += sizing->capacity * stride;
        ordinary_bytes += (is_ordinary ? sizing->capacity : sizing->capacity_max) * stride;
    }
    hak_verify(all_bytes - ordinary_bytes <= HAK_TCACHE_EXCESS_BYTES_MAX, TC_EXCESS, all_bytes,
               ordinary_bytes);
}

void hak_tcache_verify(const struct hak_tcache *tcache) {
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
        verify_class(tcache, c);
    }
    verify_excess(tcache);
}

void hak_tcache_mark(const struct hak_tcache *tcache) {
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
        for_each_block(tcache, c, hak_slab_mark_cached);
    }
}

void hak_tcache_unmark(const struct hak_tcache *tcache) {
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
        for_each_block(tcache, c, hak_slab_unmark_cached);
    }
}

void hak_tcache_verify_places(const struct hak_tcache *tcache, const struct hak_chain *chain) {
    hak_tcache_mark(tcache);
    hak_chain_verify_marks(chain);
    hak_tcache_unmark(tcache);
}
