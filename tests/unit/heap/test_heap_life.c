/* SPDX-License-Identifier: MIT */
/* src/heap/heap_life.c: birth, abandonment, adoption; what becomes of blocks and
 * memory when threads come and go. */
#include "support/random.h"
#include "support/threads.h"
#include "unit/heap/heaps.h"

/* --- Birth --------------------------------------------------------------- */

Test(heap_life, first_allocation_makes_a_heap_and_the_next_uses_it) {
    cr_assert_eq(hak_heap_count(), 0);
    cr_assert_eq(hak_tls, &hak_tcache_none);
    void *block = hak_malloc(10);
    struct hak_heap *heap = hak_heap_current();
    cr_assert_eq(hak_heap_count(), 1);
    cr_assert_eq(hak_tls, &heap->tcache);
    cr_assert_eq(hak_heap_first(), heap);
    cr_assert_not(heap->is_abandoned);
    hak_free(block);
    hak_free(hak_malloc(20000));
    cr_assert_eq(hak_heap_count(), 1);
    cr_assert_eq(hak_heap_current(), heap);
    hak_heap_check();
}

enum { THREADS = 8 };
static pthread_barrier_t all_have_one;
static struct hak_heap *heaps[THREADS];

static void get_a_heap(void *unused, uint32_t index) {
    void *block = hak_malloc(100);
    (void)unused;
    heaps[index] = hak_heap_current();
    pthread_barrier_wait(&all_have_one);
    cr_assert_not(heaps[index]->is_abandoned);
    hak_free(block);
}

static void run_at_once(void) {
    pthread_barrier_init(&all_have_one, NULL, THREADS);
    test_threads_run(THREADS, get_a_heap, NULL);
}

/* The list of all heaps holds each once, with ids in the order of birth. */
static void expect_whole_list(uint32_t count) {
    uint32_t seen = 0;
    for (struct hak_heap *heap = hak_heap_first(); heap != NULL; heap = heap->all_next) {
        seen++;
        cr_assert_eq(heap->id, count - seen);
    }
    cr_assert_eq(seen, count);
    cr_assert_eq(hak_heap_count(), count);
}

Test(heap_life, threads_at_once_have_heaps_of_their_own) {
    run_at_once();
    for (int i = 0; i < THREADS; i++) {
        for (int k = 0; k < i; k++) {
            cr_assert_neq(heaps[i], heaps[k]);
        }
    }
    expect_whole_list(THREADS);
}

/* --- Exit and adoption --------------------------------------------------- */

Test(heap_life, threads_that_end_abandon_their_heaps_with_a_first_refill) {
    run_at_once();
    cr_assert_eq(hak_heap_abandoned_count(), THREADS);
    for (int i = 0; i < THREADS; i++) {
        cr_assert(heaps[i]->is_abandoned);
        cr_assert_eq(cached_count(heaps[i]), 8);
    }
    hak_heap_check();
    cr_assert_eq(live_bytes_after_trim(), 0, "a trim gives the caches of abandoned heaps back");
}

static void *note_refills(void *count_out) {
    hak_free(hak_malloc(request_of(64)));
    *(uint64_t *)count_out = stats_now().refill_count;
    return NULL;
}

Test(heap_life, the_next_thread_needs_no_refill) {
    uint64_t first = 0, second = 0;
    run_thread(note_refills, &first);
    run_thread(note_refills, &second);
    cr_assert_eq(hak_heap_count(), 1);
    cr_assert_gt(first, 0);
    cr_assert_eq(second, first);
}

/* What lies in its caches would keep SuperSlabs from the pool. */
Test(heap_life, a_large_heap_is_abandoned_with_empty_caches) {
    struct hak_heap *heap = hak_heap_borrow();
    hak_lock_acquire(&heap->lock);
    hak_tcache_open_owned(&heap->tcache, 4);
    hak_chain_expand_owned(&heap->chain, 4);
    cr_assert_gt(hak_tcache_refill_owned(&heap->tcache, &heap->chain, 4, 8, 1), 0);
    hak_chain_expand_owned(&heap->chain, 5);
    hak_lock_release(&heap->lock);
    hak_heap_abandon(heap);
    cr_assert_eq(cached_count(heap), 0);
    cr_assert_eq(stats_now().live_bytes, 0);
    hak_heap_check();
}

Test(heap_life, next_threads_adopt_them_all) {
    run_at_once();
    run_at_once();
    expect_whole_list(THREADS);
    cr_assert_eq(hak_heap_abandoned_count(), THREADS);
    hak_heap_check();
}

static void *note_heap(void *heap_out) {
    hak_free(hak_malloc(100));
    *(struct hak_heap **)heap_out = hak_heap_current();
    return NULL;
}

