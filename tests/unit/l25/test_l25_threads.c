/* SPDX-License-Identifier: MIT */
/* The pool under real contention: shards grow, runs go home, none is lost. */
#include "l25/l25.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/bitmap.h"
#include "base/check.h"
#include "base/constants.h"
#include "os/os_thread.h"
#include "region/region_map.h"
#include "support/expect.h"
#include "support/os_fault.h"
#include "support/random.h"
#include "support/threads.h"

enum { THREADS = 4, BOXES = 64 };

static _Atomic(void *) boxes[BOXES];
static _Atomic uint32_t wrong;
static uint32_t rounds;

static void start(void) {
    cr_assert(hak_region_init(true));
    hak_l25_init();
}

static uint32_t shard_count(void) {
    struct hak_l25_counts counts;
    hak_l25_count(&counts);
    return counts.shard_count;
}

/* Runs wander through boxes, so most are freed by another thread, at another
 * number of shards than they came from. Each holds its own address. */
static void alloc_and_pass_on(void *unused, uint32_t index) {
    struct test_random random;
    (void)unused;
    test_random_init(&random, index + 100);
    for (uint32_t i = 0; i < rounds; i++) {
        bool is_zero;
        size_t size = 1 + test_random_below(&random, (uint32_t)HAK_RUN_SIZE_MAX_BYTES);
        void **run = hak_l25_alloc(size < 64 ? 64 : size, 8, index, &is_zero);
        if (run == NULL) {
            wrong++;
            continue;
        }
        run[0] = run;
        run[1] = (void *)(uintptr_t)index;
        void **other = atomic_exchange(&boxes[test_random_below(&random, BOXES)], run);
        if (other != NULL) {
            wrong += other[0] != other;
            other[0] = NULL;
            hak_l25_free(other);
        }
    }
}

static void drain(void) {
    for (uint32_t b = 0; b < BOXES; b++) {
        void **run = atomic_exchange(&boxes[b], NULL);
        if (run != NULL) {
            wrong += run[0] != run;
            hak_l25_free(run);
        }
    }
}

/* Left to the scheduler, threads may take a long time to meet on a lock. Here
 * thread 0 holds every lock while the others come, so that they do. */
static pthread_barrier_t meeting;
static _Atomic bool has_grown;
static _Atomic uint32_t meetings;

static void wait_for_others(void) {
    const struct timespec a_little = {0, 1000000};
    nanosleep(&a_little, NULL);
}

static void meet_on_the_lock(void *unused, uint32_t index) {
    (void)unused;
    while (!has_grown) {
        if (index == 0) {
            hak_l25_lock();
        }
        pthread_barrier_wait(&meeting);
        if (index == 0) {
            wait_for_others();
            hak_l25_unlock();
        } else {
            alloc_and_pass_on(NULL, index);
        }
        pthread_barrier_wait(&meeting);
        if (index == 0) {
            has_grown = shard_count() > 1 || ++meetings == 5000;
        }
        pthread_barrier_wait(&meeting);
    }
}

static void contend_until_shards_grow(void) {
    cr_assert_eq(shard_count(), 1);
    cr_assert_eq(pthread_barrier_init(&meeting, NULL, THREADS), 0);
    rounds = 1;
    test_threads_run(THREADS, meet_on_the_lock, NULL);
    pthread_barrier_destroy(&meeting);
    cr_assert_eq(shard_count(), 2, "%u shards after %u meetings", shard_count(), meetings);
    rounds = 3000;
}

Test(l25_threads, shards_grow_under_contention_and_no_run_is_lost, .init = start, .timeout = 300) {
    uint32_t bound = (uint32_t)hak_power_of_two_ceil(2 * hak_os_cpu_count());
    contend_until_shards_grow();
    for (uint32_t batch = 0, last = 2; batch < 10; batch++) { /* as the scheduler has it */
        test_threads_run(THREADS, alloc_and_pass_on, NULL);
        expect(shard_count() >= last && shard_count() <= bound, "%u after %u", shard_count(), last);
        last = shard_count();
    }
    drain();
    struct hak_l25_counts counts;
    hak_l25_count(&counts);
    cr_assert_eq(wrong, 0);
    cr_assert_eq(counts.run_count, 0);
    cr_assert_eq(counts.live_bytes, 0);
    if (HAK_CHECK_LEVEL >= 1) {
        hak_l25_verify();
    }
    hak_l25_trim();
    hak_l25_count(&counts);
    cr_assert_eq(counts.chunk_count, 0, "a run did not go home");
}

