/* SPDX-License-Identifier: MIT */
/* The BigCache: freed mappings kept for reuse, bounded in bytes and age.
 * Layer 3. Thread safe.
 *
 * A request takes a mapping of its own rounded size, or one that is larger by at
 * most 3/8, as it is. Failing that, mapping.c puts one together from the pages of
 * the oldest: they are resident, and moving page tables costs a hundredth of
 * faulting in as much anew. What exceeds the bounds leaves oldest first; unmapping
 * happens without the lock. */
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

/* Pages off the end of a cached mapping. They are the caller's: no longer counted or
 * found here, still where they were. Every field: owner. */
struct hak_big_pages {
    char *base;                     /* a multiple of 2 MiB */
    size_t size_bytes;
    struct hak_mapping *emptied;    /* the mapping, when these are all that it had; or NULL */
};

/* Takes at least `wanted_bytes`, by less than 2 MiB more, off the oldest mapping, or all
 * of it if it has less; false when nothing is cached. */
bool hak_big_cache_take_pages(size_t wanted_bytes, struct hak_big_pages *pages);

/* Keeps a mapping of the standard alignment, or destroys it. */
void hak_big_cache_give(struct hak_mapping *mapping);

/* Unmaps what is too old; cheap when there is nothing. */
void hak_big_cache_tick(uint64_t now_ns);

/* Unmaps everything cached; returns how many mappings there were. */
uint32_t hak_big_cache_trim(void);

/* Other bounds, for tests and tuning. They hold from the next give or tick on. */
void hak_big_cache_set_bounds(size_t bytes_max, uint64_t age_max_ns);

/* Every field: owner, who asked. */
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