Test(heap_life, heap_abandoned_last_is_adopted_first) {
    struct hak_heap *adopted = NULL;
    run_at_once();
    struct hak_heap *newest = NULL;
    for (int i = 0; i < THREADS; i++) {
        newest = heaps[i]->abandoned_prev == NULL ? heaps[i] : newest;
    }
    run_thread(note_heap, &adopted);
    cr_assert_eq(adopted, newest);
}

static void *grow_a_class(void *unused) {
    static void *blocks[20000];
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 20000; i++) {
            blocks[i] = hak_malloc(request_of(64));
        }
        for (int i = 0; i < 20000; i++) {
            hak_free(blocks[i]);
        }
    }
    return unused;
}

static void *note_capacity(void *capacity_out) {
    hak_free(hak_malloc(request_of(64)));
    *(uint32_t *)capacity_out = hak_tcache_capacity(hak_tls, 4);
    return NULL;
}

/* What the last thread's caches had learned is there for the next. */
Test(heap_life, adopted_heap_is_warm) {
    uint32_t capacity = 0;
    run_thread(grow_a_class, NULL);
    run_thread(note_capacity, &capacity);
    cr_assert_eq(hak_heap_count(), 1);
    cr_assert_eq(capacity, 2048);
}

Test(heap_life, borrowed_heap_comes_back) {
    struct hak_heap *heap = hak_heap_borrow();
    cr_assert_not(heap->is_abandoned);
    cr_assert_eq(hak_heap_abandoned_count(), 0);
    hak_heap_abandon(heap);
    cr_assert(heap->is_abandoned);
    cr_assert_eq(hak_heap_borrow(), heap);
    hak_heap_abandon(heap);
    hak_heap_check();
}

/* --- Conservation -------------------------------------------------------- */

enum { BLOCKS = 3000 };
static void *kept[BLOCKS];

static size_t size_of_block(int i) {
    return request_of(16) + (size_t)(i * 37 % 2000);
}

/* Every third block is freed here, the others are left behind. */
static void *allocate_and_leave(void *unused) {
    for (int i = 0; i < BLOCKS; i++) {
        kept[i] = hak_malloc(size_of_block(i));
        memset(kept[i], i & 0xFF, size_of_block(i));
    }
    for (int i = 0; i < BLOCKS; i += 3) {
        hak_free(kept[i]);
        kept[i] = NULL;
    }
    return unused;
}

static size_t strides_of_kept(void) {
    size_t bytes = 0;
    for (int i = 0; i < BLOCKS; i++) {
        bytes += kept[i] != NULL ? hak_heap_block_size(kept[i], "test") : 0;
    }
    return bytes;
}

static void *free_kept(void *unused) {
    for (int i = 0; i < BLOCKS; i++) {
        for (size_t b = 0; kept[i] != NULL && b < size_of_block(i); b++) {
            cr_assert_eq(((unsigned char *)kept[i])[b], i & 0xFF);
        }
        hak_free(kept[i]);
        kept[i] = NULL;
    }
    return unused;
}

Test(conservation, over_the_exit_of_the_thread_that_allocated) {
    run_thread(allocate_and_leave, NULL);
    cr_assert_eq(stats_now().live_bytes, strides_of_kept());
    free_kept(NULL);
    cr_assert_eq(live_bytes_after_trim(), 0);
}

/* The heap is adopted by the thread that frees: its own blocks again. */
Test(conservation, over_adoption) {
    run_thread(allocate_and_leave, NULL);
    run_thread(free_kept, NULL);
    cr_assert_eq(hak_heap_count(), 1);
    cr_assert_eq(stats_now().live_bytes, 0);
    cr_assert_eq(stats_now().remote_free_count, 0);
    hak_heap_check();
}

/* The owner lives and refills while another thread frees its blocks. */
Test(conservation, over_remote_frees_to_a_living_heap) {
    for (int round = 0; round < 5; round++) {
        allocate_and_leave(NULL);
        run_thread(free_kept, NULL);
    }
    cr_assert_eq(live_bytes_after_trim(), 0);
    cr_assert_gt(stats_now().remote_free_count, 0);
}

static void allocate_and_free_mixed(void *unused, uint32_t index) {
    struct test_random random;
    void *blocks[200] = {NULL};
    (void)unused;
    test_random_init(&random, index + 1);
    for (int i = 0; i < 5000; i++) {
        uint32_t at = test_random_below(&random, 200);
        hak_free(blocks[at]);
        blocks[at] = hak_malloc(test_random_below(&random, 3000));
    }
    for (int i = 0; i < 200; i++) {
        hak_free(blocks[i]);
    }
}

Test(conservation, over_four_threads_refills_and_flushes) {
    for (int round = 0; round < 5; round++) {
        test_threads_run(4, allocate_and_free_mixed, NULL);
        hak_heap_check();
        cr_assert_eq(live_bytes_after_trim(), 0);
    }
}

