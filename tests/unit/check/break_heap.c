/* SPDX-License-Identifier: MIT */
/* Breakers of heaps and of the program's blocks: breakers.h. Also the healthy
 * state that every breaker starts from. */
#include <unistd.h>

#include "base/size_class.h"
#include "check/guard.h"
#include "hakmem.h"
#include "region/region_map.h"
#include "support/threads.h"
#include "unit/check/breakers.h"

static void *live_block; /* of class 48 */

uint32_t class_48(void) {
    return hak_class_of(SIZE_OF_CLASS_48 + HAK_GUARD_SIZE_BYTES);
}

struct hak_heap *healthy_heap(void) {
    if (live_block == NULL) {
        live_block = hak_malloc(SIZE_OF_CLASS_48);
        hak_malloc(SIZE_OF_CLASS_1024);
        hak_heap_check();
    }
    return hak_heap_current();
}

struct hak_superslab *healthy_superslab(void) {
    healthy_heap();
    return hak_region_owner(live_block);
}

struct hak_slab *healthy_slab(void) {
    return hak_superslab_slab_of(healthy_superslab(), live_block);
}

uint32_t healthy_index(void) {
    struct hak_slab *slab = healthy_slab();
    return hak_slab_index_of(slab, live_block);
}

struct hak_tcache_class *healthy_cache(void) {
    return &healthy_heap()->tcache.classes[class_48()];
}

void break_HEAP_ONE_OWNER(void) {
    healthy_heap()->is_abandoned = true;
    hak_heap_check();
}

void break_heap_of_nobody(void) {
    healthy_heap()->user = 0;
    hak_heap_check();
}

static void be_the_main_threads(void *unused, uint32_t index) {
    (void)unused;
    (void)index;
    hak_free(hak_malloc(1));
    hak_heap_current()->user = (uint64_t)getpid() << 32 | (uint32_t)getpid();
    hak_heap_check();
}

void break_heap_of_another_thread(void) {
    test_threads_run(1, be_the_main_threads, NULL);
}

/* A heap that a thread has is offered to the next one. */
void break_heap_adopted_twice(void) {
    struct hak_heap *heap = hak_heap_borrow();
    hak_heap_abandon(heap);
    heap->user = 1; /* somebody's */
    hak_heap_borrow();
}

void break_heap_linked_twice(void) {
    struct hak_heap *heap = hak_heap_borrow();
    hak_heap_abandon(heap);
    heap->abandoned_next = heap;
    hak_heap_check();
}

void break_heap_unlinked_unmarked(void) {
    struct hak_heap *heap = hak_heap_borrow();
    hak_heap_abandon(heap);
    heap->is_abandoned = false;
    hak_heap_borrow();
}

void break_PENDING_OWNER(void) {
    static struct hak_chain other;
    hak_chain_init(&other);
    hak_chain_push_pending(&other, healthy_slab());
    hak_chain_collect_owned(&other);
}

/* On the stack without anything to collect. */
void break_PENDING_COUNTED(void) {
    struct hak_chain *chain = &healthy_heap()->chain;
    hak_chain_push_pending(chain, healthy_slab());
    hak_chain_collect_owned(chain);
}

static void free_block(void *block, uint32_t index) {
    (void)index;
    hak_free(block);
}

/* A block of the healthy slab comes back from another thread. */
static void free_remotely(void) {
    struct hak_slab *slab = healthy_slab();
    test_threads_run(1, free_block, slab->start + (size_t)healthy_index() * slab->stride_bytes);
    hak_heap_flush_abandoned(); /* out of the other thread's cache */
}

void break_PENDING_ONCE(void) {
    free_remotely();
    hak_chain_push_pending(&healthy_heap()->chain, healthy_slab());
    hak_heap_check();
}

void break_pending_slab_not_pushed(void) {
    free_remotely();
    hak_store_relaxed(&healthy_heap()->chain.pending, (struct hak_slab *)NULL);
    hak_heap_check();
}

void break_pending_slab_of_another_chain(void) {
    static struct hak_chain other;
    free_remotely();
    hak_chain_init(&other);
    healthy_slab()->chain = &other;
    hak_heap_check();
}

void break_GUARD_LIVE(void) {
    void *block = hak_malloc(100);
    hak_free(block);
    hak_free(block);
}

/* A live block is in a cache as well: the next malloc hands it out again. */
void break_GUARD_NOT_LIVE(void) {
    struct hak_heap *heap = healthy_heap();
    hak_tcache_push(&heap->tcache, class_48() + HAK_KIND_CLASS_FIRST, live_block);
    hak_malloc(SIZE_OF_CLASS_48);
}

void break_GUARD_CANARY(void) {
    volatile char *block = hak_malloc(100);
    block[100] = 1;
    hak_free((void *)(size_t)block);
}

void break_GUARD_FILL(void) {
    volatile char *block = hak_malloc(100);
    hak_free((void *)(size_t)block);
    block[50] = 1;
    hak_malloc(100);
}

void break_GUARD_SIZE(void) {
    hak_free_sized(hak_malloc(100), 101);
}
