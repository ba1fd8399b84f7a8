/* SPDX-License-Identifier: MIT */
/*
 * Blocks that carry a tag: the first word is written when the block is
 * allocated and verified before it is freed, so a malloc that hands out one
 * block twice or writes into live blocks fails the run instead of winning it.
 * Blocks are at least 8 bytes.
 */
#ifndef BENCH_HARNESS_BLOCK_H
#define BENCH_HARNESS_BLOCK_H

#include "harness/bench.h"

#include <stdlib.h>

#define BENCH_OS_PAGE_BYTES 4096u

/* Keeps the compiler from removing an allocation whose block is hardly used. */
static inline void bench_escape(void *block) {
    __asm__ volatile("" : : "r"(block) : "memory");
}

static inline uint64_t bench_tag(const void *block, size_t size_bytes) {
    return ((uint64_t)(uintptr_t)block ^ (uint64_t)size_bytes << 48) * 0x9E3779B97F4A7C15u;
}

_Noreturn void bench_fail_null(const char *function, size_t size_bytes);
_Noreturn void bench_fail_tag(const void *block, size_t size_bytes, uint64_t found);

static inline void bench_block_mark(void *block, size_t size_bytes) {
    *(uint64_t *)block = bench_tag(block, size_bytes);
    bench_escape(block);
}

static inline void bench_block_verify(const void *block, size_t size_bytes) {
    uint64_t found = *(const uint64_t *)block;
    if (__builtin_expect(found != bench_tag(block, size_bytes), 0))
        bench_fail_tag(block, size_bytes, found);
}

static inline void *bench_block_create(size_t size_bytes) {
    void *block = malloc(size_bytes);
    if (__builtin_expect(block == NULL, 0))
        bench_fail_null("malloc", size_bytes);
    bench_block_mark(block, size_bytes);
    return block;
}

static inline void bench_block_release(void *block, size_t size_bytes) {
    bench_block_verify(block, size_bytes);
    /* Whoever was handed the same block finds its tag gone. */
    *(uint64_t *)block = 0;
    bench_escape(block);
    free(block);
}

/* Writes one word of every OS page, as a program that fills its buffer does. */
static inline void bench_block_touch_pages(void *block, size_t size_bytes) {
    char *bytes = block;
    for (size_t at = BENCH_OS_PAGE_BYTES; at + sizeof(uint64_t) <= size_bytes;
         at += BENCH_OS_PAGE_BYTES)
        *(uint64_t *)(void *)(bytes + at) = at;
    bench_escape(block);
}

/* A block and its size, for tables of blocks of varied sizes. */
struct bench_slot {
    void *block;
    size_t size_bytes;
};

static inline void bench_slot_fill(struct bench_slot *slot, size_t size_bytes) {
    slot->size_bytes = size_bytes;
    slot->block = bench_block_create(size_bytes);
}

static inline void bench_slot_empty(struct bench_slot *slot) {
    if (slot->block == NULL)
        return;
    bench_block_release(slot->block, slot->size_bytes);
    slot->block = NULL;
}

#endif
