/* SPDX-License-Identifier: MIT */
/* The invariants of TLS caches. Layer 4. Checked builds only. */
#include "base/bitmap.h"
#include "base/check.h"
#include "base/config.h"
#include "region/region_map.h"
#include "tcache/tcache.h"

enum hak_adaptive_decision hak_adaptive_reference(const struct hak_adaptive *sizing) {
    double usage = (double)sizing->high_water_mark / (double)sizing->capacity;
    bool may_grow = sizing->capacity * 2 <= sizing->capacity_max;
    bool may_shrink = sizing->capacity / 2 >= TLS_CACHE_MIN_CAPACITY;
    return usage > GROW_THRESHOLD && may_grow       ? HAK_ADAPTIVE_GROW
           : usage < SHRINK_THRESHOLD && may_shrink ? HAK_ADAPTIVE_SHRINK
                                                    : HAK_ADAPTIVE_KEEP;
}

static void verify_sizing(const struct hak_adaptive *sizing) {
    uint32_t capacity = sizing->capacity;
    hak_verify(hak_is_power_of_two(capacity) && capacity >= TLS_CACHE_MIN_CAPACITY, TC_CAPACITY,
               capacity, sizing->capacity_max);
    hak_verify(capacity <= sizing->capacity_max && sizing->capacity_max <= TLS_CACHE_MAX_CAPACITY,
               TC_CAPACITY, capacity, sizing->capacity_max);
    hak_verify(sizing->high_water_mark <= capacity, TC_HIGH_WATER, sizing->high_water_mark,
               capacity);
}

void hak_tcache_class_verify(const struct hak_tcache *tcache, uint32_t class_index) {
    const struct hak_tcache_class *class = &tcache->classes[class_index];
    uint32_t count = hak_tcache_count(tcache, class_index);
    verify_sizing(&class->sizing);
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

void hak_tcache_verify(const struct hak_tcache *tcache) {
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
        hak_tcache_class_verify(tcache, c);
    }
}
