/* SPDX-License-Identifier: MIT */
/* See cache.h. */
#include "unit/tcache/cache.h"

#include <criterion/criterion.h>

#include "base/check.h"
#include "base/config.h"

void test_cache_init(struct test_cache *cache, uint32_t fixed_capacity) {
    hak_config.adaptive_sizing = fixed_capacity == 0;
    hak_config.fixed_capacity = fixed_capacity;
    hak_config.adaptive_log = false;
    hak_tcache_init(&cache->tcache);
    hak_chain_init(&cache->chain);
    cache->now_ns = 1000;
}

bool test_meta_is_out;

void *__real_hak_meta_alloc(size_t size_bytes);
void *__wrap_hak_meta_alloc(size_t size_bytes);
void *__wrap_hak_meta_alloc(size_t size_bytes) {
    return test_meta_is_out ? NULL : __real_hak_meta_alloc(size_bytes);
}

static uint32_t offered_count(const struct test_cache *cache, uint32_t class_index) {
    uint32_t count = 0;
    for (const struct hak_slab *s = cache->chain.listed[class_index]; s != NULL; s = s->next) {
        count += s->block_count - s->live_count;
    }
    return count;
}

void test_cache_open(struct test_cache *cache, uint32_t class_index, uint32_t block_count) {
    cr_assert(hak_tcache_open_owned(&cache->tcache, class_index));
    while (offered_count(cache, class_index) < block_count) {
        cr_assert_not_null(hak_chain_expand_owned(&cache->chain, class_index));
    }
}

void test_cache_fill(struct test_cache *cache, uint32_t class_index, uint32_t count) {
    uint32_t kind = class_index + HAK_KIND_CLASS_FIRST;
    while (test_cache_count(cache, class_index) < count) {
        void *block;
        cr_assert_eq(hak_chain_take_owned(&cache->chain, class_index, &block, 1), 1);
        cr_assert(hak_tcache_push(&cache->tcache, kind, block));
    }
}

uint32_t test_cache_count(const struct test_cache *cache, uint32_t class_index) {
    return hak_tcache_count(&cache->tcache, class_index);
}

uint32_t test_cache_capacity(const struct test_cache *cache, uint32_t class_index) {
    return hak_tcache_capacity(&cache->tcache, class_index);
}

size_t test_cache_live_count(const struct test_cache *cache, uint32_t class_index) {
    size_t count = 0;
    for (const struct hak_superslab *s = cache->chain.first; s != NULL; s = s->next) {
        for (uint32_t g = 0; g < HAK_GRANULES_PER_SUPERSLAB; g++) {
            const struct hak_slab *slab = &s->slabs[g];
            count += slab->kind == class_index + HAK_KIND_CLASS_FIRST ? slab->live_count : 0;
        }
    }
    return count;
}

void test_cache_verify(const struct test_cache *cache) {
    if (HAK_CHECK_LEVEL >= 1) {
        hak_tcache_verify(&cache->tcache);
        hak_chain_verify_quiescent(&cache->chain);
    }
}
