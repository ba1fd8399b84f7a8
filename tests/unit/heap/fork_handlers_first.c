/* SPDX-License-Identifier: MIT */
/*
 * Fork handlers registered before the allocator's own: at fork they run after
 * ours in the parent's preparation and before ours on both sides afterwards, so
 * they allocate while the forking thread holds every lock of the allocator
 * (hak_lock_hold_all). A plain main, because the handlers must be registered by
 * .preinit_array, before any constructor and any allocation.
 *
 * usage: fork_handlers_first alone | [heap] [threads]
 *   heap     the forking thread has a heap; without, a handler makes its first
 *   threads  two more threads allocate during the forks
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hakmem.h"

enum { FORKS_ALONE = 3, FORKS_BESIDE_THREADS = 50, CHILD_LIMIT_S = 20 };

static bool handlers_allocate;
static atomic_bool stop;

static void allocate_in_each_tier(void) {
    for (size_t size_bytes = 24; size_bytes < 3000000; size_bytes *= 5) {
        hak_free(hak_malloc(size_bytes));
    }
}

static void handler(void) {
    if (handlers_allocate) {
        allocate_in_each_tier();
    }
}

static void register_first(void) {
    pthread_atfork(handler, handler, handler);
}

__attribute__((section(".preinit_array"), used)) static void (*const before_all)(void) =
    register_first;

static void *allocate_until_stopped(void *unused) {
    for (size_t i = 0; !atomic_load(&stop); i++) {
        hak_free(hak_malloc(i % 3000));
    }
    return unused;
}

/* False when the child failed or hung. */
static bool fork_once(void) {
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        alarm(CHILD_LIMIT_S);
        allocate_in_each_tier();
        hak_heap_check();
        _exit(0);
    }
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static bool has_word(int argc, char **argv, const char *word) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], word) == 0) {
            return true;
        }
    }
    return false;
}

int main(int argc, char **argv) {
    bool with_threads = has_word(argc, argv, "threads");
    int forks = with_threads ? FORKS_BESIDE_THREADS : FORKS_ALONE;
    pthread_t threads[2];
    handlers_allocate = true;
    alarm(60); /* a deadlock ends here */
    if (has_word(argc, argv, "heap")) {
        hak_free(hak_malloc(10));
    }
    for (int i = 0; with_threads && i < 2; i++) {
        pthread_create(&threads[i], NULL, allocate_until_stopped, NULL);
    }
    for (int i = 0; i < forks; i++) {
        if (!fork_once()) {
            fprintf(stderr, "fork_handlers_first: the child of fork %d failed\n", i);
            return 1;
        }
    }
    atomic_store(&stop, true);
    for (int i = 0; with_threads && i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    hak_heap_check();
    return 0;
}
