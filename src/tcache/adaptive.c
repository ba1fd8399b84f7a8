/* SPDX-License-Identifier: MIT */
/* The policy of adaptive sizing: see adaptive.h. Layer 4. */
#include "tcache/adaptive.h"

#include "base/check.h"

enum {
    RECENT_EVENTS_MAX = 128,
    REUSE_FLUSHES_MAX = 8, /* flushes a refill that still are reuse */
    REUSE_CAPACITY = 128,  /* slots: fewer make a flush's fixed costs felt */
    RUN_MAX = 16,          /* events of one kind, half a cache each, that still are a swing */
    SWINGS_MIN = 8,        /* in a row that make a habit */
    SELDOM_NS = 200000,    /* between events: their cost is hardly felt */
};

void hak_adaptive_sizing_init(struct hak_adaptive *sizing, uint32_t capacity_max,
                              uint32_t fixed_capacity) {
    uint32_t wanted = fixed_capacity != 0 ? fixed_capacity : (uint32_t)TLS_CACHE_INITIAL_CAPACITY;
    *sizing = (struct hak_adaptive){
        .capacity = wanted < capacity_max ? wanted : capacity_max,
        .capacity_max = capacity_max,
        .kept_per_mille = UINT32_MAX,
    };
}

static void forget_half(struct hak_adaptive *sizing) {
    if (sizing->recent_refills + sizing->recent_flushes >= RECENT_EVENTS_MAX) {
        sizing->recent_refills /= 2;
        sizing->recent_flushes /= 2;
    }
}

static void note_run(struct hak_adaptive *sizing, bool is_flush) {
    if (sizing->is_flush_run != is_flush) {
        sizing->is_flush_run = is_flush;
        sizing->run_length = 0;
        if (sizing->swing_count < SWINGS_MIN) {
            sizing->swing_count++;
        }
    }
    if (sizing->run_length < RUN_MAX) {
        sizing->run_length++;
    } else {
        sizing->swing_count = 0;
    }
}

void hak_adaptive_note_refill(struct hak_adaptive *sizing) {
    sizing->recent_refills++;
    forget_half(sizing);
    note_run(sizing, false);
}

void hak_adaptive_note_flush(struct hak_adaptive *sizing) {
    sizing->recent_flushes++;
    forget_half(sizing);
    note_run(sizing, true);
}

bool hak_adaptive_is_swinging(const struct hak_adaptive *sizing) {
    return sizing->swing_count == SWINGS_MIN;
}

bool hak_adaptive_growth_pays(const struct hak_adaptive *sizing) {
    return !sizing->is_seldom;
}

uint32_t hak_adaptive_full_mark(const struct hak_adaptive *sizing, bool reuse_only) {
    bool is_reused = sizing->recent_refills * REUSE_FLUSHES_MAX >= sizing->recent_flushes;
    bool counts = !reuse_only || is_reused || sizing->capacity < REUSE_CAPACITY;
    return counts ? sizing->capacity : sizing->capacity / 2;
}

void hak_update_high_water_mark(struct hak_adaptive *sizing, uint32_t count) {
    if (count > sizing->high_water_mark) {
        sizing->high_water_mark = count;
    }
    hak_assert(sizing->high_water_mark <= sizing->capacity, TC_HIGH_WATER, sizing->high_water_mark,
               sizing->capacity);
}

bool hak_track_refill_for_adaptation(struct hak_adaptive *sizing, uint64_t now_ns) {
    if (sizing->adapted_ns == 0) {
        sizing->adapted_ns = now_ns;
    }
    sizing->refill_count++;
    sizing->is_seldom = now_ns - sizing->adapted_ns > (uint64_t)sizing->refill_count * SELDOM_NS;
    return sizing->refill_count >= ADAPT_REFILL_THRESHOLD ||
           now_ns >= sizing->adapted_ns + ADAPT_TIME_THRESHOLD_NS;
}

enum hak_adaptive_decision hak_adaptive_decide(uint32_t high_water_mark, uint32_t capacity,
                                               uint32_t capacity_max) {
    if (high_water_mark * 10 > capacity * GROW_THRESHOLD_TENTHS && capacity < capacity_max) {
        return HAK_ADAPTIVE_GROW;
    }
    if (high_water_mark * 10 < capacity * SHRINK_THRESHOLD_TENTHS &&
        capacity > TLS_CACHE_MIN_CAPACITY) {
        return HAK_ADAPTIVE_SHRINK;
    }
    return HAK_ADAPTIVE_KEEP;
}

void hak_adaptive_reset_window(struct hak_adaptive *sizing, uint64_t now_ns) {
    sizing->high_water_mark = 0;
    sizing->refill_count = 0;
    sizing->adapted_ns = now_ns;
}
