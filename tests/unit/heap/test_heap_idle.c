/* SPDX-License-Identifier: MIT */
/* Memory that nobody uses any more does not stay with caches at rest, nor with
 * heaps without a thread; and a request that cannot be met costs nothing. */
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/os_thread.h"
#include "support/random.h"
#include "unit/heap/heaps.h"

enum { BLOCK_COUNT = 8000, RESTING_BYTES = 1024, WANTED_BYTES = 2048 };

static void *blocks[BLOCK_COUNT];
static uint64_t clock_ahead_ns;

uint64_t __real_hak_os_clock_coarse_ns(void);
uint64_t __wrap_hak_os_clock_coarse_ns(void);
uint64_t __wrap_hak_os_clock_coarse_ns(void) {
    return __real_hak_os_clock_coarse_ns() + clock_ahead_ns;
}

static void take(uint32_t count, size_t stride_bytes) {
    for (uint32_t i = 0; i < count; i++) {
        blocks[i] = hak_malloc(request_of(stride_bytes));
        cr_assert_not_null(blocks[i]);
    }
}

static void give_in_random_order(uint32_t count) {
    struct test_random random;
    test_random_init(&random, 1);
    for (uint32_t left = count; left > 0; left--) {
        uint32_t chosen = test_random_below(&random, left);
        hak_free(blocks[chosen]);
        blocks[chosen] = blocks[left - 1];
    }
}

/* The blocks that stay in the cache lie in as many slabs, all of them empty
 * otherwise: what another class wants must fit into these. */
Test(idle, caches_at_rest_give_way_before_the_heap_expands) {
    take(BLOCK_COUNT, RESTING_BYTES);
    uint32_t superslabs = stats_now().superslab_count;
    give_in_random_order(BLOCK_COUNT);
    cr_assert_gt(cached_count(hak_heap_current()), 30);
    take(BLOCK_COUNT * 9 / 10 * RESTING_BYTES / WANTED_BYTES, WANTED_BYTES);
    cr_expect_leq(stats_now().superslab_count, superslabs);
    give_in_random_order(BLOCK_COUNT * 9 / 10 * RESTING_BYTES / WANTED_BYTES);
    cr_assert_eq(live_bytes_after_trim(), 0);
}

/* ... and after a while without that need. */
Test(idle, caches_at_rest_are_emptied_after_a_second) {
    struct hak_heap *heap = hak_heap_current();
    take(BLOCK_COUNT, RESTING_BYTES);
    give_in_random_order(BLOCK_COUNT);
    uint32_t class_index = hak_class_of(RESTING_BYTES);
    cr_assert_gt(hak_tcache_count(&heap->tcache, class_index), 30);
    for (int second = 0; second < 3; second++) {
        clock_ahead_ns += 1100000000;
        take(1000, 64); /* other work, with its refills */
        give_in_random_order(1000);
    }
    cr_expect_eq(hak_tcache_count(&heap->tcache, class_index), 0);
    cr_assert_eq(live_bytes_after_trim(), 0);
}

/* --- Heaps without a thread ---------------------------------------------- */

static void *take_and_end(void *unused) {
    take(BLOCK_COUNT, RESTING_BYTES);
    return unused;
}

/* Ends after the thread that it starts: a heap that is adopted is this thread's. */
static void *have_taken_and_end(void *unused) {
    hak_free(hak_malloc(10));
    run_thread(take_and_end, NULL);
    return unused;
}

static void *only_free(void *unused) {
    for (uint32_t i = 0; i < BLOCK_COUNT; i++) {
        hak_free(blocks[i]);
        clock_ahead_ns += 1000000; /* a millisecond each */
    }
    return unused;
}

/* A thread that only frees ticks the clock as well as one that allocates: the
 * SuperSlabs of the heap that was left go to the pool. */
Test(idle, a_heap_without_a_thread_is_emptied_by_the_clock) {
    run_thread(have_taken_and_end, NULL);
    uint32_t full = stats_now().superslab_count;
    cr_assert_geq(full, 3);
    run_thread(only_free, NULL);
    cr_expect_leq(stats_now().superslab_count, 1, "%u of %u SuperSlabs are left",
                  stats_now().superslab_count, full);
    cr_assert_eq(live_bytes_after_trim(), 0);
}

static void *use_a_little(void *heap_out) {
    hak_free(hak_malloc(request_of(64)));
    *(struct hak_heap **)heap_out = hak_heap_current();
    return NULL;
}

