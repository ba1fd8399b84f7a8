/* SPDX-License-Identifier: MIT */
/* fuzz_bigcache's mappings, against a list by age; see ops.h. */
#include "ops.h"

#include "sizes.h"
#include "tags.h"

#include <string.h>

#include "big/big_cache.h"
#include "big/mapping.h"
#include "harness/arena.h"
#include "harness/checked.h"
#include "harness/fault.h"
#include "harness/target.h"
#include "os/os_memory.h"
#include "region/region_map.h"

enum { SUPERSLAB_BYTES = 2 << 20, CACHED_MAX = 1024, GRAFTS_MAX = 16 };
static const uint64_t START_NS = 9000000000;
static const size_t BYTES_MAX = (size_t)128 << 20, GRAFTED_MAX = (size_t)64 << 20;
static const uint64_t AGE_MAX_NS = 500000000;

static struct entry live[BIGCACHE_SLOT_COUNT];
static struct entry cached[CACHED_MAX]; /* oldest first */
static size_t cached_count, cached_bytes, bytes_max;
static uint64_t age_max_ns, now_ns;
static struct hak_mapping_counts counts_before;

static void compare(const char *call) {
    struct hak_big_cache_counts found;
    struct hak_mapping_counts counts;
    size_t live_count = 0, live_bytes = 0;
    hak_big_cache_count(&found);
    if (found.entry_count != cached_count || found.cached_bytes != cached_bytes) {
        hak_fuzz_fail("%s: the cache holds %zu mappings of %zu bytes, not %zu of %zu", call,
                      found.entry_count, found.cached_bytes, cached_count, cached_bytes);
    }
    for (size_t i = 0; i < BIGCACHE_SLOT_COUNT; i++) {
        live_count += live[i].base != NULL;
        live_bytes += live[i].base != NULL ? live[i].size_bytes : 0;
    }
    hak_mapping_count(&counts);
    if (counts.live_count - counts_before.live_count != live_count ||
        counts.live_bytes - counts_before.live_bytes != live_bytes) {
        hak_fuzz_fail("%s: %llu mappings of %llu bytes are live, not %zu of %zu", call,
                      (unsigned long long)(counts.live_count - counts_before.live_count),
                      (unsigned long long)(counts.live_bytes - counts_before.live_bytes),
                      live_count, live_bytes);
    }
}

/* --- The mappings -------------------------------------------------------------------- */

static void demand_known(const struct entry *entry, const char *call) {
    for (size_t i = 0; i < BIGCACHE_SLOT_COUNT; i++) {
        const struct entry *other = &live[i];
        if (other != entry && other->base != NULL &&
            entry->base < other->base + other->size_bytes &&
            other->base < entry->base + entry->size_bytes) {
            hak_fuzz_fail("%s: %p overlaps the mapping at %p", call, (void *)entry->base,
                          (void *)other->base);
        }
    }
    if (hak_region_kind(entry->base) != HAK_KIND_MAPPING ||
        hak_mapping_size_bytes(entry->base) != entry->size_bytes) {
        hak_fuzz_fail("%s: %p has kind %d and %zu bytes, not %zu", call, (void *)entry->base,
                      (int)hak_region_kind(entry->base), hak_mapping_size_bytes(entry->base),
                      entry->size_bytes);
    }
}

/* --- The cache as a list ------------------------------------------------------------ */

static void remove_cached(size_t index) {
    cached_bytes -= cached[index].size_bytes;
    cached_count--;
    memmove(&cached[index], &cached[index + 1], (cached_count - index) * sizeof cached[0]);
}

/* The newest of exactly this size. */
static bool find_exact(size_t size, struct entry *found) {
    for (size_t i = cached_count; i > 0; i--) {
        if (cached[i - 1].size_bytes == size) {
            *found = cached[i - 1];
            remove_cached(i - 1);
            return true;
        }
    }
    return false;
}

/* Of this size, or of the next steps up to 11/8 of it. */
static bool find_cached(size_t wanted, struct entry *found) {
    for (size_t size = wanted; size <= wanted / 8 * 11; size = bigcache_round_size(size + 1)) {
        if (find_exact(size, found)) {
            hak_fuzz_tally(size == wanted ? OUTCOME_reused : OUTCOME_reused_larger);
            return true;
        }
    }
    return false;
}