/* --- Memory -------------------------------------------------------------- */

enum { MANY = 100000 }; /* blocks of 64 bytes: 6.4 MB, four SuperSlabs */
static void *many[MANY];

static void *allocate_many(void *unused) {
    for (int i = 0; i < MANY; i++) {
        many[i] = hak_malloc(request_of(64));
    }
    return unused;
}

static void free_many(void) {
    for (int i = 0; i < MANY; i++) {
        hak_free(many[i]);
    }
}

/* What was freed into a heap without a thread is collected by those that need
 * memory, before they ask the OS for more. */
Test(memory, freed_into_an_abandoned_heap_serves_others) {
    hak_free(hak_malloc(request_of(64))); /* this thread's own heap, so that it stays */
    run_thread(allocate_many, NULL);
    uint32_t before = stats_now().superslab_count;
    cr_assert_geq(before, 4);
    for (int round = 0; round < 5; round++) {
        free_many();
        allocate_many(NULL);
        struct hak_stats stats = stats_now();
        cr_assert_leq(stats.superslab_count + stats.superslab_pool_count, before + 2,
                      "round %d: %u SuperSlabs and %u in the pool", round, stats.superslab_count,
                      stats.superslab_pool_count);
    }
    free_many();
    cr_assert_eq(live_bytes_after_trim(), 0);
}

Test(memory, freed_into_an_abandoned_heap_goes_back_with_a_trim) {
    hak_free(hak_malloc(request_of(64)));
    run_thread(allocate_many, NULL);
    free_many();
    cr_assert_eq(live_bytes_after_trim(), 0);
    struct hak_stats stats = stats_now();
    cr_assert_leq(stats.superslab_count + stats.superslab_pool_count, 1);
}

static void *hold_some_and_leave_some(void *seed) {
    struct test_random random;
    test_random_init(&random, (uint64_t)(uintptr_t)seed);
    for (int i = 0; i < BLOCKS; i++) {
        void *block = hak_malloc(test_random_below(&random, 1000));
        if (i % 7 == 0) {
            hak_free(kept[i]); /* a block of a thread before */
            kept[i] = block;
        } else {
            hak_free(block);
        }
    }
    return NULL;
}

/* Threads that come one after the other, and leave a few blocks to each other:
 * neither heaps nor memory grow. */
Test(memory, does_not_grow_over_thread_churn) {
    enum { WARM_UP = 50, CHURN = 400 };
    for (uintptr_t i = 1; i <= WARM_UP; i++) {
        run_thread(hold_some_and_leave_some, (void *)i);
    }
    struct hak_stats before = stats_now();
    for (uintptr_t i = 1; i <= CHURN; i++) {
        run_thread(hold_some_and_leave_some, (void *)(WARM_UP + i));
    }
    struct hak_stats after = stats_now();
    cr_assert_eq(after.heap_count, before.heap_count, "%u heaps, not %u", after.heap_count,
                 before.heap_count);
    cr_assert_leq(after.mapped_bytes, before.mapped_bytes + 2 * HAK_SUPERSLAB_SIZE_BYTES,
                  "%zu bytes, not %zu", (size_t)after.mapped_bytes, (size_t)before.mapped_bytes);
    hak_heap_check();
}

/* Threads in fours, whose blocks the next four free. */
static void *handed_over[4][BLOCKS];

static void free_and_hand_over(void *round, uint32_t index) {
    uint32_t other = (index + 1 + (uint32_t)(uintptr_t)round) % 4;
    for (int i = 0; i < BLOCKS; i++) {
        hak_free(__atomic_exchange_n(&handed_over[other][i], NULL, __ATOMIC_ACQ_REL));
        void *fresh = hak_malloc(size_of_block(i));
        hak_free(__atomic_exchange_n(&handed_over[index][i], fresh, __ATOMIC_ACQ_REL));
    }
}

/* At most 15 MB are live at once; what the pool and four heaps hold beside it is
 * bounded, and comes back whole. */
Test(memory, does_not_grow_over_churn_of_four_threads_at_once) {
    for (uintptr_t round = 0; round < 100; round++) {
        test_threads_run(4, free_and_hand_over, (void *)round);
        struct hak_stats stats = stats_now();
        cr_assert_leq(stats.heap_count, 4);
        cr_assert_leq(stats.mapped_bytes, 64 * HAK_MIB, "%zu bytes in round %zu",
                      (size_t)stats.mapped_bytes, (size_t)round);
    }
    for (int i = 0; i < 4 * BLOCKS; i++) {
        hak_free(handed_over[i / BLOCKS][i % BLOCKS]);
    }
    cr_assert_eq(live_bytes_after_trim(), 0);
    struct hak_stats stats = stats_now();
    cr_assert_leq(stats.superslab_count + stats.superslab_pool_count, 1);
}
