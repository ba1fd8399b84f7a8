/* SPDX-License-Identifier: MIT */
/* Allocation while a thread ends: in the destructors of keys, in every round of
 * them, before and after its heap is gone; and none of it lost. */
#include <limits.h>

#include "unit/heap/heaps.h"

enum { ROUNDS = PTHREAD_DESTRUCTOR_ITERATIONS };

/* A class, the largest class, a run, a mapping. */
static const size_t sizes[] = {40, 30000, 200000, 3000000};
enum { SIZE_COUNT = sizeof sizes / sizeof sizes[0] };

static pthread_key_t key;

/* What a thread's destructors have done. */
struct journal {
    int rounds;                         /* destructors run so far */
    int first_round;                    /* the first that allocates */
    void *left[ROUNDS + 1][SIZE_COUNT]; /* blocks that nobody has freed */
};

static void use_everything(void **left) {
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        unsigned char *block = hak_malloc(sizes[i]), *zeroed = hak_calloc(1, sizes[i]);
        cr_assert(block != NULL && zeroed != NULL);
        cr_assert(zeroed[0] == 0 && zeroed[sizes[i] - 1] == 0);
        memset(block, 0x5A, sizes[i]);
        block = hak_realloc(block, sizes[i] + sizes[i] / 4);
        cr_assert(block[0] == 0x5A && block[sizes[i] - 1] == 0x5A);
        hak_free(zeroed);
        left[i] = block;
    }
}

static void destructor(void *value) {
    struct journal *journal = value;
    journal->rounds++;
    if (journal->rounds >= journal->first_round) {
        use_everything(journal->left[journal->rounds]);
    }
    pthread_setspecific(key, journal); /* once more, as long as there are rounds */
}

/* The thread itself allocates only if its destructors may do so from the start. */
static void *end_slowly(void *value) {
    struct journal *journal = value;
    if (journal->first_round == 0) {
        use_everything(journal->left[0]);
    }
    pthread_setspecific(key, journal);
    return NULL;
}

static void free_left(struct journal *journal) {
    for (int round = 0; round <= ROUNDS; round++) {
        for (size_t i = 0; i < SIZE_COUNT; i++) {
            unsigned char *block = journal->left[round][i];
            cr_assert(block == NULL || block[sizes[i] - 1] == 0x5A);
            hak_free(block);
        }
    }
}

static void run_slow_end(int first_round) {
    struct journal journal = {.first_round = first_round};
    run_thread(end_slowly, &journal);
    cr_assert_eq(journal.rounds, ROUNDS);
    hak_heap_check();
    free_left(&journal);
    hak_heap_check();
}

static void expect_nothing_left(void) {
    cr_assert_eq(live_bytes_after_trim(), 0);
    cr_assert_eq(hak_heap_count() - hak_heap_abandoned_count(), 1, "%u heaps are nobody's",
                 hak_heap_count() - hak_heap_abandoned_count() - 1);
}

/* The key exists before the allocator's own is armed, or after it. */
Test(thread_exit, destructors_of_an_older_key_may_allocate_in_every_round) {
    cr_assert_eq(pthread_key_create(&key, destructor), 0);
    run_slow_end(0);
    expect_nothing_left();
}

Test(thread_exit, destructors_of_a_younger_key_may_allocate_in_every_round) {
    hak_free(hak_malloc(10));
    cr_assert_eq(pthread_key_create(&key, destructor), 0);
    run_slow_end(0);
    expect_nothing_left();
}

/* Many keys: more than the C library's first table holds, so it allocates. */
Test(thread_exit, destructors_of_forty_keys_may_allocate) {
    static pthread_key_t others[40];
    for (int i = 0; i < 40; i++) {
        cr_assert_eq(pthread_key_create(&others[i], NULL), 0);
    }
    cr_assert_eq(pthread_key_create(&key, destructor), 0);
    run_slow_end(0);
}

/* Threads that allocate for the first time while they end; all of their memory
 * comes back, and heaps do not pile up. */
