/* SPDX-License-Identifier: MIT */
/* Memory runs out at each call to the OS in turn, in every tier: NULL and
 * ENOMEM, nothing lost, and the heap works on once memory is back. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/constants.h"
#include "base/size_class.h"
#include "big/big_cache.h"
#include "fault_run.h"
#include "hakmem.h"

/* Several SuperSlabs of one class. */
static void small_blocks(struct fault_run *run) {
    for (int i = 0; i < 14000; i++) {
        fault_malloc(run, 500);
    }
}

/* Some of every class, freed in another order and allocated again. */
static void every_class(struct fault_run *run) {
    for (int round = 0; round < 2; round++) {
        for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
            for (int i = 0; i < 40; i++) {
                fault_malloc(run, hak_class_infos[c].stride_bytes - 1u);
            }
        }
        for (uint32_t at = 0; at < run->count; at++) { /* every second */
            fault_free(run, at);
        }
    }
}

static void runs(struct fault_run *run) {
    for (size_t i = 1; i <= 24; i++) {
        fault_malloc(run, i * 40 * HAK_KIB + 1);
        fault_calloc(run, i, 40 * HAK_KIB);
    }
    for (uint32_t at = 0; at < run->count; at++) {
        fault_free(run, at);
    }
    for (size_t i = 1; i <= 8; i++) {
        fault_calloc(run, 100 * HAK_KIB, i);
    }
}

static void mappings(struct fault_run *run) {
    for (size_t i = 1; i <= 10; i++) {
        fault_malloc(run, HAK_MIB + i * i * 100 * HAK_KIB);
        fault_calloc(run, i, HAK_MIB + 1);
    }
    for (uint32_t at = 0; at < run->count; at++) {
        fault_free(run, at);
    }
    for (size_t i = 1; i <= 10; i++) { /* some from the BigCache */
        fault_calloc(run, 1, HAK_MIB + i * i * 90 * HAK_KIB);
    }
}

/* One block through all tiers, up and down; refused steps are tried no more. */
static void realloc_through_the_tiers(struct fault_run *run) {
    if (!fault_malloc(run, 8)) {
        return;
    }
    for (size_t size = 16; size <= 48 * HAK_MIB; size = size * 2 + 3) {
        fault_realloc(run, 0, size);
    }
    for (size_t size = 48 * HAK_MIB; size >= 8; size = size / 3) {
        fault_realloc(run, 0, size);
    }
}

/* Neighbours in the way, so that blocks have to move. */
static void realloc_among_others(struct fault_run *run) {
    for (uint32_t i = 0; i < 12; i++) {
        fault_malloc(run, 60 * HAK_KIB + i);
        fault_malloc(run, 2 * HAK_MIB + i);
    }
    for (uint32_t at = 0; at < run->count; at++) {
        fault_realloc(run, at, run->blocks[at].size_bytes * 2);
    }
    for (uint32_t at = 0; at < run->count; at++) {
        fault_realloc(run, at, run->blocks[at].size_bytes * 5);
    }
    for (uint32_t at = 0; at < run->count; at++) {
        fault_realloc(run, at, run->blocks[at].size_bytes / 20);
    }
}

static void aligned(struct fault_run *run) {
    for (size_t alignment = 8; alignment <= 16 * HAK_MIB; alignment *= 2) {
        for (size_t size = 24; size <= 4 * HAK_MIB; size *= 24) {
            fault_aligned(run, alignment, size);
        }
    }
}

/* More mappings than the BigCache's first table has buckets, all freed: it has
 * to grow meanwhile, or to evict. */
static void hold_many_mappings(struct fault_run *run) {
    hak_big_cache_set_bounds((size_t)4 << 30, (uint64_t)3600 * 1000000000u);
    for (int i = 0; i < 300; i++) {
        fault_malloc(run, HAK_MIB + 1);
    }
}

static void big_cache_growth(struct fault_run *run) {
    fault_free_all(run);
    for (int i = 0; i < 20; i++) {
        fault_malloc(run, HAK_MIB + 1);
    }
}

static void *allocate_in_thread(void *p) {
    struct fault_run *run = p;
    for (int i = 0; i < 300; i++) {
        fault_malloc(run, 16 + (size_t)i * 30);
    }
    fault_malloc(run, 300 * HAK_KIB);
    return NULL;
}

/* Heaps are born, abandoned and adopted meanwhile; one thread runs at a time. */
static void threads(struct fault_run *run) {
    for (int i = 0; i < 4; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, allocate_in_thread, run) != 0 ||
            pthread_join(thread, NULL) != 0) {
            fault_wrong("no thread");
        }
        if (i == 1) { /* freed by another than allocated */
            while (run->count > 100) {
                fault_free(run, run->count - 1);
            }
        }
        allocate_in_thread(run);
    }
}

static void everything(struct fault_run *run) {
    every_class(run);
    runs(run);
    aligned(run);
    if (fault_malloc(run, 5 * HAK_MIB)) {
        fault_realloc(run, run->count - 1, 9 * HAK_MIB);
    }
}

#define FAULT_TEST(name_, ...)                                                                     \
    Test(os_faults, name_, .timeout = 300) {                                                       \
        const struct fault_scenario scenario = {.body = __VA_ARGS__};                              \
        fault_run_all(&scenario);                                                                  \
    }

FAULT_TEST(small_blocks, small_blocks)
FAULT_TEST(every_class, every_class)
FAULT_TEST(runs, runs)
FAULT_TEST(mappings, mappings)
FAULT_TEST(realloc_through_the_tiers, realloc_through_the_tiers)
FAULT_TEST(realloc_among_others, realloc_among_others)
FAULT_TEST(aligned, aligned)
FAULT_TEST(big_cache_growth, big_cache_growth, .prepare = hold_many_mappings, .may_hide = true)
FAULT_TEST(threads, threads)
FAULT_TEST(everything_in_two_levels, everything, .two_levels = true)
