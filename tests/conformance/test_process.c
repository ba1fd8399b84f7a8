/* SPDX-License-Identifier: MIT */
/* The family against the process around it: running out of memory, threads,
 * fork. */
#include "family.h"
#include "support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>

/* Blocks on a list through their first bytes, so that counting them needs no
 * memory of our own. */
struct link {
    struct link *next;
};

/* As many blocks as a limited address space gives; then NULL and ENOMEM. */
static struct link *exhaust(size_t size_bytes, size_t *count) {
    struct link *first = NULL;
    *count = 0;
    for (;;) {
        errno = 0;
        struct link *block = FAMILY(malloc)(size_bytes);
        if (block == NULL) {
            REQUIRE(errno == ENOMEM, "malloc(%zu) failed with errno %d", size_bytes, errno);
            return first;
        }
        block->next = first;
        first = block;
        ++*count;
    }
}

static void free_list(struct link *first) {
    while (first != NULL) {
        struct link *next = first->next;
        FAMILY(free)(first);
        first = next;
    }
}

/* A request of this size fails at the limit, and works once room is made. */
static void require_recovery(size_t size_bytes) {
    limit_address_space(48 * MIB);
    size_t count;
    struct link *first = exhaust(size_bytes, &count);
    REQUIRE(count * size_bytes >= 8 * MIB, "only %zu blocks of %zu bytes in 48 MiB", count,
            size_bytes);
    struct link *spare = first;
    first = first->next;
    memset((char *)spare + sizeof *spare, 0x77, size_bytes - sizeof *spare);
    errno = 0;
    REQUIRE(FAMILY(realloc)(spare, 600 * MIB) == NULL, "600 MiB in 48 MiB");
    REQUIRE(errno == ENOMEM, "realloc failed with errno %d", errno);
    for (size_t i = sizeof *spare; i < size_bytes; i++) {
        REQUIRE(((unsigned char *)spare)[i] == 0x77, "byte %zu changed by a failed realloc", i);
    }
    errno = 0;
    REQUIRE(FAMILY(calloc)(600, MIB) == NULL && errno == ENOMEM, "calloc of 600 MiB in 48 MiB");
    void *aligned = spare;
    REQUIRE(FAMILY(posix_memalign)(&aligned, 4096, 600 * MIB) == ENOMEM, "600 MiB in 48 MiB");
    REQUIRE(aligned == spare, "posix_memalign failed and yet wrote its result");
    FAMILY(free)(spare);
    free_list(first);
    size_t again_count;
    free_list(exhaust(size_bytes, &again_count));
    REQUIRE(again_count >= count / 2, "%zu blocks of %zu at first, %zu after freeing all", count,
            size_bytes, again_count);
    unlimit_address_space();
}

CASE(out_of_memory, small_blocks) {
    require_recovery(64);
}

CASE(out_of_memory, blocks_of_the_largest_class) {
    require_recovery(32 * KIB);
}

CASE(out_of_memory, runs) {
    require_recovery(100 * KIB);
}

CASE(out_of_memory, mappings) {
    require_recovery(1500 * KIB);
}

/* --- Threads ---------------------------------------------------------------- */

enum { THREAD_COUNT = 4, PER_THREAD = 2000 };

struct allocated {
    void *blocks[PER_THREAD];
    size_t seed;
};

static void *allocate_many(void *argument) {
    struct allocated *mine = argument;
    for (size_t i = 0; i < PER_THREAD; i++) {
        size_t size_bytes = boundary_sizes[(i + mine->seed) % 40];
        mine->blocks[i] = FAMILY(malloc)(size_bytes);
        require_block(mine->blocks[i], size_bytes, "malloc in a thread");
        fill_block(mine->blocks[i], size_bytes, mine->seed + i);
    }
    return NULL;
}

static void *free_many(void *argument) {
    struct allocated *theirs = argument;
    for (size_t i = 0; i < PER_THREAD; i++) {
        require_contents(theirs->blocks[i], boundary_sizes[(i + theirs->seed) % 40],
                         theirs->seed + i, "its thread's exit");
        FAMILY(free)(theirs->blocks[i]);
    }
    return NULL;
}

static void run_threads(void *(*body)(void *), struct allocated *all, size_t shift) {
    pthread_t threads[THREAD_COUNT];
    for (size_t i = 0; i < THREAD_COUNT; i++) {
        struct allocated *argument = &all[(i + shift) % THREAD_COUNT];
        REQUIRE(pthread_create(&threads[i], NULL, body, argument) == 0, "no thread");
    }
    for (size_t i = 0; i < THREAD_COUNT; i++) {
        REQUIRE(pthread_join(threads[i], NULL) == 0, "cannot join");
    }
}

CASE(threads, any_thread_may_free_a_block) {
    static struct allocated all[THREAD_COUNT];
    for (size_t round = 0; round < 5; round++) {
        for (size_t i = 0; i < THREAD_COUNT; i++) {
            all[i].seed = round * 1000 + i * 17;
        }
        run_threads(allocate_many, all, 0);
        run_threads(free_many, all, 1);
    }
}

CASE(threads, a_thread_may_start_with_any_call) {
    static struct allocated all[THREAD_COUNT];
    /* The first call of each freeing thread is a free: of the main thread's
     * blocks, with no heap of its own yet. */
    for (size_t i = 0; i < THREAD_COUNT; i++) {
        all[i].seed = i;
        allocate_many(&all[i]);
    }
    run_threads(free_many, all, 0);
}

static atomic_bool churn_ends;

static void *churn(void *unused) {
    (void)unused;
    while (!atomic_load_explicit(&churn_ends, memory_order_relaxed)) {
        for (size_t i = 0; i < 40; i++) {
            void *block = FAMILY(malloc)(boundary_sizes[i]);
            require_block(block, boundary_sizes[i], "malloc beside fork");
            FAMILY(free)(block);
        }
    }
    return NULL;
}

static void use_family_in_child(void *held) {
    require_contents(held, 70000, 8, "fork, in the child");
    static struct window window;
    for (size_t i = 0; i < boundary_size_count; i++) {
        void *block = FAMILY(malloc)(boundary_sizes[i]);
        require_block(block, boundary_sizes[i], "malloc in a forked child");
        window_add(&window, block, boundary_sizes[i]);
    }
    window_drain(&window);
    FAMILY(free)(held);
    FAMILY(malloc_trim)(0);
}

CASE(fork, child_may_allocate_whatever_other_threads_do) {
    pthread_t threads[2];
    for (size_t i = 0; i < 2; i++) {
        REQUIRE(pthread_create(&threads[i], NULL, churn, NULL) == 0, "no thread");
    }
    void *held = FAMILY(malloc)(70000);
    require_block(held, 70000, "malloc");
    fill_block(held, 70000, 8);
    for (int round = 0; round < 60; round++) {
        pid_t child = fork();
        REQUIRE(child >= 0, "fork failed");
        if (child == 0) {
            alarm(10); /* a lock held by a thread that is not here ends in SIGALRM */
            use_family_in_child(held);
            _exit(0);
        }
        int status;
        REQUIRE(waitpid(child, &status, 0) == child, "waitpid failed");
        REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 0, "child %d of 60 ended with 0x%x",
                round, (unsigned)status);
    }
    atomic_store_explicit(&churn_ends, true, memory_order_relaxed);
    for (size_t i = 0; i < 2; i++) {
        REQUIRE(pthread_join(threads[i], NULL) == 0, "cannot join");
    }
    require_contents(held, 70000, 8, "fork, in the parent");
    FAMILY(free)(held);
}
