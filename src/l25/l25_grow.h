/* SPDX-License-Identifier: MIT */
/* When the L2.5 pool doubles its shards. Layer 3; a policy: no lock, no memory.
 *
 * Every acquisition of a shard's lock is noted with whether it found the lock
 * taken. When GROW_FAILURES of a window of GROW_WINDOW did, the number of shards
 * should double. The counts are relaxed atomics and may miss a few: they only
 * decide when, never whether something is right. */
#ifndef HAK_L25_GROW_H
#define HAK_L25_GROW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/bitmap.h"
#include "base/check.h"
#include "l25/l25.h"

enum { HAK_L25_GROW_WINDOW = 256, HAK_L25_GROW_FAILURES = 16 };

struct hak_l25_grow {
    _Atomic uint32_t shard_count;  /* atomic: a power of two; written under the grow lock */
    _Atomic uint32_t attempts;     /* atomic: in this window */
    _Atomic uint32_t failures;     /* atomic: of these, found the lock taken */
};

#define HAK_L25_GROW_INIT {.shard_count = 1}

static inline uint32_t hak_l25_grow_shard_count(struct hak_l25_grow *grow) {
    return hak_load_relaxed(&grow->shard_count); /* shards exist from the start */
}

/* Notes one acquisition; true when it is time to double. */
static inline bool hak_l25_grow_note(struct hak_l25_grow *grow, bool contended) {
    uint32_t failures = contended ? hak_add_relaxed(&grow->failures, 1u) + 1
                                  : hak_load_relaxed(&grow->failures);
    /* Not a read-modify-write: a lost attempt only makes the window longer. */
    uint32_t attempts = hak_load_relaxed(&grow->attempts) + 1;
    hak_store_relaxed(&grow->attempts, attempts);
    if (failures >= HAK_L25_GROW_FAILURES) {
        return true;
    }
    if (attempts >= HAK_L25_GROW_WINDOW) {
        hak_store_relaxed(&grow->attempts, 0u);
        hak_store_relaxed(&grow->failures, 0u);
    }
    return false;
}

/* What growing from `before` shards may lead to; `most` is the bound. Checked builds. */
static inline void hak_l25_grow_verify(struct hak_l25_grow *grow, uint32_t before,
                                       uint32_t most) {
    uint32_t after = hak_load_relaxed(&grow->shard_count);
    hak_assert(hak_is_power_of_two(after) && after <= HAK_L25_SHARD_COUNT_MAX, L25_SHARD_COUNT,
               after, before, most);
    hak_assert(after == before || (after == 2 * before && after <= most), L25_SHARD_COUNT, after,
               before, most);
}

/* Doubles the shards, at most to the power of two at or above `bound` and to
 * HAK_L25_SHARD_COUNT_MAX, and starts a new window. Under the grow lock. */
static inline void hak_l25_grow_double(struct hak_l25_grow *grow, uint32_t bound) {
    uint32_t count = hak_load_relaxed(&grow->shard_count);
    uint32_t most = (uint32_t)hak_power_of_two_ceil(bound);
    most = most < HAK_L25_SHARD_COUNT_MAX ? most : HAK_L25_SHARD_COUNT_MAX;
    hak_store_relaxed(&grow->attempts, 0u);
    hak_store_relaxed(&grow->failures, 0u);
    if (count < most) {
        hak_store_relaxed(&grow->shard_count, 2 * count);
    }
    hak_l25_grow_verify(grow, count, most);
}

#endif
