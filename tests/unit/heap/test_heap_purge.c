/* SPDX-License-Identifier: MIT */
/* How much free memory a heap keeps, while its thread frees and once it has ended. */
#include "unit/heap/heaps.h"

/* Every 32nd granule keeps its block, so that no SuperSlab becomes empty. */
enum { STRIDE_BYTES = 8192, PER_GRANULE = 8, BLOCK_COUNT = 800 * PER_GRANULE };

static void *blocks[BLOCK_COUNT];
static struct hak_heap *heap;
static uint32_t most_dirty;

static bool stays(uint32_t i) {
    return i / PER_GRANULE % 32 == 0;
}

static void take_all(void) {
    for (uint32_t i = 0; i < BLOCK_COUNT; i++) {
        blocks[i] = hak_malloc(request_of(STRIDE_BYTES));
        cr_assert_not_null(blocks[i]);
    }
    heap = hak_heap_current();
}

static void give_most(void) {
    for (uint32_t i = 0; i < BLOCK_COUNT; i++) {
        if (!stays(i)) {
            hak_free(blocks[i]);
            uint32_t dirty = heap->chain.dirty_granule_count;
            most_dirty = dirty > most_dirty ? dirty : most_dirty;
        }
    }
}

static void give_rest(void) {
    for (uint32_t i = 0; i < BLOCK_COUNT; i++) {
        if (stays(i)) {
            hak_free(blocks[i]);
        }
    }
    cr_assert_eq(live_bytes_after_trim(), 0);
}

Test(heap_purge, a_thread_that_frees_returns_memory_meanwhile) {
    take_all();
    give_most();
    cr_assert_gt(most_dirty, HAK_DIRTY_LIMIT_MIN / 2, "nothing was kept: the test frees too little");
    cr_assert_leq(most_dirty, HAK_DIRTY_LIMIT_MIN);
    give_rest();
}

static void *take_and_wait(void *barrier) {
    take_all();
    pthread_barrier_wait(barrier); /* taken */
    pthread_barrier_wait(barrier); /* freed by another thread */
    return NULL;
}

/* The thread frees nothing itself: its exit collects what another freed. */
Test(heap_purge, a_heap_whose_thread_ended_keeps_more_for_the_next_but_not_all) {
    pthread_barrier_t barrier;
    pthread_t thread;
    pthread_barrier_init(&barrier, NULL, 2);
    cr_assert_eq(pthread_create(&thread, NULL, take_and_wait, &barrier), 0);
    pthread_barrier_wait(&barrier);
    give_most();
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    cr_assert_gt(heap->chain.dirty_granule_count, HAK_DIRTY_LIMIT_MIN);
    cr_assert_leq(heap->chain.dirty_granule_count, HAK_DIRTY_LIMIT_EXIT);
    give_rest();
}
