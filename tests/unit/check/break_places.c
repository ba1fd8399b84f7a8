/* SPDX-License-Identifier: MIT */
/* Breakers of what says where each block is: breakers.h. */
#include "hakmem.h"
#include "support/threads.h"
#include "unit/check/breakers.h"

enum { KIND_OFFSET = HAK_KIND_CLASS_FIRST };

static struct hak_tcache *cache(void) {
    return &healthy_heap()->tcache;
}

static void push(void *block) {
    hak_tcache_push(cache(), class_48() + KIND_OFFSET, block);
}

static void *pop(void) {
    return hak_tcache_pop(cache(), class_48() + KIND_OFFSET);
}

/* Says that a block is free in the slab, and of a free one that it is not: no count changes. */
static void set_free(struct hak_slab *slab, uint32_t index) {
    uint32_t last = slab->word_count - 1;
    slab->local[last] &= slab->local[last] - 1; /* this one is nowhere now */
    slab->local[index / 64] |= (uint64_t)1 << (index % 64);
    slab->first_word = index / 64;
}

/* As a thread that freed it would; the slab's count of live blocks is not yet lowered. */
static void set_remote(struct hak_slab *slab, uint32_t index) {
    hak_slab_give_remote(slab, index / 64, (uint64_t)1 << (index % 64));
    hak_slab_announce_remote(slab, 1);
}

/* A block that the program has lies in a cache as well. */
void break_SLAB_PLACES_APART(void) {
    struct hak_slab *slab = healthy_slab();
    push(slab->start + (size_t)healthy_index() * slab->stride_bytes);
    hak_heap_check();
}

void break_held_and_free(void) {
    set_free(healthy_slab(), healthy_index());
    hak_heap_check();
}

void break_held_and_remote(void) {
    set_remote(healthy_slab(), healthy_index());
    hak_heap_check();
}

void break_cached_and_free(void) {
    struct hak_slab *slab = healthy_slab();
    void *block = pop();
    push(block);
    set_free(slab, hak_slab_index_of(slab, block));
    hak_heap_check();
}

void break_cached_and_remote(void) {
    struct hak_slab *slab = healthy_slab();
    void *block = pop();
    push(block);
    set_remote(slab, hak_slab_index_of(slab, block));
    hak_heap_check();
}

/* Three blocks fall out of a cache: nothing has them, and no count says so. */
void break_SLAB_PLACES_SUM(void) {
    for (int i = 0; i < 3; i++) {
        pop();
    }
    hak_heap_check();
}

void break_TC_BLOCK_START(void) {
    push((char *)pop() + 8);
    hak_heap_check();
}

/* A free block is pushed twice. */
void break_TC_CACHED_ONCE(void) {
    void *block = pop();
    push(block);
    push(block);
    hak_heap_check();
}

static void push_to_own(void *block, uint32_t index) {
    (void)index;
    hak_free(hak_malloc(SIZE_OF_CLASS_48));
    hak_tcache_push(hak_tls, class_48() + KIND_OFFSET, block);
}

/* The same block in the caches of two threads; the other one has ended. */
void break_cached_by_two_threads(void) {
    void *block = pop();
    push(block);
    test_threads_run(1, push_to_own, block);
    hak_heap_check();
}
