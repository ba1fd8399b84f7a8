/* SPDX-License-Identifier: MIT */
/* Breakers of the L2.5 pool and the BigCache: breakers.h. */
#include "big/big_cache.h"
#include "big/big_table.h"
#include "hakmem.h"
#include "l25/l25_chunk.h"
#include "l25/l25_grow.h"
#include "l25/l25_shard.h"
#include "region/region_map.h"
#include "unit/check/breakers.h"

enum { MAPPING_COUNT = HAK_BIG_BUCKET_COUNT_MIN + 1 };

/* Descriptors without memory: the table looks at sizes only. */
static struct hak_mapping mappings[MAPPING_COUNT];
static struct hak_big_table table;

static struct hak_mapping *make_mapping(uint32_t i) {
    mappings[i].size_bytes = (i + 17) * HAK_GRANULE_SIZE_BYTES;
    mappings[i].alignment_bytes = HAK_SUPERSLAB_SIZE_BYTES;
    return &mappings[i];
}

static void fill_table(uint32_t count) {
    hak_big_table_init(&table);
    for (uint32_t i = 0; i < count; i++) {
        hak_big_table_insert(&table, make_mapping(i));
    }
    hak_big_table_verify(&table);
}

/* A run of four granules, and the chunk it lies in. */
static char *healthy_run(struct hak_l25_chunk **chunk_out) {
    char *run = hak_malloc(200 * HAK_KIB);
    *chunk_out = hak_region_owner(run);
    hak_heap_check();
    return run;
}

void break_L25_SHARD_COUNT(void) {
    struct hak_l25_grow grow = {.shard_count = 3};
    hak_l25_grow_double(&grow, 64);
}

void break_shards_past_all_bounds(void) {
    struct hak_l25_grow grow = {.shard_count = 2 * HAK_L25_SHARD_COUNT_MAX};
    hak_l25_grow_double(&grow, 64);
}

void break_shards_past_the_bound(void) {
    struct hak_l25_grow grow = {.shard_count = 16};
    hak_l25_grow_verify(&grow, 8, 8);
}

void break_fewer_shards(void) {
    struct hak_l25_grow grow = {.shard_count = 4};
    hak_l25_grow_verify(&grow, 8, 64);
}

void break_L25_BITMAP_UNION(void) {
    struct hak_l25_chunk *chunk;
    healthy_run(&chunk);
    chunk->bitmap |= UINT32_C(1) << 31;
    hak_heap_check();
}

void break_L25_HOME(void) {
    struct hak_l25_chunk *chunk;
    healthy_run(&chunk);
    chunk->shard = 1;
    hak_heap_check();
}

void break_L25_REGION_AGREES(void) {
    struct hak_l25_chunk *chunk;
    char *run = healthy_run(&chunk);
    hak_region_set_kind(run + 2 * HAK_GRANULE_SIZE_BYTES, 1, HAK_KIND_NONE);
    hak_heap_check();
}

/* A live run's granules look free and resident: the next run would get them. */
void break_L25_RUN_FREE(void) {
    struct hak_l25_chunk *chunk;
    healthy_run(&chunk);
    chunk->dirty |= chunk->bitmap;
    hak_malloc(200 * HAK_KIB);
}

void break_BIG_BUCKET(void) {
    fill_table(1);
    for (size_t b = 0; b < table.bucket_count; b++) {
        if (table.buckets[b] == &mappings[0]) {
            table.buckets[b] = NULL;
            table.buckets[(b + 1) % table.bucket_count] = &mappings[0];
            break;
        }
    }
    hak_big_table_verify(&table);
}

void break_BIG_SUMS(void) {
    fill_table(3);
    table.cached_bytes += HAK_OS_PAGE_SIZE_BYTES;
    hak_big_table_verify(&table);
}

void break_table_without_an_oldest(void) {
    fill_table(3);
    table.oldest = NULL;
    hak_big_table_take(&table, mappings[1].size_bytes);
}

void break_shard_with_a_run_of_nothing(void) {
    static struct hak_l25_shard shard;
    bool is_zero;
    hak_lock_init(&shard.lock, HAK_LOCK_RANK_L25_SHARD);
    hak_lock_acquire(&shard.lock);
    shard.run_count = 1;
    hak_l25_shard_take_locked(&shard, 1, 1, &is_zero);
}

/* No memory for more buckets, and nothing evicted either. */
void break_BIG_LOAD(void) {
    hak_big_cache_set_bounds(HAK_SIZE_MAX_BYTES, UINT64_MAX / 2);
    misbehaviour.memory_is_out = true;
    misbehaviour.table_never_overfull = true;
    for (uint32_t i = 0; i < MAPPING_COUNT; i++) {
        hak_big_cache_give(make_mapping(i));
    }
    misbehaviour.table_never_overfull = false;
    hak_heap_check();
}

void break_BIG_BUCKET_COUNT(void) {
    fill_table(3);
    table.bucket_count = 384;
    hak_big_table_verify(&table);
}

/* The oldest entry falls out of the order that a resize follows. */
void break_BIG_RESIZE_KEEPS(void) {
    fill_table(HAK_BIG_BUCKET_COUNT_MIN);
    table.oldest = table.oldest->newer;
    table.oldest->older = NULL;
    hak_big_table_insert(&table, make_mapping(HAK_BIG_BUCKET_COUNT_MIN));
}

void break_BIG_CUT(void) {
    fill_table(3);
    hak_big_table_cut_oldest(&table, mappings[0].size_bytes - HAK_GRANULE_SIZE_BYTES);
}

void break_BIG_BOUNDS(void) {
    hak_big_cache_give(make_mapping(0));
    hak_big_cache_set_bounds(HAK_MIB, UINT64_MAX / 2);
    hak_heap_check();
}
