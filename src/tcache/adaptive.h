/* SPDX-License-Identifier: MIT */
/* Adaptive sizing: how many slots a TLS cache should have. Layer 4. A pure
 * policy: counters in, a decision out; no memory, no lock, no clock.
 *
 * On every refill the high-water mark is raised to the cache's count and the
 * refill is counted; a flush of a full cache counts the same, with the mark at
 * the capacity. After 10 of them, or 1 s, the cache adapts:
 *
 *   usage = high-water mark / capacity
 *   usage > 80 %: double, up to the class's maximum (hak_tcache_capacity_limit)
 *   usage < 20 %: halve, down to 16
 *   else keep; then both counters start anew.
 *
 * docs/ADAPTIVE.md tells why, and how to watch it. */
#ifndef HAK_TCACHE_ADAPTIVE_H
#define HAK_TCACHE_ADAPTIVE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    TLS_CACHE_INITIAL_CAPACITY = 64,
    TLS_CACHE_MIN_CAPACITY = 16,
    TLS_CACHE_MAX_CAPACITY = 2048,
    ADAPT_REFILL_THRESHOLD = 10,
    /* GROW_THRESHOLD 0.8 and SHRINK_THRESHOLD 0.2, in tenths: the comparison is
     * exact in integers. */
    GROW_THRESHOLD_TENTHS = 8,
    SHRINK_THRESHOLD_TENTHS = 2,
};

#define GROW_THRESHOLD ((double)GROW_THRESHOLD_TENTHS / 10)
#define SHRINK_THRESHOLD ((double)SHRINK_THRESHOLD_TENTHS / 10)
#define ADAPT_TIME_THRESHOLD_NS ((uint64_t)1000 * 1000 * 1000)

enum hak_adaptive_decision { HAK_ADAPTIVE_KEEP, HAK_ADAPTIVE_GROW, HAK_ADAPTIVE_SHRINK };

/* The policy's state for one class of one thread. */
struct hak_adaptive {
    uint32_t capacity;           /* owner: slots, a power of two */
    uint32_t capacity_max;       /* const: slots, this class's ordinary maximum */
    uint32_t high_water_mark;    /* owner: most blocks seen since the last decision */
    uint32_t refill_count;       /* owner: refills and flushes since then */
    uint64_t adapted_ns;         /* owner: when that was; 0: not yet started */
    uint32_t grow_count;         /* owner: ever */
    uint32_t shrink_count;       /* owner: ever */
    uint32_t kept_per_mille;     /* owner: usage in the last Keep line; UINT32_MAX: none */
    uint64_t kept_ns;            /* owner: when that line was written */
    uint16_t recent_refills;     /* owner: refills, and flushes of the full cache, of late: */
    uint16_t recent_flushes;     /* owner: both are halved when there are 128 */
    uint8_t run_length;          /* owner: of these events, the same kind in a row, ... */
    uint8_t swing_count;         /* owner: ... and such runs since the last long one, to 8 */
    bool is_flush_run;           /* owner: the kind: flushes */
    bool is_seldom;              /* owner: this window's events: less than one in 200 us */
};

/* The state at the start: 64 slots, or the class's maximum where that is less;
 * where sizing is fixed, `fixed_capacity` (0: adaptive). */
void hak_adaptive_sizing_init(struct hak_adaptive *sizing, uint32_t capacity_max,
                              uint32_t fixed_capacity);

/* A refill, or a flush of the full cache, happened. */
void hak_adaptive_note_refill(struct hak_adaptive *sizing);
void hak_adaptive_note_flush(struct hak_adaptive *sizing);

/* The mark that a flush of the full cache leaves: the capacity, by the
 * specification. With `reuse_only` half of it, which is no reason to grow, where
 * the cache has 128 slots already and was refilled less than once in eight
 * flushes: a thread that only frees never takes the blocks that it would keep. */
uint32_t hak_adaptive_full_mark(const struct hak_adaptive *sizing, bool reuse_only);

/* True when refills and flushes took turns eight times, never more than 16 of one kind in
 * a row: what the thread takes and gives back at a time is at most eight times what the
 * cache holds, so a larger cache would absorb it. */
bool hak_adaptive_is_swinging(const struct hak_adaptive *sizing);

/* False where refills and flushes of the full cache come less than once in 200 us: a
 * larger cache would save little (docs/ADAPTIVE.md has how much). Asked before a cache grows beyond its ordinary maximum; where only
 * reuse counts (HAKMEM_ADAPTIVE_REUSE), before it grows at all. */
bool hak_adaptive_growth_pays(const struct hak_adaptive *sizing);

/* Raises the mark to `count` if that is more. */
void hak_update_high_water_mark(struct hak_adaptive *sizing, uint32_t count);

/* Counts a refill (or a flush of a full cache); true when it is time to adapt. */
bool hak_track_refill_for_adaptation(struct hak_adaptive *sizing, uint64_t now_ns);

/* What usage, bounds and thresholds say. */
enum hak_adaptive_decision hak_adaptive_decide(uint32_t high_water_mark, uint32_t capacity,
                                               uint32_t capacity_max);

/* The same decision, written independently, from the definition and in floating
 * point: what checked builds compare with. */
enum hak_adaptive_decision hak_adaptive_reference(const struct hak_adaptive *sizing,
                                                  uint32_t capacity_max);

/* Starts the next window. */
void hak_adaptive_reset_window(struct hak_adaptive *sizing, uint64_t now_ns);

/* Log lines, if the log is on (HAKMEM_ADAPTIVE_LOG). */
void hak_adaptive_log_init(void);
void hak_adaptive_log_grow(uint32_t class_index, uint32_t from, const struct hak_adaptive *sizing);
void hak_adaptive_log_shrink(uint32_t class_index, uint32_t from,
                             const struct hak_adaptive *sizing);
/* Only when the class first settles, and when its usage has moved by 5 points
 * since the last such line, at most once a second a class. */
void hak_adaptive_log_keep(uint32_t class_index, struct hak_adaptive *sizing, uint64_t now_ns);

#endif
