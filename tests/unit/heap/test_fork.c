/* SPDX-License-Identifier: MIT */
/* fork() while other threads allocate: the child has a whole heap, may free what
 * it inherited, and finds the other threads' heaps abandoned. */
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "misuse/outcome.h"
#include "support/random.h"
#include "unit/heap/heaps.h"

enum { THREADS = 3, BLOCKS = 300, FORKS = 40, CHILD_SECONDS = 60 };

static atomic_bool stop;
static atomic_int started;

/* Allocates in every tier, checks what it wrote, until told to stop. */
static void *work(void *seed) {
    struct test_random random;
    unsigned char *blocks[BLOCKS] = {NULL};
    size_t sizes[BLOCKS] = {0};
    test_random_init(&random, (uint64_t)(uintptr_t)seed);
    atomic_fetch_add(&started, 1);
    while (!atomic_load(&stop)) {
        uint32_t at = test_random_below(&random, BLOCKS), tier = test_random_below(&random, 100);
        cr_assert(blocks[at] == NULL || blocks[at][sizes[at] - 1] == (unsigned char)at);
        hak_free(blocks[at]);
        sizes[at] = 1 + test_random_below(&random, tier == 0 ? 3000000 : tier < 5 ? 300000 : 2000);
        blocks[at] = hak_malloc(sizes[at]);
        blocks[at][sizes[at] - 1] = (unsigned char)at;
    }
    for (int i = 0; i < BLOCKS; i++) {
        hak_free(blocks[i]);
    }
    return NULL;
}

static unsigned char *inherited[BLOCKS];

static size_t size_of_inherited(int i) {
    return i % 50 == 0 ? 2000000 : i % 10 == 0 ? 100000 : (size_t)i + 1;
}

static void demand(bool condition, const char *what) {
    if (!condition) {
        fprintf(stderr, "in the child, not so: %s\n", what);
        _exit(1);
    }
}

static void *use_another_heap(void *unused) {
    for (int i = 0; i < 1000; i++) {
        hak_free(hak_malloc((size_t)i * 7));
    }
    return unused;
}

/* What a child of any program may do. */
static void live_in_child(void) {
    alarm(CHILD_SECONDS);
    for (int i = 0; i < BLOCKS; i++) {
        size_t size = size_of_inherited(i);
        demand(inherited[i][0] == 0xA5 && inherited[i][size - 1] == 0xA5, "inherited contents");
        inherited[i] = hak_realloc(inherited[i], size + 100);
        demand(inherited[i][size - 1] == 0xA5, "contents after realloc");
        hak_free(inherited[i]);
    }
    for (size_t size = 0; size < 400000; size += 777) {
        void *block = hak_calloc(1, size);
        demand(block != NULL, "calloc");
        hak_free(block);
    }
    hak_heap_check();
    demand(hak_heap_count() - hak_heap_abandoned_count() == 1, "one heap, the others abandoned");
    run_thread(use_another_heap, NULL); /* adopts one, caches and all */
    hak_malloc_trim(0);
    hak_heap_check();
}

/* How a child that does this ends; -1 when there is none. */
static int status_of_child(void (*body)(void)) {
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        body();
        _exit(0);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid ? status : -1;
}

static void fork_and_wait(void (*body)(void)) {
    int status = status_of_child(body);
    cr_assert_eq(status, 0, "the child's status is %#x", (unsigned)status);
}

static void allocate_inherited(void) {
    for (int i = 0; i < BLOCKS; i++) {
        inherited[i] = hak_malloc(size_of_inherited(i));
        memset(inherited[i], 0xA5, size_of_inherited(i));
    }
}

static pthread_t workers[THREADS];

/* Returns when all of them work. A thread that starts allocates from ASan, which
 * does not see to its locks at fork: a child forked meanwhile inherits one that is
 * held, and waits for it when it starts a thread of its own. */
static void start_workers(void) {
    for (uintptr_t i = 0; i < THREADS; i++) {
        cr_assert_eq(pthread_create(&workers[i], NULL, work, (void *)(i + 1)), 0);
    }
    while (atomic_load(&started) < THREADS) {
        sched_yield();
    }
}

