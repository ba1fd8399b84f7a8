/* SPDX-License-Identifier: MIT */
/* The BigCache: freed mappings kept for reuse, bounded in bytes and age.
 * Layer 3. Thread safe.
 *
 * A request takes a mapping of its own rounded size or one of the next two
 * steps (at most 3/8 larger), as it is; failing that, the nearest from half to
 * about twice its size, which is then resized: its memory is resident, and moving
 * it costs less than faulting in as much anew. What exceeds the bounds leaves
 * oldest first; unmapping happens without the lock. */
#ifndef HAK_BIG_BIG_CACHE_H
#define HAK_BIG_BIG_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "big/mapping.h"

#define HAK_BIG_CACHE_BYTES_MAX ((size_t)128 << 20)
#define HAK_BIG_CACHE_AGE_MAX_NS ((uint64_t)500 * 1000 * 1000)

/* Call once, before anything else here. */
void hak_big_cache_init(void);

/* A cached mapping that serves a rounded size as it is, or NULL. */
struct hak_mapping *hak_big_cache_take(size_t rounded_size_bytes);

/* A cached mapping near a rounded size, smaller or larger, or NULL. */
struct hak_mapping *hak_big_cache_take_near(size_t rounded_size_bytes);

/* Keeps a mapping of the standard alignment, or destroys it. */
void hak_big_cache_give(struct hak_mapping *mapping);

/* Unmaps what is too old; cheap when there is nothing. */
void hak_big_cache_tick(uint64_t now_ns);

/* Unmaps everything cached; returns how many mappings there were. */
uint32_t hak_big_cache_trim(void);

/* Other bounds, for tests and tuning. They hold from the next give or tick on. */
void hak_big_cache_set_bounds(size_t bytes_max, uint64_t age_max_ns);

struct hak_big_cache_counts {
    size_t entry_count, cached_bytes, bucket_count;
};
void hak_big_cache_count(struct hak_big_cache_counts *counts);

/* For fork, and for the walk of hak_heap_check(). */
void hak_big_cache_lock(void);
void hak_big_cache_unlock(void);
void hak_big_cache_reset_in_child(void);
void hak_big_cache_verify(void);

#endif
