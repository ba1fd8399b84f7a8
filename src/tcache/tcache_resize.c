/* SPDX-License-Identifier: MIT */
/* TLS caches: growing and shrinking. Layer 4. */
#include <string.h>

#include "base/check.h"
#include "base/config.h"
#include "base/event_ring.h"
#include "base/pause.h"
#include "tcache/tcache.h"
#include "tcache/tcache_slots.h"

/* O(1), so at every size: what the whole predicate (hak_tcache_class_verify) begins with. */
static void assert_slots(const struct hak_tcache *tcache, uint32_t class_index) {
    const struct hak_tcache_class *class = &tcache->classes[class_index];
    hak_assert(class->slots[0] == NULL, TC_SENTINEL, (uintptr_t)class->slots[0], class_index);
    hak_assert(hak_tcache_count(tcache, class_index) <= class->sizing.capacity, TC_COUNT,
               hak_tcache_count(tcache, class_index), class->sizing.capacity, class_index);
}

/* Moves the blocks to an array of another size; the class's capacity is that
 * size afterwards. `count` blocks, which fit. */
static bool replace_slots(struct hak_tcache *tcache, uint32_t class_index, uint32_t new_capacity,
                          uint32_t count) {
    struct hak_tcache_class *class = &tcache->classes[class_index];
    void **old = class->slots, **fresh = hak_tcache_slots_alloc(new_capacity);
    uint32_t old_capacity = class->sizing.capacity;
    assert_slots(tcache, class_index);
    if (fresh == NULL) {
        return false;
    }
    memcpy(fresh + 1, old + 1, count * sizeof *fresh);
    class->sizing.capacity = new_capacity;
    hak_tcache_slots_install(tcache, class_index, fresh, count);
    assert_slots(tcache, class_index);
    hak_meta_free(old, hak_tcache_slots_size_bytes(old_capacity));
    return true;
}

/* What a cache of so many slots may hold beyond its class's maximum. */
static size_t excess_bytes(uint32_t class_index, uint32_t capacity) {
    const struct hak_class_info *info = &hak_class_infos[class_index];
    uint32_t excess = capacity > info->capacity_max ? capacity - info->capacity_max : 0;
    return (size_t)excess * info->stride_bytes;
}

/* True when the thread's caches together may exceed their maxima by this class's doubling. */
static bool has_allowance(const struct hak_tcache *tcache, uint32_t class_index) {
    size_t sum = excess_bytes(class_index, tcache->classes[class_index].sizing.capacity * 2);
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
        sum += c != class_index ? excess_bytes(c, tcache->classes[c].sizing.capacity) : 0;
    }
    return sum <= HAK_TCACHE_EXCESS_BYTES_MAX;
}

uint32_t hak_tcache_capacity_limit(const struct hak_tcache *tcache, uint32_t class_index) {
    const struct hak_adaptive *sizing = &tcache->classes[class_index].sizing;
    uint32_t capacity = sizing->capacity, most = sizing->capacity_max;
    bool pays = hak_adaptive_growth_pays(sizing);
    if (hak_config.adaptive_reuse && !pays) {
        most = capacity;
    } else if (capacity >= most && pays && hak_adaptive_is_swinging(sizing) &&
               has_allowance(tcache, class_index)) {
        most = hak_class_infos[class_index].capacity_swing_max;
    }
    return capacity > most ? capacity : most;
}

bool hak_grow_tls_cache(struct hak_tcache *tcache, uint32_t class_index) {
    struct hak_adaptive *sizing = &tcache->classes[class_index].sizing;
    uint32_t before = sizing->capacity;
    if (before >= hak_tcache_capacity_limit(tcache, class_index) ||
        !replace_slots(tcache, class_index, 2 * before, hak_tcache_count(tcache, class_index))) {
        return false;
    }
    sizing->grow_count++;
    tcache->grow_count++;
    hak_assert(sizing->capacity == 2 * before, TC_GROW_DOUBLES, sizing->capacity, before);
    hak_event("grow", (void *)(uintptr_t)class_index, sizing->capacity);
    hak_adaptive_log_grow(class_index, before, sizing);
    return true;
}

