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
    cr_assert_leq(heap->chain.dirty_granule_count, HAK_DIRTY_LIMIT_SOON);
    give_rest();
}

static void *give_most_in_a_thread(void *unused) {
    give_most();
    return unused;
}

/* Another thread frees, ours allocates once and takes no slow path afterwards. */
Test(heap_purge, a_refill_keeps_a_part_of_what_it_collects) {
    take_all();
    hak_free(hak_malloc(request_of(64))); /* the clock has been looked at */
    run_thread(give_most_in_a_thread, NULL);
    hak_heap_flush_abandoned();
    void *other = hak_malloc(request_of(2048));
    cr_assert_leq(heap->chain.dirty_granule_count, HAK_DIRTY_LIMIT_SOON);
    hak_free(other);
    give_rest();
}

static void *take_in_a_thread(void *unused) {
    take_all();
    return unused;
}

/* Who expands collects for heaps without a thread, but takes none of their granules. */
Test(heap_purge, what_is_collected_for_an_abandoned_heap_is_purged) {
    enum { FILLERS = 64 * PER_GRANULE };
    static void *fillers[FILLERS];
    void *own = hak_malloc(request_of(64)); /* this thread's own heap, so that the other stays */
    run_thread(take_in_a_thread, NULL);
    struct hak_heap *left = heap;
    cr_assert(left->is_abandoned);
    give_most();
    for (uint32_t i = 0; i < FILLERS; i++) { /* two SuperSlabs */
        fillers[i] = hak_malloc(request_of(STRIDE_BYTES));
    }
    cr_assert_leq(left->chain.dirty_granule_count, HAK_DIRTY_LIMIT_SOON);
    for (uint32_t i = 0; i < FILLERS; i++) {
        hak_free(fillers[i]);
    }
    hak_free(own);
    give_rest();
}

/* However many threads end. */
Test(heap_purge, few_abandoned_heaps_are_kept_warm) {
    enum { HEAPS = 24, WARM = 8 };
    struct hak_heap *heaps[HEAPS];
    uint32_t class_index = hak_class_of(64), warm = 0;
    for (uint32_t i = 0; i < HEAPS; i++) {
        heaps[i] = hak_heap_borrow();
        cr_assert(hak_tcache_open_owned(&heaps[i]->tcache, class_index));
        cr_assert_not_null(hak_chain_expand_owned(&heaps[i]->chain, class_index));
        cr_assert_gt(hak_tcache_refill_owned(&heaps[i]->tcache, &heaps[i]->chain, class_index, 8, 1),
                     0);
    }
    for (uint32_t i = 0; i < HEAPS; i++) {
        hak_heap_abandon(heaps[i]);
        warm += cached_count(heaps[i]) > 0;
        cr_assert_eq(cached_count(heaps[i]) > 0,
                     heaps[i]->chain.purge.dirty_limit == HAK_DIRTY_LIMIT_SOON);
    }
    cr_assert_eq(warm, WARM);
    cr_assert_eq(live_bytes_after_trim(), 0);
}
