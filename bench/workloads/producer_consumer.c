/* SPDX-License-Identifier: MIT */
/*
 * Producers and consumers in pairs: every block is allocated by one thread and
 * freed by another, through a ring of 1024 that holds one pair's blocks.
 * Threads with an even index produce, the next odd one consumes.
 */
#include "harness/block.h"
#include "workloads/workloads.h"
#include "harness/random.h"

#include <sched.h>
#include <stdatomic.h>

#define RING_SLOTS 1024u
#define CHUNK 512u
#define PUBLISH_EVERY 32u /* a position shared for every block would measure the cache line */
#define CACHE_LINE 64

/* One producer, one consumer. Positions only grow; slot = position % RING_SLOTS. */
struct pair_ring {
    _Alignas(CACHE_LINE) atomic_uint_fast64_t filled; /* atomic: written by the producer */
    _Alignas(CACHE_LINE) atomic_uint_fast64_t taken;  /* atomic: written by the consumer */
    _Alignas(CACHE_LINE) atomic_bool closed;          /* atomic: written by the producer */
    struct bench_slot slots[RING_SLOTS];              /* owner: passes with the positions */
};

static void rings_prepare(struct bench_run *run) {
    run->shared = bench_table_create(run->threads / 2 * sizeof(struct pair_ring));
}

static void rings_finish(struct bench_run *run) {
    bench_table_release(run->shared, run->threads / 2 * sizeof(struct pair_ring));
}

/* Waits for room for the slot at `position`. */
static void wait_for_room(struct pair_ring *ring, uint64_t position) {
    /* acquire: pairs with the consumer's release, after which the slot is ours again. */
    while (position - atomic_load_explicit(&ring->taken, memory_order_acquire) >= RING_SLOTS)
        sched_yield();
}

static void produce(struct bench_worker *worker, struct pair_ring *ring) {
    uint64_t position = 0;
    for (uint64_t left; (left = bench_more(worker, CHUNK)) != 0;) {
        while (left != 0) {
            uint64_t n = left < PUBLISH_EVERY ? left : PUBLISH_EVERY;
            wait_for_room(ring, position + n - 1);
            for (uint64_t i = 0; i < n; i++)
                bench_slot_fill(&ring->slots[(position + i) % RING_SLOTS],
                                bench_random_between(&worker->random, 16, 512));
            position += n;
            left -= n;
            /* release: publishes the slots and the blocks' tags. */
            atomic_store_explicit(&ring->filled, position, memory_order_release);
        }
    }
    /* release: whoever sees it also sees the last `filled`. */
    atomic_store_explicit(&ring->closed, true, memory_order_release);
}

static void consume(struct pair_ring *ring) {
    uint64_t position = 0;
    for (;;) {
        /* acquire: read before `filled`, so that closed means nothing more comes. */
        bool closed = atomic_load_explicit(&ring->closed, memory_order_acquire);
        /* acquire: pairs with the producer's release. */
        uint64_t filled = atomic_load_explicit(&ring->filled, memory_order_acquire);
        if (position == filled && closed)
            return;
        if (position == filled)
            sched_yield();
        while (position < filled) {
            uint64_t n = filled - position < PUBLISH_EVERY ? filled - position : PUBLISH_EVERY;
            for (uint64_t i = 0; i < n; i++)
                bench_slot_empty(&ring->slots[(position + i) % RING_SLOTS]);
            position += n;
            /* release: hands the slots back. */
            atomic_store_explicit(&ring->taken, position, memory_order_release);
        }
    }
}

static void produce_or_consume(struct bench_worker *worker) {
    struct pair_ring *rings = worker->run->shared;
    struct pair_ring *ring = &rings[worker->index / 2];
    if (worker->index % 2 == 0) {
        /* The consumer's share too: it takes what it is given. */
        worker->remaining_operations += (worker + 1)->remaining_operations;
        produce(worker, ring);
    } else {
        consume(ring);
    }
}

const struct bench_workload workload_producer_consumer = {
    .name = "producer-consumer",
    .summary = "pairs of threads: one allocates 16 to 512 bytes, the other frees",
    .operation = "malloc here, free there",
    .kind = BENCH_SPEED,
    .min_threads = 2,
    .thread_multiple = 2,
    .prepare = rings_prepare,
    .body = produce_or_consume,
    .finish = rings_finish,
};