static void demand_gone(const char *base) {
    if (hak_region_owner(base) != NULL || hak_region_kind(base) != HAK_KIND_NONE) {
        hak_fuzz_fail("evict: the region map still knows %p", (const void *)base);
    }
}

/* Takes what a mapping can use of the oldest: from its end, in multiples of 2 MiB unless
 * it is all. Returns how far that fills the mapping. */
static size_t take_from_oldest(size_t wanted, const char **gone) {
    struct entry *oldest = &cached[0];
    size_t keep = oldest->size_bytes > wanted ? oldest->size_bytes - wanted : 0;
    size_t taken = oldest->size_bytes - keep / SUPERSLAB_BYTES * SUPERSLAB_BYTES;
    *gone = NULL;
    if (taken < oldest->size_bytes) {
        oldest->size_bytes -= taken;
        cached_bytes -= taken;
        hak_fuzz_tally(OUTCOME_cut);
    } else {
        *gone = oldest->base;
        remove_cached(0);
        hak_fuzz_tally(OUTCOME_emptied);
    }
    return (taken + SUPERSLAB_BYTES - 1) / SUPERSLAB_BYTES * SUPERSLAB_BYTES;
}

/* What a new mapping was put together from, as far as the list says; when a request
 * failed, as far as the cache has become smaller. False: from nothing. */
static bool judge_grafts(size_t size, bool may_stop) {
    struct hak_big_cache_counts found;
    size_t at = 0, count = 0;
    hak_big_cache_count(&found);
    while (size <= GRAFTED_MAX && count < GRAFTS_MAX && at < size && cached_count > 0 &&
           (!may_stop || cached_bytes > found.cached_bytes)) {
        const char *gone;
        at += take_from_oldest(size - at, &gone);
        count++;
        if (gone != NULL) {
            demand_gone(gone);
        }
    }
    return count > 0;
}

static void expect_evictions(const char *gone[CACHED_MAX], size_t *gone_count) {
    *gone_count = 0;
    while (cached_count > 0 &&
           (cached_bytes > bytes_max || now_ns - cached[0].freed_ns > age_max_ns)) {
        hak_fuzz_tally(cached_bytes > bytes_max ? OUTCOME_evicted_bytes : OUTCOME_evicted_age);
        gone[(*gone_count)++] = cached[0].base;
        remove_cached(0);
    }
}

static void judge_evictions(const char *const gone[], size_t gone_count, const char *call) {
    for (size_t i = 0; i < gone_count; i++) {
        demand_gone(gone[i]);
    }
    compare(call);
}

/* --- Operations ---------------------------------------------------------------------- */

void bigcache_free(size_t slot) {
    const char *gone[CACHED_MAX];
    size_t gone_count;
    struct entry entry = live[slot];
    if (entry.base == NULL || cached_count == CACHED_MAX) {
        return;
    }
    bigcache_compare_tags(&entry, "before free");
    live[slot].base = NULL;
    bool fits = entry.alignment_bytes == SUPERSLAB_BYTES && entry.size_bytes <= bytes_max;
    if (fits) {
        entry.freed_ns = now_ns;
        cached[cached_count++] = entry;
        cached_bytes += entry.size_bytes;
    }
    expect_evictions(gone, &gone_count);
    hak_mapping_free(entry.base);
    hak_fuzz_tally(fits ? OUTCOME_cached : OUTCOME_not_cached);
    if (!fits) {
        demand_gone(entry.base);
    }
    judge_evictions(gone, gone_count, "free");
}

/* A mapping that was not cached as it is. */
static void judge_new(struct entry *entry, bool is_plain, size_t size, bool is_zero, bool faulted) {
    entry->size_bytes = bigcache_demand_size(entry->base, size, faulted, "alloc");
    entry->is_grafted = is_plain && judge_grafts(entry->size_bytes, faulted);
    if (is_zero == entry->is_grafted && !faulted) {
        hak_fuzz_fail("alloc: zero %d, where cached pages were %sused", is_zero,
                      entry->is_grafted ? "" : "not ");
    }
    if (is_zero) {
        bigcache_demand_zero(entry);
    }
    hak_fuzz_tally(entry->is_grafted ? OUTCOME_grafted
                   : is_plain        ? OUTCOME_mapped
                                     : OUTCOME_aligned);
}

