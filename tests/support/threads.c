/* SPDX-License-Identifier: MIT */
/* Threads that start together: see threads.h. */
#include "threads.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct task {
    void (*body)(void *, uint32_t);
    void *argument;
    pthread_barrier_t *gate;
    uint32_t index;
};

static void *run_task(void *p) {
    struct task *task = p;
    pthread_barrier_wait(task->gate);
    task->body(task->argument, task->index);
    return NULL;
}

void test_threads_run(uint32_t count, void (*body)(void *argument, uint32_t index),
                      void *argument) {
    pthread_t threads[TEST_THREADS_MAX];
    struct task tasks[TEST_THREADS_MAX];
    pthread_barrier_t gate;
    if (count == 0 || count > TEST_THREADS_MAX || pthread_barrier_init(&gate, NULL, count) != 0) {
        fprintf(stderr, "test_threads_run: cannot run %u threads\n", count);
        exit(2);
    }
    for (uint32_t i = 0; i < count; i++) {
        tasks[i] = (struct task){body, argument, &gate, i};
        if (pthread_create(&threads[i], NULL, run_task, &tasks[i]) != 0) {
            perror("pthread_create");
            exit(2);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
    }
    pthread_barrier_destroy(&gate);
}
