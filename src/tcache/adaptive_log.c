/* SPDX-License-Identifier: MIT */
/* The log of adaptive sizing: whole lines, no malloc. Layer 4. */
#include "tcache/adaptive.h"

#include "base/config.h"
#include "base/start_stderr.h"

enum { KEEP_MOVED_PER_MILLE = 50 };

#define KEEP_PAUSE_NS ((uint64_t)1000 * 1000 * 1000)

void hak_adaptive_log_init(void) {
    if (!hak_config.adaptive_log) {
        return;
    }
    if (hak_config.adaptive_sizing) {
        hak_log_line("[ADAPTIVE] Adaptive sizing initialized (initial_cap=%d, min=%d, max=%d)",
                     TLS_CACHE_INITIAL_CAPACITY, TLS_CACHE_MIN_CAPACITY, TLS_CACHE_MAX_CAPACITY);
    } else {
        hak_log_line("[ADAPTIVE] Adaptive sizing off (fixed_cap=%u)", hak_config.fixed_capacity);
    }
}

void hak_adaptive_log_grow(uint32_t class_index, uint32_t from, const struct hak_adaptive *sizing) {
    if (hak_config.adaptive_log) {
        hak_log_line("[TLS_CACHE] Grow class %u: %u → %u slots (grow_count=%u)", class_index, from,
                     sizing->capacity, sizing->grow_count);
    }
}

void hak_adaptive_log_shrink(uint32_t class_index, uint32_t from,
                             const struct hak_adaptive *sizing) {
    if (hak_config.adaptive_log) {
        hak_log_line("[TLS_CACHE] Shrink class %u: %u → %u slots (shrink_count=%u)", class_index,
                     from, sizing->capacity, sizing->shrink_count);
    }
}

void hak_adaptive_log_keep(uint32_t class_index, struct hak_adaptive *sizing, uint64_t now_ns) {
    if (!hak_config.adaptive_log) {
        return;
    }
    uint32_t usage = sizing->high_water_mark * 1000 / sizing->capacity;
    uint32_t last = sizing->kept_per_mille;
    uint32_t moved = usage > last ? usage - last : last - usage;
    bool first = last == UINT32_MAX;
    if (!first && (moved < KEEP_MOVED_PER_MILLE || now_ns < sizing->kept_ns + KEEP_PAUSE_NS)) {
        return;
    }
    sizing->kept_per_mille = usage;
    sizing->kept_ns = now_ns;
    hak_log_line("[TLS_CACHE] Keep class %u at %u slots (usage=%u.%u%%)", class_index,
                 sizing->capacity, usage / 10, usage % 10);
}