Test(l25_threads, without_memory_any_shard_that_has_room_serves, .init = start, .timeout = 300) {
    bool is_zero;
    contend_until_shards_grow();
    drain();
    hak_l25_trim();
    char *first = hak_l25_alloc(HAK_RUN_SIZE_MAX_BYTES, 8, 1, &is_zero); /* shard 1 */
    test_os_fail_at(TEST_OS_ALL, 1, 1);
    char *second = hak_l25_alloc(HAK_RUN_SIZE_MAX_BYTES, 8, 0, &is_zero); /* shard 0 is empty */
    cr_assert_eq(second, first + HAK_RUN_SIZE_MAX_BYTES);
    cr_assert_null(hak_l25_alloc(1, 8, 0, &is_zero));
    test_os_recover();
    char *third = hak_l25_alloc(1, 8, 0, &is_zero);
    cr_assert_not_null(third);
    hak_l25_free(second);
    hak_l25_free(first);
    hak_l25_free(third);
    if (HAK_CHECK_LEVEL >= 1) {
        hak_l25_verify(); /* each went home */
    }
}

static void fill_and_free(void *unused, uint32_t index) {
    enum { LIVE = 20 };
    void *live[LIVE];
    bool is_zero;
    (void)unused;
    for (uint32_t i = 0; i < rounds; i++) {
        for (int k = 0; k < LIVE; k++) {
            live[k] = hak_l25_alloc(HAK_RUN_SIZE_MAX_BYTES / 2, 8, index, &is_zero);
            wrong += live[k] == NULL;
            memset(live[k], (int)index, 64);
        }
        for (int k = 0; k < LIVE; k++) {
            wrong += *(unsigned char *)live[k] != index;
            hak_l25_free(live[k]);
        }
    }
}

Test(l25_threads, threads_with_homes_of_their_own_share_chunks_safely, .init = start,
     .timeout = 120) {
    rounds = 300;
    test_threads_run(THREADS, fill_and_free, NULL);
    cr_assert_eq(wrong, 0);
    if (HAK_CHECK_LEVEL >= 1) {
        hak_l25_verify();
    }
}

/* Growing in place races with the neighbours that would be grown into. */
static void resize_in_place(void *unused, uint32_t index) {
    struct test_random random;
    (void)unused;
    test_random_init(&random, index + 200);
    for (uint32_t i = 0; i < rounds; i++) {
        bool is_zero;
        char *run = hak_l25_alloc(HAK_GRANULE_SIZE_BYTES, 8, 0, &is_zero);
        char mark = (char)(1 + index);
        *run = mark;
        for (int k = 0; k < 8; k++) {
            size_t size = HAK_GRANULE_SIZE_BYTES * (1 + test_random_below(&random, 8));
            size_t before = hak_l25_size_bytes(run);
            size_t now = hak_l25_resize(run, size) ? size : before;
            wrong += hak_l25_size_bytes(run) != now || *run != mark;
            run[now - 1] = mark;
        }
        wrong += run[hak_l25_size_bytes(run) - 1] != mark;
        hak_l25_free(run);
    }
}

Test(l25_threads, resizing_in_place_takes_nobody_elses_granules, .init = start, .timeout = 120) {
    rounds = 3000;
    test_threads_run(THREADS, resize_in_place, NULL);
    cr_assert_eq(wrong, 0);
    struct hak_l25_counts counts;
    hak_l25_count(&counts);
    cr_assert_eq(counts.run_count, 0);
    cr_assert_eq(counts.live_bytes, 0);
}
