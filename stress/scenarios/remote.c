/* SPDX-License-Identifier: MIT */
/**
 * @file remote.c
 * Producers allocate, consumers verify and free: every free is a remote one.
 * Rounds take turns between three patterns, each a set of queues:
 *
 *   one to many   0 -> 1, 0 -> 2, ...      queue k: 0 -> k
 *   many to one   1 -> 0, 2 -> 0, ...      queue k: k -> 0
 *   ring          0 -> 1 -> 2 -> ... -> 0  queue k: k -> k + 1
 */
#include "../common/exchange.h"
#include "scenarios.h"

#include <sched.h>

enum { BLOCKS_PER_QUEUE = 1024, SIZE_MAX_BYTES = 8 * 1024 };
enum pattern { ONE_TO_MANY, MANY_TO_ONE, RING, PATTERN_COUNT };

struct remote {
    struct stress_meeting meeting;
    size_t freed_count; /* atomic: in this round, by all */
    struct stress_queue queues[];
};

static unsigned producer_of(enum pattern pattern, unsigned queue) {
    return pattern == ONE_TO_MANY ? 0 : queue;
}

static unsigned consumer_of(enum pattern pattern, unsigned queue, unsigned thread_count) {
    switch (pattern) {
    case ONE_TO_MANY:
        return queue;
    case MANY_TO_ONE:
        return 0;
    default:
        return (queue + 1) % thread_count;
    }
}

/** Pushes until the queue is full. Returns how many. */
static size_t produce(struct stress_worker *worker, struct stress_queue *queue, size_t wanted) {
    struct stress_random *random = &worker->random;
    size_t made = 0;
    for (; made < wanted; made++) {
        struct stress_block block = {0};
        stress_block_malloc(worker, &block, stress_random_size(random, 8, SIZE_MAX_BYTES));
        if (!stress_queue_try_push(queue, &block)) {
            stress_block_free(worker->run, &block);
            break;
        }
        stress_worker_step(worker);
    }
    return made;
}

static size_t consume(struct stress_worker *worker, struct stress_queue *queue) {
    size_t freed = 0;
    struct stress_block block;
    while (stress_queue_try_pop(queue, &block)) {
        stress_block_free(worker->run, &block);
        stress_worker_step(worker);
        freed++;
    }
    return freed;
}

static void play_round(struct stress_worker *worker, struct remote *remote, enum pattern pattern) {
    unsigned queue_count = worker->run->thread_count;
    size_t total = (size_t)queue_count * BLOCKS_PER_QUEUE;
    size_t made[STRESS_THREADS_MAX] = {0};
    /* Relaxed: only the count matters; the blocks came through the queues. */
    while (__atomic_load_n(&remote->freed_count, __ATOMIC_RELAXED) < total) {
        size_t moved = 0;
        for (unsigned k = 0; k < queue_count; k++) {
            struct stress_queue *queue = &remote->queues[k];
            if (producer_of(pattern, k) == worker->index) {
                size_t pushed = produce(worker, queue, BLOCKS_PER_QUEUE - made[k]);
                made[k] += pushed;
                moved += pushed;
            }
            if (consumer_of(pattern, k, queue_count) == worker->index) {
                size_t freed = consume(worker, queue);
                __atomic_fetch_add(&remote->freed_count, freed, __ATOMIC_RELAXED);
                moved += freed;
            }
        }
        if (moved == 0) {
            sched_yield();
        }
    }
}

static void remote_body(struct stress_worker *worker, void *context) {
    struct remote *remote = context;
    unsigned pattern = ONE_TO_MANY;
    do {
        play_round(worker, remote, (enum pattern)pattern);
        stress_meeting_heap_check(&remote->meeting, worker);
        if (worker->index == 0) {
            remote->freed_count = 0;
        }
        pattern = (pattern + 1) % PATTERN_COUNT;
    } while (!stress_meeting_is_over(&remote->meeting, worker));
}

void stress_scenario_remote(struct stress_run *run) {
    size_t bytes = sizeof(struct remote) + run->thread_count * sizeof(struct stress_queue);
    struct remote *remote = stress_pages_create(run, bytes);
    stress_meeting_init(&remote->meeting, run);
    stress_threads_run(run, remote_body, remote);
    stress_meeting_destroy(&remote->meeting);
    stress_pages_destroy(remote, bytes);
}