void bigcache_alloc(size_t slot, size_t size, size_t alignment) {
    struct entry entry = {0};
    bool is_zero = false, is_plain = alignment <= SUPERSLAB_BYTES;
    uint64_t hits = hak_fuzz_fault_hits();
    bigcache_free(slot);
    if (live[slot].base != NULL) {
        return;
    }
    bool is_cached = is_plain && find_cached(bigcache_round_size(size), &entry);
    char *base = hak_mapping_alloc(size, alignment, &is_zero);
    bool faulted = hits != hak_fuzz_fault_hits();
    if (base == NULL) {
        if (is_cached || !faulted) {
            hak_fuzz_fail("alloc: NULL for %zu bytes that can be had", size);
        }
        compare("alloc that failed");
        hak_fuzz_tally(OUTCOME_fault_survived);
        return;
    }
    if (is_cached && (is_zero || base != entry.base)) {
        hak_fuzz_fail("alloc: %p of %zu bytes, zero %d, where the cache has %p", (void *)base, size,
                      is_zero, (void *)entry.base);
    }
    if (!is_cached) {
        entry.base = base;
        entry.alignment_bytes = is_plain ? SUPERSLAB_BYTES : alignment;
        judge_new(&entry, is_plain, size, is_zero, faulted);
    }
    if ((uintptr_t)base % entry.alignment_bytes != 0) {
        hak_fuzz_fail("alloc: %p is not a multiple of %zu", (void *)base, entry.alignment_bytes);
    }
    demand_known(&entry, "alloc");
    bigcache_write_tags(&entry);
    live[slot] = entry;
    compare("alloc");
}

/* Every word written before that is within the new size. */
static void compare_resized(const struct entry *old, const struct entry *now) {
    for (int k = 0; k < BIGCACHE_TAGS; k++) {
        size_t offset = bigcache_tag_offset(old, k);
        if (offset + sizeof old->tag <= now->size_bytes) {
            bigcache_compare_tag(now, offset, "after resize");
        }
    }
}

void bigcache_resize(size_t slot, size_t size) {
    struct entry *entry = &live[slot];
    uint64_t hits = hak_fuzz_fault_hits();
    if (entry->base == NULL) {
        return;
    }
    char *old = entry->base, *moved = hak_mapping_resize(old, size);
    if (moved == NULL) {
        if (hits == hak_fuzz_fault_hits()) {
            hak_fuzz_fail("resize: NULL from %zu to %zu bytes", entry->size_bytes, size);
        }
        bigcache_compare_tag(entry, 0, "after a resize that failed");
        demand_known(entry, "resize that failed");
        hak_fuzz_tally(OUTCOME_fault_survived);
        return;
    }
    struct entry before = *entry;
    entry->base = moved;
    if (size > before.size_bytes || before.size_bytes > bigcache_round_size(size)) {
        bool faulted = hits != hak_fuzz_fault_hits();
        entry->size_bytes = bigcache_demand_size(moved, size, faulted, "resize");
    }
    compare_resized(&before, entry);
    if (moved != old) {
        demand_gone(old);
        hak_fuzz_tally(entry->is_grafted ? OUTCOME_grafted_moved : OUTCOME_moved);
    }
    if (entry->size_bytes != before.size_bytes) {
        hak_fuzz_tally(entry->size_bytes > before.size_bytes ? OUTCOME_grew_mapping
                                                             : OUTCOME_shrank_mapping);
    }
    if ((uintptr_t)moved % entry->alignment_bytes != 0) {
        hak_fuzz_fail("resize: %p is not a multiple of %zu", (void *)moved, entry->alignment_bytes);
    }
    demand_known(entry, "resize");
    bigcache_write_tags(entry);
    compare("resize");
}

