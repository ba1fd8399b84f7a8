/* SPDX-License-Identifier: MIT */
/*
 * After Larson and Krishnan ("Memory allocation for long-running server
 * applications", ISMM 1998): a thread replaces random blocks of its table for
 * some rounds, hands the table to a successor it starts, and exits. Blocks are
 * freed by other threads than allocated them, and threads come and go. With
 * one round the starts dominate, with many the remote frees do.
 */
#include "harness/block.h"
#include "workloads/workloads.h"
#include "harness/random.h"

#include <semaphore.h>
#include <string.h>

struct larson_shape {
    size_t chunks; /* blocks alive per chain */
    size_t min_bytes;
    size_t max_bytes;
    uint64_t rounds; /* replacements per thread = rounds * chunks */
};

static const struct larson_shape shape_starts = {1024, 8, 128, 1};
static const struct larson_shape shape_long = {5000, 8, 1000, 100};

/* A chain of threads, of which one works at a time. */
struct larson_chain {
    const struct larson_shape *shape; /* const */
    struct bench_worker *worker;      /* owner: the link at work */
    struct bench_slot *slots;         /* owner: the link at work */
    pthread_t predecessor;            /* owner: the link at work */
    bool has_predecessor;             /* owner: the link at work */
    pthread_t last;                   /* published by the semaphore */
    sem_t done;
};

static size_t table_bytes(const struct larson_shape *shape) {
    return sizeof(struct larson_chain) + shape->chunks * sizeof(struct bench_slot);
}

static size_t random_size(struct larson_chain *chain) {
    return bench_random_between(&chain->worker->random, chain->shape->min_bytes,
                                chain->shape->max_bytes);
}

static void replace_blocks(struct larson_chain *chain, uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        size_t at = bench_random_below(&chain->worker->random, chain->shape->chunks);
        bench_slot_empty(&chain->slots[at]);
        bench_slot_fill(&chain->slots[at], random_size(chain));
    }
}

static void *link_main(void *argument) {
    struct larson_chain *chain = argument;
    uint64_t count = bench_more(chain->worker, chain->shape->rounds * chain->shape->chunks);
    replace_blocks(chain, count);
    /* It has had the whole of our work to exit in: this hardly ever waits. */
    if (chain->has_predecessor)
        pthread_join(chain->predecessor, NULL);
    if (count == 0) {
        chain->last = pthread_self();
        sem_post(&chain->done);
        return NULL;
    }
    chain->predecessor = pthread_self();
    chain->has_predecessor = true;
    bench_thread_start(link_main, chain);
    return NULL;
}

static void chain_create(struct bench_worker *worker, const struct larson_shape *shape) {
    struct larson_chain *chain = bench_table_create(table_bytes(shape));
    chain->shape = shape;
    chain->worker = worker;
    chain->slots = (struct bench_slot *)(void *)(chain + 1);
    sem_init(&chain->done, 0, 0);
    worker->state = chain;
    for (size_t i = 0; i < shape->chunks; i++)
        bench_slot_fill(&chain->slots[i], random_size(chain));
}

static void starts_setup(struct bench_worker *worker) {
    chain_create(worker, &shape_starts);
}

static void long_setup(struct bench_worker *worker) {
    chain_create(worker, &shape_long);
}

static void larson(struct bench_worker *worker) {
    struct larson_chain *chain = worker->state;
    bench_thread_start(link_main, chain);
    while (sem_wait(&chain->done) != 0)
        continue;
    pthread_join(chain->last, NULL);
}

static void larson_teardown(struct bench_worker *worker) {
    struct larson_chain *chain = worker->state;
    for (size_t i = 0; i < chain->shape->chunks; i++)
        bench_slot_empty(&chain->slots[i]);
    sem_destroy(&chain->done);
    bench_table_release(chain, table_bytes(chain->shape));
}

const struct bench_workload workload_larson_starts = {
    .name = "larson-starts",
    .summary = "Larson, 1 round: a thread start every 1024 replacements, 8 to 128 bytes",
    .operation = "free and malloc",
    .kind = BENCH_SPEED,
    .min_threads = 1,
    .thread_multiple = 1,
    .setup = starts_setup,
    .body = larson,
    .teardown = larson_teardown,
};

const struct bench_workload workload_larson_long = {
    .name = "larson-long",
    .summary = "Larson, 100 rounds of 5000 blocks per thread, 8 to 1000 bytes",
    .operation = "free and malloc",
    .kind = BENCH_SPEED,
    .min_threads = 1,
    .thread_multiple = 1,
    .setup = long_setup,
    .body = larson,
    .teardown = larson_teardown,
};