static void expect_no_heap_left_behind(int first_round) {
    cr_assert_eq(pthread_key_create(&key, destructor), 0);
    hak_free(hak_malloc(10));
    for (int thread = 0; thread < 20; thread++) {
        run_slow_end(first_round);
        expect_nothing_left();
    }
    cr_assert_leq(hak_heap_count(), 3, "%u heaps after 20 threads", hak_heap_count());
}

Test(thread_exit, first_allocation_in_round_1) {
    expect_no_heap_left_behind(1);
}

Test(thread_exit, first_allocation_in_round_2) {
    expect_no_heap_left_behind(2);
}

/* In the last rounds the thread gets no hook any more. Its heap stays in its name until one
 * more would be made; then the system says that the thread is gone, which it may not say yet
 * at the moment when it is joined. */
static void expect_heaps_are_found_again(int first_round) {
    cr_assert_eq(pthread_key_create(&key, destructor), 0);
    hak_free(hak_malloc(10));
    for (int thread = 0; thread < 100; thread++) {
        run_slow_end(first_round);
    }
    cr_assert_leq(hak_heap_count(), 30, "%u heaps after 100 threads", hak_heap_count());
    hak_heap_check();
}

Test(thread_exit, first_allocation_in_round_3) {
    expect_heaps_are_found_again(3);
}

Test(thread_exit, first_allocation_in_round_4) {
    expect_heaps_are_found_again(4);
}

/* --- Frees only ---------------------------------------------------------- */

static void *inherited[ROUNDS + 1][SIZE_COUNT];

static void free_in_destructor(void *value) {
    uintptr_t round = (uintptr_t)value;
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        hak_free(inherited[round][i]);
    }
    if (round < ROUNDS) {
        pthread_setspecific(key, (void *)(round + 1));
    }
}

static void *end_freeing(void *unused) {
    pthread_setspecific(key, (void *)(uintptr_t)1);
    return unused;
}

Test(thread_exit, destructors_may_free_what_others_allocated) {
    cr_assert_eq(pthread_key_create(&key, free_in_destructor), 0);
    for (int thread = 0; thread < 20; thread++) {
        for (int round = 1; round <= ROUNDS; round++) {
            use_everything(inherited[round]);
        }
        run_thread(end_freeing, NULL);
        cr_assert_eq(live_bytes_after_trim(), 0, "thread %d", thread);
    }
    cr_assert_eq(hak_heap_count() - hak_heap_abandoned_count(), 1);
}

/* --- C++'s thread_local -------------------------------------------------- */

int __cxa_thread_atexit_impl(void (*function)(void *), void *object, void *dso_handle);
extern void *__dso_handle;

static void destroy_object(void *object) {
    hak_free(object);
    hak_free(hak_malloc(100));
}

static void *with_thread_local_object(void *unused) {
    __cxa_thread_atexit_impl(destroy_object, hak_malloc(500), &__dso_handle);
    return unused;
}

Test(thread_exit, thread_local_objects_may_allocate_as_they_go) {
    for (int thread = 0; thread < 20; thread++) {
        run_thread(with_thread_local_object, NULL);
    }
    cr_assert_eq(hak_heap_count(), 1);
    cr_assert_eq(live_bytes_after_trim(), 0);
}

/* --- Cancelled and detached threads -------------------------------------- */

static void *wait_for_the_end(void *block_out) {
    __atomic_store_n((void **)block_out, hak_malloc(300), __ATOMIC_RELEASE);
    while (true) {
        pthread_testcancel();
    }
    return NULL;
}

Test(thread_exit, cancelled_thread_abandons_its_heap) {
    for (int i = 0; i < 20; i++) {
        void *volatile block = NULL;
        pthread_t thread;
        pthread_create(&thread, NULL, wait_for_the_end, (void *)(uintptr_t)&block);
        while (__atomic_load_n(&block, __ATOMIC_ACQUIRE) == NULL) {
        }
        pthread_cancel(thread);
        pthread_join(thread, NULL);
        hak_free(block);
    }
    cr_assert_leq(hak_heap_count(), 2);
    cr_assert_eq(live_bytes_after_trim(), 0);
}
