/* SPDX-License-Identifier: MIT */
/**
 * @file larson.c
 * The server of Larson and Krishnan (1998), verified: a thread replaces random
 * blocks of its table, then hands the table to a successor and exits, so most
 * blocks are freed by another thread than the one that made them.
 */
#include "../common/block.h"
#include "scenarios.h"

#include <semaphore.h>

enum { BLOCKS = 512, OPERATIONS_PER_THREAD = 2048, SIZE_MIN = 8, SIZE_MAX_BYTES = 1024 };

/** A table and the chain of threads that work on it, one after the other. What
 *  a thread wrote is visible to its successor, which pthread_create() starts. */
struct chain {
    struct stress_worker worker; /* the living thread's; carried over */
    struct stress_block blocks[BLOCKS];
    pthread_t previous; /* the thread to join: each successor joins it */
    bool has_previous;
    sem_t is_over; /* posted by the last thread of the chain */
};

static void replace(struct stress_worker *worker, struct stress_block *block) {
    stress_block_free(worker->run, block);
    stress_block_malloc(worker, block,
                        stress_random_between(&worker->random, SIZE_MIN, SIZE_MAX_BYTES));
}

/** True if the chain goes on after this thread. */
static bool work(struct chain *chain) {
    struct stress_worker *worker = &chain->worker;
    for (unsigned i = 0; i < OPERATIONS_PER_THREAD; i++) {
        replace(worker, &chain->blocks[stress_random_below(&worker->random, BLOCKS)]);
        if (!stress_worker_step(worker)) {
            return false;
        }
    }
    return true;
}

static void *chain_main(void *argument) {
    struct chain *chain = argument;
    if (chain->has_previous) {
        pthread_join(chain->previous, NULL);
    }
    bool goes_on = work(chain);
    chain->previous = pthread_self();
    chain->has_previous = true;
    if (goes_on) {
        stress_thread_start(chain->worker.run, chain_main, chain);
    } else {
        stress_worker_report(&chain->worker);
        sem_post(&chain->is_over);
    }
    return NULL;
}

static void chain_start(struct stress_run *run, struct chain *chain, unsigned index) {
    stress_worker_init(&chain->worker, run, index);
    sem_init(&chain->is_over, 0, 0);
    for (unsigned i = 0; i < BLOCKS; i++) {
        replace(&chain->worker, &chain->blocks[i]);
    }
    stress_thread_start(run, chain_main, chain);
}

static void chain_finish(struct stress_run *run, struct chain *chain) {
    while (sem_wait(&chain->is_over) != 0) {
        /* interrupted by a signal: wait on */
    }
    pthread_join(chain->previous, NULL);
    stress_blocks_free(run, chain->blocks, BLOCKS);
    sem_destroy(&chain->is_over);
}

void stress_scenario_larson(struct stress_run *run) {
    size_t table_bytes = sizeof(struct chain) * run->thread_count;
    struct chain *chains = stress_pages_create(run, table_bytes);
    for (unsigned i = 0; i < run->thread_count; i++) {
        chain_start(run, &chains[i], i);
    }
    for (unsigned i = 0; i < run->thread_count; i++) {
        chain_finish(run, &chains[i]);
    }
    stress_pages_destroy(chains, table_bytes);
    stress_heap_check(run);
}