/* What the small tiers take: 2 MiB off the oldest, or nothing where that had less. */
void bigcache_piece(void) {
    const char *gone = NULL, *expected = NULL;
    if (cached_count > 0) {
        struct entry oldest = cached[0];
        take_from_oldest(SUPERSLAB_BYTES, &gone);
        size_t left = gone != NULL ? 0 : cached[0].size_bytes;
        expected = oldest.size_bytes >= SUPERSLAB_BYTES ? oldest.base + left : NULL;
    }
    char *piece = hak_mapping_take_cached();
    if (piece != expected) {
        hak_fuzz_fail("piece: %p, not %p", (void *)piece, (const void *)expected);
    }
    if (gone != NULL) {
        demand_gone(gone);
    }
    if (piece != NULL) {
        hak_fuzz_tally(OUTCOME_piece);
        hak_os_release(piece, SUPERSLAB_BYTES);
    }
    compare("piece");
}

static void tick(void) {
    const char *gone[CACHED_MAX];
    size_t gone_count;
    expect_evictions(gone, &gone_count);
    hak_big_cache_tick(now_ns);
    judge_evictions(gone, gone_count, "tick");
}

void bigcache_clock(size_t ns, size_t ticks) {
    now_ns += ns;
    hak_fuzz_clock_advance(ns);
    if (ticks != 0) {
        tick();
    }
}

void bigcache_bounds(size_t new_bytes_max, size_t new_age_max_ns) {
    bytes_max = new_bytes_max;
    age_max_ns = new_age_max_ns;
    hak_big_cache_set_bounds(bytes_max, age_max_ns);
    tick();
}

void bigcache_trim(void) {
    uint32_t trimmed = hak_big_cache_trim();
    if (trimmed != cached_count) {
        hak_fuzz_fail("trim: %u mappings given back, not %zu", trimmed, cached_count);
    }
    for (size_t i = 0; i < cached_count; i++) {
        demand_gone(cached[i].base);
    }
    cached_count = cached_bytes = 0;
    compare("trim");
    hak_fuzz_tally(OUTCOME_trimmed);
}

void bigcache_busy_tick(void) {
    hak_fuzz_fault_trylock(1);
    hak_big_cache_tick(now_ns);
    hak_fuzz_fault_trylock(0);
    compare("tick without the lock");
}

void bigcache_fork(size_t child) {
    hak_big_cache_lock();
    (child != 0 ? hak_big_cache_reset_in_child : hak_big_cache_unlock)();
    compare("fork"); /* hangs when the lock is still taken */
}

void bigcache_impossible(size_t slot, size_t size) {
    bool is_zero;
    if (hak_mapping_alloc(size, SUPERSLAB_BYTES, &is_zero) != NULL) {
        hak_fuzz_fail("alloc: gave a mapping of %zu bytes", size);
    }
    if (live[slot].base != NULL) {
        if (hak_mapping_resize(live[slot].base, size) != NULL) {
            hak_fuzz_fail("resize: to %zu bytes", size);
        }
        bigcache_compare_tag(&live[slot], 0, "after a resize that nobody can have");
        demand_known(&live[slot], "resize that nobody can have");
    }
    hak_fuzz_tally(OUTCOME_impossible);
    compare("impossible");
}

void bigcache_cache_verify(void) {
    for (size_t i = 0; i < BIGCACHE_SLOT_COUNT; i++) {
        if (live[i].base != NULL) {
            bigcache_compare_tags(&live[i], "among all");
            demand_known(&live[i], "among all");
        }
    }
    for (size_t i = 0; i < cached_count; i++) {
        const struct hak_mapping *mapping = hak_region_owner(cached[i].base);
        if (mapping == NULL || mapping->base != cached[i].base ||
            hak_region_kind(cached[i].base) != HAK_KIND_NONE) {
            hak_fuzz_fail("cache: the mapping at %p has no owner, or a kind",
                          (void *)cached[i].base);
        }
    }
    HAK_FUZZ_CHECKED(hak_big_cache_verify());
}

void bigcache_cache_begin(void) {
    memset(live, 0, sizeof live);
    cached_count = cached_bytes = 0;
    bytes_max = BYTES_MAX;
    age_max_ns = AGE_MAX_NS;
    now_ns = START_NS;
    hak_fuzz_clock_stop_at(now_ns);
    hak_big_cache_set_bounds(bytes_max, age_max_ns);
    hak_mapping_count(&counts_before);
}

void bigcache_cache_end(void) {
    for (size_t i = 0; i < BIGCACHE_SLOT_COUNT; i++) {
        bigcache_free(i);
    }
    bigcache_trim();
    hak_fuzz_clock_stop_at(0);
}
