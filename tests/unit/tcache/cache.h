/* SPDX-License-Identifier: MIT */
/* A TLS cache and a chain of their own, apart from any heap's, for the tests of
 * this folder; and the words they count with. */
#ifndef TESTS_TCACHE_CACHE_H
#define TESTS_TCACHE_CACHE_H

#include "superslab/chain.h"
#include "tcache/tcache.h"

/* The class of 64 bytes, which may have up to 2048 slots; and more blocks of it
 * than any cache holds. */
enum { CLASS_64 = 4, ENOUGH = 3000 };
#define KIND_64 ((enum hak_kind)(CLASS_64 + HAK_KIND_CLASS_FIRST))

struct test_cache {
    struct hak_tcache tcache;
    struct hak_chain chain;
    uint64_t now_ns; /* what the policy is told */
};

/* All classes unused; `fixed_capacity` 0 for adaptive sizing. */
void test_cache_init(struct test_cache *cache, uint32_t fixed_capacity);

/* Opens a class and has the chain offer at least `block_count` blocks of it. */
void test_cache_open(struct test_cache *cache, uint32_t class_index, uint32_t block_count);

/* Fills the class's cache to `count` blocks, without an event for the policy. */
void test_cache_fill(struct test_cache *cache, uint32_t class_index, uint32_t count);

uint32_t test_cache_count(const struct test_cache *cache, uint32_t class_index);
uint32_t test_cache_capacity(const struct test_cache *cache, uint32_t class_index);

/* Blocks of the class that the chain's slabs count as handed out. */
size_t test_cache_live_count(const struct test_cache *cache, uint32_t class_index);

/* While true, hak_meta_alloc() has no memory. */
extern bool test_meta_is_out;

/* In checked builds: every invariant of the cache and of its chain. */
void test_cache_verify(const struct test_cache *cache);

#endif