/* ... and what its caches were left with goes the same way, when nobody adopts it. */
Test(idle, the_caches_of_a_heap_without_a_thread_are_emptied_by_the_clock) {
    struct hak_heap *heap = NULL;
    take(1, RESTING_BYTES); /* a heap of this thread's, which keeps it from adopting */
    run_thread(use_a_little, &heap);
    cr_assert_gt(cached_count(heap), 0);
    clock_ahead_ns += 3 * HAK_PURGE_DELAY_NS;
    take(1000, 64);
    cr_assert_eq(cached_count(heap), 0);
    give_in_random_order(1000);
}

/* A fork's child has the caches of all threads, full: the clock empties some at each visit,
 * because threads that start wait for it. */
enum { THREAD_COUNT = 40, EMPTIED_AT_ONCE = 16 }; /* each with a SuperSlab, which counts, too */

static pthread_barrier_t start_barrier, end_barrier;

static void *cache_a_block_and_wait(void *unused) {
    hak_free(hak_malloc(10));
    pthread_barrier_wait(&start_barrier);
    pthread_barrier_wait(&end_barrier);
    return unused;
}

static uint32_t heaps_with_full_caches(void) {
    uint32_t count = 0;
    for (struct hak_heap *heap = hak_heap_first(); heap != NULL; heap = heap->all_next) {
        count += heap != hak_heap_current() && cached_count(heap) > 0;
    }
    return count;
}

/* The child's exit status: 0, or the number of the visit that did something else. */
static int visit_thrice(void) {
    const uint32_t left[] = {THREAD_COUNT - EMPTIED_AT_ONCE, THREAD_COUNT - 2 * EMPTIED_AT_ONCE, 0};
    if (heaps_with_full_caches() != THREAD_COUNT) {
        return 100;
    }
    for (int visit = 0; visit < 3; visit++) {
        clock_ahead_ns += 3 * HAK_PURGE_DELAY_NS;
        hak_heap_tick_idle(hak_os_clock_coarse_ns());
        if (heaps_with_full_caches() != left[visit]) {
            return visit + 1;
        }
    }
    return 0;
}

Test(idle, the_clock_empties_some_caches_of_many_at_each_visit) {
    pthread_t threads[THREAD_COUNT];
    int status = -1;
    hak_free(hak_malloc(10)); /* a heap of this thread's */
    pthread_barrier_init(&start_barrier, NULL, THREAD_COUNT + 1);
    pthread_barrier_init(&end_barrier, NULL, THREAD_COUNT + 1);
    for (int i = 0; i < THREAD_COUNT; i++) {
        cr_assert_eq(pthread_create(&threads[i], NULL, cache_a_block_and_wait, NULL), 0);
    }
    pthread_barrier_wait(&start_barrier);
    pid_t child = fork();
    if (child == 0) {
        _exit(visit_thrice());
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child's status is %#x",
              (unsigned)status);
    pthread_barrier_wait(&end_barrier);
    for (int i = 0; i < THREAD_COUNT; i++) {
        pthread_join(threads[i], NULL);
    }
}

/* --- Heaps of threads that sleep ----------------------------------------- */

static pthread_barrier_t barrier;

static void *take_and_sleep(void *unused) {
    take(BLOCK_COUNT, RESTING_BYTES);
    pthread_barrier_wait(&barrier); /* taken */
    pthread_barrier_wait(&barrier); /* looked at */
    return unused;
}

/* What others free of a thread that takes no slow path itself comes back all the
 * same, but for what its own caches hold. */
Test(idle, the_heap_of_a_sleeping_thread_is_emptied_by_the_clock) {
    pthread_t thread;
    pthread_barrier_init(&barrier, NULL, 2);
    cr_assert_eq(pthread_create(&thread, NULL, take_and_sleep, NULL), 0);
    pthread_barrier_wait(&barrier);
    uint32_t full = stats_now().superslab_count;
    cr_assert_geq(full, 3);
    only_free(NULL);
    cr_expect_leq(stats_now().superslab_count, 2, "%u of %u SuperSlabs are left",
                  stats_now().superslab_count, full);
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    cr_assert_eq(live_bytes_after_trim(), 0);
}

/* --- Requests that cannot be met ----------------------------------------- */

Test(idle, a_request_beyond_all_memory_does_not_empty_the_caches) {
    take(100, 64);
    give_in_random_order(100);
    uint32_t cached = cached_count(hak_heap_current());
    cr_assert_gt(cached, 0);
    errno = 0;
    cr_assert_null(hak_malloc((size_t)1 << 50));
    cr_assert_eq(errno, ENOMEM);
    cr_assert_eq(cached_count(hak_heap_current()), cached);
}