bool hak_shrink_tls_cache(struct hak_tcache *tcache, struct hak_chain *chain,
                          uint32_t class_index) {
    struct hak_tcache_class *class = &tcache->classes[class_index];
    struct hak_adaptive *sizing = &class->sizing;
    uint32_t before = sizing->capacity, half = before / 2;
    uint32_t count = hak_tcache_count(tcache, class_index);
    if (before <= TLS_CACHE_MIN_CAPACITY) {
        return false;
    }
    uint32_t returned = hak_tcache_flush_owned(tcache, chain, class_index, half);
    uint32_t kept = hak_tcache_count(tcache, class_index);
    hak_assert(kept + returned == count && kept <= half, TC_SHRINK_CONSERVES, kept, returned,
               count);
    hak_pause_point(SHRINK_RETURNED);
    if (!replace_slots(tcache, class_index, half, kept)) {
        return false;
    }
    uint32_t came_along = hak_tcache_count(tcache, class_index);
    hak_assert(came_along + returned == count, TC_SHRINK_CONSERVES, came_along, returned, count);
    class->batch = class->batch < half / 2 ? class->batch : half / 2;
    sizing->shrink_count++;
    tcache->shrink_count++;
    hak_assert(sizing->capacity == before / 2, TC_SHRINK_HALVES, sizing->capacity, before);
    hak_event("shrink", (void *)(uintptr_t)class_index, sizing->capacity);
    hak_adaptive_log_shrink(class_index, before, sizing);
    return true;
}

/* Refills start smaller again. Otherwise a past burst would keep the cache: its
 * batches alone would be half the capacity, which is no reason to shrink. */
static void cool_batch(struct hak_tcache_class *class) {
    class->batch = class->batch >= 4 ? class->batch / 4 : 1;
}

void hak_adapt_tls_cache_size(struct hak_tcache *tcache, struct hak_chain *chain,
                              uint32_t class_index, uint64_t now_ns) {
    struct hak_tcache_class *class = &tcache->classes[class_index];
    struct hak_adaptive *sizing = &class->sizing;
    uint32_t limit = hak_tcache_capacity_limit(tcache, class_index);
    hak_assert_valid(tcache_class, tcache, class_index);
    enum hak_adaptive_decision decision =
        hak_adaptive_decide(sizing->high_water_mark, sizing->capacity, limit);
    hak_assert(decision == hak_adaptive_reference(sizing, limit), AD_DECISION,
               sizing->high_water_mark, sizing->capacity, decision);
    if (sizing->refill_count < ADAPT_REFILL_THRESHOLD) { /* the window ended by time: cold */
        cool_batch(class);
    }
    if (decision == HAK_ADAPTIVE_GROW) {
        hak_grow_tls_cache(tcache, class_index);
    } else if (decision == HAK_ADAPTIVE_SHRINK) {
        hak_shrink_tls_cache(tcache, chain, class_index);
    } else {
        hak_adaptive_log_keep(class_index, sizing, now_ns);
    }
    hak_adaptive_reset_window(sizing, now_ns);
    hak_assert(sizing->high_water_mark == 0 && sizing->refill_count == 0, TC_RESET,
               sizing->high_water_mark, sizing->refill_count);
    hak_assert_valid(tcache_class, tcache, class_index);
}

void hak_tcache_adapt_idle_owned(struct hak_tcache *tcache, struct hak_chain *chain,
                                 uint64_t now_ns) {
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
        const struct hak_tcache_class *class = &tcache->classes[c];
        uint64_t since = class->sizing.adapted_ns;
        if (class->slots != NULL && since != 0 && now_ns >= since + ADAPT_TIME_THRESHOLD_NS) {
            hak_adapt_tls_cache_size(tcache, chain, c, now_ns);
        }
    }
}