static void stop_workers(void) {
    atomic_store(&stop, true);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i], NULL);
    }
}

static void expect_parent_is_well(void) {
    for (int i = 0; i < BLOCKS; i++) {
        cr_assert(inherited[i][size_of_inherited(i) - 1] == 0xA5);
        hak_free(inherited[i]);
    }
    cr_assert_eq(live_bytes_after_trim(), 0);
}

Test(fork, while_other_threads_allocate) {
    allocate_inherited();
    start_workers();
    for (int i = 0; i < FORKS; i++) {
        fork_and_wait(live_in_child);
    }
    stop_workers();
    expect_parent_is_well();
}

/* Not with Criterion's assertions: in a child one that fails waits forever. */
static void fork_again(void) {
    alarm(CHILD_SECONDS); /* for the fork: it takes every lock */
    demand(status_of_child(live_in_child) == 0, "the grandchild ended well");
    live_in_child();
}

Test(fork, grandchildren) {
    allocate_inherited();
    start_workers();
    for (int i = 0; i < FORKS / 4; i++) {
        fork_and_wait(fork_again);
    }
    stop_workers();
    expect_parent_is_well();
}

/* --- From several threads at once ---------------------------------------- */

static void live_shortly(void) {
    alarm(CHILD_SECONDS);
    for (size_t size = 0; size < 100000; size += 999) {
        hak_free(hak_malloc(size));
    }
    hak_heap_check();
}

static void *fork_often(void *unused) {
    for (int i = 0; i < FORKS / 4; i++) {
        hak_free(hak_malloc(100));
        fork_and_wait(live_shortly);
    }
    return unused;
}

Test(fork, from_several_threads_at_once) {
    pthread_t forkers[2];
    start_workers();
    for (int i = 0; i < 2; i++) {
        pthread_create(&forkers[i], NULL, fork_often, NULL);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(forkers[i], NULL);
    }
    stop_workers();
    cr_assert_eq(live_bytes_after_trim(), 0);
}

/* --- Handlers that allocate ---------------------------------------------- */

static void *from_prepare, *from_parent, *from_child;
static int handler_count;

static void use_a_little(void **block) {
    static const size_t sizes[] = {24, 20000, 200000, 2000000};
    handler_count++;
    for (size_t i = 0; i < 4; i++) {
        unsigned char *fresh = hak_malloc(sizes[i]);
        fresh[0] = fresh[sizes[i] - 1] = 7;
        hak_free(*block);
        *block = fresh;
    }
}

static void in_prepare(void) {
    use_a_little(&from_prepare);
}

static void in_parent(void) {
    use_a_little(&from_parent);
}

static void in_child(void) {
    use_a_little(&from_child);
}

static void expect_handlers_ran(void) {
    demand(handler_count >= 2 && from_child != NULL && from_prepare != NULL, "handlers ran");
    hak_free(from_child);
    hak_free(from_prepare);
    live_in_child();
}

static void fork_with_handlers(void) {
    allocate_inherited();
    start_workers();
    for (int i = 0; i < FORKS / 2; i++) {
        fork_and_wait(expect_handlers_ran);
    }
    stop_workers();
    cr_assert_eq(handler_count, FORKS / 2 * 2);
    hak_free(from_prepare);
    hak_free(from_parent);
    expect_parent_is_well();
}

/* Registered after the allocator's own, so they run outside of its locks. */
Test(fork, handlers_registered_later_may_allocate) {
    cr_assert_eq(pthread_atfork(in_prepare, in_parent, in_child), 0);
    fork_with_handlers();
}

/* Each handler's own thread has no heap yet, in parent or child. */
Test(fork, first_allocation_of_all_is_in_a_handler) {
    cr_assert_eq(pthread_atfork(in_prepare, in_parent, in_child), 0);
    cr_assert_eq(hak_heap_count(), 0);
    fork_and_wait(live_shortly);
    cr_assert_eq(handler_count, 2);
    hak_free(from_prepare);
    hak_free(from_parent);
    cr_assert_eq(live_bytes_after_trim(), 0);
}
