/* SPDX-License-Identifier: MIT */
/* The BigCache: see big_cache.h. Layer 3. */
#include "big/big_cache.h"

#include "base/check.h"
#include "base/constants.h"
#include "base/lock.h"
#include "base/pause.h"
#include "big/big_table.h"
#include "os/os_thread.h"

static struct {
    struct hak_lock lock;
    struct hak_big_table table;   /* lock */
    size_t bytes_max;             /* lock */
    uint64_t age_max_ns;          /* lock */
} cache = {
    .lock = HAK_LOCK_INIT(HAK_LOCK_RANK_BIG),
    .bytes_max = HAK_BIG_CACHE_BYTES_MAX,
    .age_max_ns = HAK_BIG_CACHE_AGE_MAX_NS,
};

void hak_big_cache_init(void) {
    hak_big_table_init(&cache.table);
}

struct hak_mapping *hak_big_cache_take(size_t rounded_size_bytes) {
    struct hak_mapping *mapping = NULL;
    size_t size = rounded_size_bytes, most = size + size / 8 * 3;
    hak_lock_acquire(&cache.lock);
    while (mapping == NULL && size != 0 && size <= most) {
        mapping = hak_big_table_take(&cache.table, size);
        size = hak_mapping_round_size(size + 1);
    }
    hak_lock_release(&cache.lock);
    return mapping;
}

static void take_pages_locked(size_t wanted_bytes, struct hak_big_pages *pages) {
    struct hak_mapping *oldest = cache.table.oldest;
    size_t size = oldest->size_bytes, keep = 0;
    if (size > wanted_bytes) {
        keep = (size - wanted_bytes) & ~(HAK_SUPERSLAB_SIZE_BYTES - 1);
    }
    *pages = (struct hak_big_pages){.base = oldest->base + keep, .size_bytes = size - keep};
    if (keep > 0) {
        hak_big_table_cut_oldest(&cache.table, keep);
    } else {
        pages->emptied = hak_big_table_take_oldest(&cache.table);
    }
}

bool hak_big_cache_take_pages(size_t wanted_bytes, struct hak_big_pages *pages) {
    hak_lock_acquire(&cache.lock);
    bool any = cache.table.oldest != NULL;
    if (any) {
        take_pages_locked(wanted_bytes, pages);
    }
    hak_lock_release(&cache.lock);
    return any;
}

/* Another thread's clock may have been read before and its lock taken after ours. */
static bool is_too_old_locked(const struct hak_mapping *mapping, uint64_t now_ns) {
    return now_ns > mapping->freed_ns && now_ns - mapping->freed_ns > cache.age_max_ns;
}

/* Unlinks what exceeds the bounds; returns it as a list by `newer`. */
static struct hak_mapping *evict_locked(uint64_t now_ns) {
    struct hak_mapping *evicted = NULL;
    struct hak_big_table *table = &cache.table;
    while (table->oldest != NULL &&
           (table->cached_bytes > cache.bytes_max || hak_big_table_is_overfull(table) ||
            is_too_old_locked(table->oldest, now_ns))) {
        struct hak_mapping *mapping = hak_big_table_take_oldest(table);
        mapping->newer = evicted;
        evicted = mapping;
    }
    return evicted;
}

static uint32_t destroy_list(struct hak_mapping *list) {
    uint32_t count = 0;
    while (list != NULL) {
        struct hak_mapping *next = list->newer;
        hak_mapping_destroy(list);
        list = next;
        count++;
    }
    return count;
}

void hak_big_cache_give(struct hak_mapping *mapping) {
    uint64_t now_ns = hak_os_clock_coarse_ns();
    hak_lock_acquire(&cache.lock);
    bool fits = mapping->alignment_bytes == HAK_SUPERSLAB_SIZE_BYTES &&
                mapping->size_bytes <= cache.bytes_max;
    if (fits) {
        mapping->freed_ns = now_ns;
        hak_big_table_insert(&cache.table, mapping);
    }
    struct hak_mapping *evicted = evict_locked(now_ns);
    hak_lock_release(&cache.lock);
    hak_pause_point(MAPPING_CACHED);
    destroy_list(evicted);
    if (!fits) {
        hak_mapping_destroy(mapping);
    }
}

void hak_big_cache_tick(uint64_t now_ns) {
    if (!hak_lock_try_acquire(&cache.lock)) {
        return; /* whoever has it evicts as well */
    }
    struct hak_mapping *evicted = evict_locked(now_ns);
    hak_lock_release(&cache.lock);
    destroy_list(evicted);
}

uint32_t hak_big_cache_trim(void) {
    struct hak_mapping *all = NULL;
    hak_lock_acquire(&cache.lock);
    while (cache.table.oldest != NULL) {
        struct hak_mapping *mapping = hak_big_table_take_oldest(&cache.table);
        mapping->newer = all;
        all = mapping;
    }
    hak_lock_release(&cache.lock);
    return destroy_list(all);
}

void hak_big_cache_set_bounds(size_t bytes_max, uint64_t age_max_ns) {
    hak_lock_acquire(&cache.lock);
    cache.bytes_max = bytes_max;
    cache.age_max_ns = age_max_ns;
    hak_lock_release(&cache.lock);
}

void hak_big_cache_count(struct hak_big_cache_counts *counts) {
    hak_lock_acquire(&cache.lock);
    counts->entry_count = cache.table.entry_count;
    counts->cached_bytes = cache.table.cached_bytes;
    counts->bucket_count = cache.table.bucket_count;
    hak_lock_release(&cache.lock);
}

void hak_big_cache_lock(void) {
    hak_lock_acquire(&cache.lock);
}

void hak_big_cache_unlock(void) {
    hak_lock_release(&cache.lock);
}

void hak_big_cache_reset_in_child(void) {
    hak_lock_reset_in_child(&cache.lock);
}

#if HAK_CHECK_LEVEL >= 1
void hak_big_cache_verify(void) {
    hak_lock_acquire(&cache.lock);
    hak_big_table_verify(&cache.table);
    hak_verify(cache.table.cached_bytes <= cache.bytes_max, BIG_BOUNDS, cache.table.cached_bytes,
               cache.bytes_max);
    hak_verify(!hak_big_table_is_overfull(&cache.table), BIG_LOAD, cache.table.entry_count,
               cache.table.bucket_count);
    hak_lock_release(&cache.lock);
}
#endif
