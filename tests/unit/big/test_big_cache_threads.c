/* SPDX-License-Identifier: MIT */
/* The BigCache under a concurrent load that drives its table through every size
 * to 65,536 buckets and back.
 *
 * So many real mappings would pass the kernel's limit on their number; the table
 * holds descriptors, so most of the load is descriptors whose address space was
 * given back. They are never handed to a program here, only to the cache. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/constants.h"
#include "big/big_cache.h"
#include "big/big_table.h"
#include "region/region_map.h"
#include "support/expect.h"
#include "support/random.h"
#include "support/threads.h"

#define LONG_NS ((uint64_t)3600 * 1000 * 1000 * 1000)

enum { THREADS = 4, PER_THREAD = 18000, ENTRIES = THREADS * PER_THREAD };

static struct hak_mapping *entries;
static _Atomic uint8_t *holder; /* by entry: 0 cached, else 1 + the thread that has it */
static _Atomic uint32_t wrong;
static _Atomic uint64_t taken_total, steps_seen;

static void start(void) {
    cr_assert(hak_region_init(true));
    hak_big_cache_init();
    hak_big_cache_set_bounds(SIZE_MAX / 2, LONG_NS);
    entries = calloc(ENTRIES, sizeof *entries);
    holder = calloc(ENTRIES, sizeof *holder);
    cr_assert(entries != NULL && holder != NULL);
}

static void verify(void) {
    if (HAK_CHECK_LEVEL >= 1) {
        hak_big_cache_verify();
    }
}

/* Several entries to a size: chains, and takers that compete for them. */
static size_t size_of(uint32_t i) {
    return hak_mapping_round_size(HAK_MIB + 1 + (size_t)(i % 997) * HAK_GRANULE_SIZE_BYTES);
}

static void give(uint32_t i, uint32_t thread) {
    uint8_t mine = (uint8_t)(thread + 1);
    wrong += !atomic_compare_exchange_strong(&holder[i], &mine, 0);
    hak_big_cache_give(&entries[i]);
}

static bool take(size_t size_bytes, uint32_t thread) {
    struct hak_mapping *mapping = hak_big_cache_take(size_bytes);
    if (mapping == NULL) {
        return false;
    }
    uint32_t i = (uint32_t)(mapping - entries);
    uint8_t nobody = 0;
    wrong += i >= ENTRIES || mapping->size_bytes < size_bytes || mapping->size_bytes != size_of(i);
    wrong += !atomic_compare_exchange_strong(&holder[i], &nobody, (uint8_t)(thread + 1));
    taken_total++;
    return true;
}

static void note_bucket_count(void) {
    struct hak_big_cache_counts counts;
    hak_big_cache_count(&counts);
    steps_seen |= counts.bucket_count;
    wrong += (counts.bucket_count & (counts.bucket_count - 1)) != 0;
}

/* Everybody gives all entries of its own, now and then taking some and giving
 * them again at once. */
static void fill(void *unused, uint32_t thread) {
    struct test_random random;
    (void)unused;
    test_random_init(&random, thread);
    for (uint32_t k = 0; k < PER_THREAD; k++) {
        uint32_t i = thread * PER_THREAD + k;
        entries[i] = (struct hak_mapping){.size_bytes = size_of(i),
                                          .alignment_bytes = HAK_SUPERSLAB_SIZE_BYTES};
        holder[i] = (uint8_t)(thread + 1);
        give(i, thread);
        if (k % 8 == 0) {
            struct hak_mapping *other =
                hak_big_cache_take(size_of(test_random_below(&random, ENTRIES)));
            if (other != NULL) {
                hak_big_cache_give(other);
            }
            note_bucket_count();
        }
    }
}

static void empty(void *unused, uint32_t thread) {
    struct test_random random;
    (void)unused;
    test_random_init(&random, thread + 50);
    for (uint32_t misses = 0; misses < 997;) {
        size_t size = size_of(test_random_below(&random, 997));
        misses = take(size, thread) ? 0 : misses + 1;
        if (misses == 0 && test_random_below(&random, 16) == 0) {
            note_bucket_count();
        }
    }
    for (uint32_t k = 0; k < 997; k++) { /* random sizes may have missed one */
        while (take(size_of(k), thread)) {
        }
    }
}

Test(big_cache_threads, every_resize_up_and_down_under_load, .init = start, .timeout = 300) {
    struct hak_big_cache_counts counts;
    test_threads_run(THREADS, fill, NULL);
    hak_big_cache_count(&counts);
    cr_assert_eq(wrong, 0);
    cr_assert_eq(counts.entry_count, ENTRIES);
    cr_assert_eq(counts.bucket_count, HAK_BIG_BUCKET_COUNT_MAX);
    cr_assert_eq(steps_seen, 2 * HAK_BIG_BUCKET_COUNT_MAX - HAK_BIG_BUCKET_COUNT_MIN,
                 "sizes seen on the way up: 0x%lx", steps_seen);
    verify();
    steps_seen = 0;
    test_threads_run(THREADS, empty, NULL);
    hak_big_cache_count(&counts);
    cr_assert_eq(wrong, 0);
    cr_assert_eq(taken_total, ENTRIES);
    cr_assert_eq(counts.entry_count, 0);
    cr_assert_eq(counts.cached_bytes, 0);
    cr_assert_eq(counts.bucket_count, HAK_BIG_BUCKET_COUNT_MIN);
    verify();
    for (uint32_t i = 0; i < ENTRIES; i++) {
        expect(holder[i] != 0, "entry %u is lost", i);
    }
}

/* Real mappings through the front, kept below the kernel's limit. */
static void use_mappings(void *unused, uint32_t thread) {
    enum { LIVE = 40 };
    char *live[LIVE] = {NULL};
    struct test_random random;
    (void)unused;
    test_random_init(&random, thread + 70);
    for (uint32_t k = 0; k < 4000; k++) {
        uint32_t at = test_random_below(&random, LIVE);
        bool is_zero;
        if (live[at] != NULL) {
            wrong += live[at][0] != (char)(thread + 1);
            hak_mapping_free(live[at]);
            live[at] = NULL;
            continue;
        }
        size_t size = size_of(test_random_below(&random, 64));
        live[at] = hak_mapping_alloc(size, 8, &is_zero);
        wrong += live[at] == NULL || (is_zero && live[at][0] != 0);
        wrong += hak_mapping_size_bytes(live[at]) < size; /* 0: nobody knows it any more */
        live[at][0] = (char)(thread + 1);
        if (k % 64 == 0) {
            hak_big_cache_trim();
        }
    }
    for (uint32_t at = 0; at < LIVE; at++) {
        if (live[at] != NULL) {
            hak_mapping_free(live[at]);
        }
    }
}

Test(big_cache_threads, real_mappings_with_eviction_and_trimming, .init = start, .timeout = 300) {
    struct hak_mapping_counts live;
    hak_big_cache_set_bounds(64 * HAK_MIB, 5 * 1000 * 1000);
    test_threads_run(THREADS, use_mappings, NULL);
    cr_assert_eq(wrong, 0);
    hak_mapping_count(&live);
    cr_assert_eq(live.live_count, 0);
    cr_assert_eq(live.live_bytes, 0);
    verify();
    hak_big_cache_trim();
    verify();
}
