/* SPDX-License-Identifier: MIT */
/* TLS caches: growing and shrinking. Layer 4. */
#include <string.h>

#include "base/check.h"
#include "base/event_ring.h"
#include "tcache/tcache.h"
#include "tcache/tcache_slots.h"

/* Moves the blocks to an array of another size; the class's capacity is that
 * size afterwards. `count` blocks, which fit. */
static bool replace_slots(struct hak_tcache *tcache, uint32_t class_index, uint32_t new_capacity,
                          uint32_t count) {
    struct hak_tcache_class *class = &tcache->classes[class_index];
    void **old = class->slots, **fresh = hak_tcache_slots_alloc(new_capacity);
    uint32_t old_capacity = class->sizing.capacity;
    if (fresh == NULL) {
        return false;
    }
    memcpy(fresh + 1, old + 1, count * sizeof *fresh);
    class->sizing.capacity = new_capacity;
    hak_tcache_slots_install(tcache, class_index, fresh, count);
    hak_meta_free(old, hak_tcache_slots_size_bytes(old_capacity));
    return true;
}

bool hak_grow_tls_cache(struct hak_tcache *tcache, uint32_t class_index) {
    struct hak_adaptive *sizing = &tcache->classes[class_index].sizing;
    uint32_t before = sizing->capacity;
    if (before >= sizing->capacity_max ||
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
    if (!replace_slots(tcache, class_index, half, kept)) {
        return false;
    }
    class->batch = class->batch < half / 2 ? class->batch : half / 2;
    sizing->shrink_count++;
    tcache->shrink_count++;
    hak_assert(sizing->capacity == before / 2, TC_SHRINK_HALVES, sizing->capacity, before);
    hak_event("shrink", (void *)(uintptr_t)class_index, sizing->capacity);
    hak_adaptive_log_shrink(class_index, before, sizing);
    return true;
}

/* A window that ended by time and not by ten refills: the class is cold, so
 * refills start small again. Otherwise a past burst would keep the cache. */
static void cool_batch(struct hak_tcache_class *class) {
    if (class->sizing.refill_count < ADAPT_REFILL_THRESHOLD) {
        class->batch = class->batch > 2 ? class->batch / 4 : 1;
    }
    class->batch = class->batch == 0 ? 1 : class->batch;
}

void hak_adapt_tls_cache_size(struct hak_tcache *tcache, struct hak_chain *chain,
                              uint32_t class_index, uint64_t now_ns) {
    struct hak_tcache_class *class = &tcache->classes[class_index];
    struct hak_adaptive *sizing = &class->sizing;
    enum hak_adaptive_decision decision =
        hak_adaptive_decide(sizing->high_water_mark, sizing->capacity, sizing->capacity_max);
    hak_assert(decision == hak_adaptive_reference(sizing), AD_DECISION, sizing->high_water_mark,
               sizing->capacity, decision);
    cool_batch(class);
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
}
