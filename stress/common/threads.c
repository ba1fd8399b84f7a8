/* SPDX-License-Identifier: MIT */
/**
 * @file threads.c
 * Threads of a run, their meetings, and the walk over hakmem's invariants.
 */
#include "hakmem.h"
#include "run.h"

#include <string.h>

/* Present when hakmem is the malloc under test, absent with any other. */
__attribute__((weak)) size_t hak_heap_check(void);

struct start {
    struct stress_worker worker;
    pthread_barrier_t *together;
    stress_body *body;
    void *context;
    pthread_t thread;
};

pthread_t stress_thread_start(const struct stress_run *run, void *(*main)(void *), void *argument) {
    pthread_t thread;
    int error = pthread_create(&thread, NULL, main, argument);
    if (error != 0) {
        stress_fail(run, "a thread could not be started: %s", strerror(error));
    }
    return thread;
}

static void *thread_main(void *argument) {
    struct start *start = argument;
    pthread_barrier_wait(start->together);
    start->body(&start->worker, start->context);
    stress_worker_report(&start->worker);
    return NULL;
}

void stress_threads_run(struct stress_run *run, stress_body *body, void *context) {
    size_t table_bytes = sizeof(struct start) * run->thread_count;
    struct start *starts = stress_pages_create(run, table_bytes);
    pthread_barrier_t together;
    pthread_barrier_init(&together, NULL, run->thread_count);
    for (unsigned i = 0; i < run->thread_count; i++) {
        stress_worker_init(&starts[i].worker, run, i);
        starts[i].together = &together;
        starts[i].body = body;
        starts[i].context = context;
        starts[i].thread = stress_thread_start(run, thread_main, &starts[i]);
    }
    for (unsigned i = 0; i < run->thread_count; i++) {
        pthread_join(starts[i].thread, NULL);
    }
    pthread_barrier_destroy(&together);
    stress_pages_destroy(starts, table_bytes);
    stress_heap_check(run);
}

void stress_heap_check(struct stress_run *run) {
    if (hak_heap_check != NULL) {
        size_t structure_count = hak_heap_check();
        __atomic_fetch_add(&run->record->heap_check_count, structure_count, __ATOMIC_RELAXED);
    }
}

void stress_meeting_init(struct stress_meeting *meeting, const struct stress_run *run) {
    meeting->is_over = false;
    pthread_barrier_init(&meeting->barrier, NULL, run->thread_count);
}

void stress_meeting_destroy(struct stress_meeting *meeting) {
    pthread_barrier_destroy(&meeting->barrier);
}

void stress_meeting_wait(struct stress_meeting *meeting) {
    pthread_barrier_wait(&meeting->barrier);
}

bool stress_meeting_is_over(struct stress_meeting *meeting, struct stress_worker *worker) {
    pthread_barrier_wait(&meeting->barrier);
    if (worker->index == 0) {
        meeting->is_over = stress_worker_is_over(worker);
    }
    pthread_barrier_wait(&meeting->barrier);
    return meeting->is_over;
}

void stress_meeting_heap_check(struct stress_meeting *meeting, struct stress_worker *worker) {
    for (unsigned turn = 0; turn < worker->run->thread_count; turn++) {
        pthread_barrier_wait(&meeting->barrier);
        if (turn == worker->index) {
            stress_heap_check(worker->run);
        }
    }
    pthread_barrier_wait(&meeting->barrier);
}
