/* SPDX-License-Identifier: MIT */
/*
 * Memory return: the threads fill 256 MiB with small blocks and free all of it,
 * or all but one session in ten, and the RSS is read right after, before
 * anything else is called. Then, once, after half a second with a few
 * allocations in it, which is what decay timers need to have run.
 *
 * A session is 512 blocks allocated one after the other, so what stays is
 * clustered, as in a server of which most clients left: pages do become free.
 */
#include "harness/block.h"
#include "workloads/workloads.h"
#include "harness/random.h"

#define TOTAL_BYTES ((size_t)256 * 1024 * 1024)
#define MIN_BYTES 16u
#define MAX_BYTES 1008u
#define SESSION_BLOCKS 512u
#define KEPT_SESSION_EVERY 10u
#define SETTLE_STEPS 50u
#define SETTLE_STEP_NS 10000000u
#define STEP_BLOCKS 100u

struct filling {
    size_t block_count; /* const */
    uint64_t seed;      /* const */
    void **blocks;      /* owner: NULL where none is held */
    size_t held_bytes;  /* owner while filling and freeing; worker 0 between barriers */
};

/* Computed, not stored: the harness's own memory must stay small beside the RSS. */
static size_t size_of(const struct filling *filling, size_t at) {
    uint64_t state = filling->seed + at;
    return bench_random_between(&state, MIN_BYTES, MAX_BYTES);
}

static void filling_setup(struct bench_worker *worker) {
    struct filling *fillings = worker->run->shared;
    struct filling *filling = &fillings[worker->index];
    size_t mean_bytes = (MIN_BYTES + MAX_BYTES) / 2;
    filling->block_count = TOTAL_BYTES / worker->run->threads / mean_bytes;
    filling->blocks = bench_table_create(filling->block_count * sizeof *filling->blocks);
    filling->seed = worker->random;
    worker->state = filling;
}

static void fillings_prepare(struct bench_run *run) {
    run->shared = bench_table_create(run->threads * sizeof(struct filling));
}

static void fillings_finish(struct bench_run *run) {
    bench_table_release(run->shared, run->threads * sizeof(struct filling));
}

static void fill(struct filling *filling) {
    for (size_t i = 0; i < filling->block_count; i++) {
        if (filling->blocks[i] != NULL)
            continue; /* kept from the round before */
        size_t size_bytes = size_of(filling, i);
        filling->blocks[i] = bench_block_create(size_bytes);
        filling->held_bytes += size_bytes;
    }
}

static void drain(struct filling *filling, bool keep_some) {
    for (size_t i = 0; i < filling->block_count; i++) {
        bool in_kept_session = i / SESSION_BLOCKS % KEPT_SESSION_EVERY == 0;
        if (filling->blocks[i] == NULL || (keep_some && in_kept_session))
            continue;
        size_t size_bytes = size_of(filling, i);
        bench_block_release(filling->blocks[i], size_bytes);
        filling->blocks[i] = NULL;
        filling->held_bytes -= size_bytes;
    }
}

static size_t held_bytes(const struct bench_run *run) {
    const struct filling *fillings = run->shared;
    size_t sum = 0;
    for (unsigned i = 0; i < run->threads; i++)
        sum += fillings[i].held_bytes;
    return sum;
}

/* All threads wait meanwhile; worker 0 reads the RSS, off the clock. */
static void measure(struct bench_worker *worker, size_t *held, size_t *rss_bytes) {
    struct bench_run *run = worker->run;
    bench_barrier(run);
    if (worker->index == 0) {
        *held = held_bytes(run);
        *rss_bytes = bench_rss_off_clock(worker);
    }
    bench_barrier(run);
}

static void fill_and_drain(struct bench_worker *worker, bool keep_some) {
    struct filling *filling = worker->state;
    struct bench_memory *memory = &worker->run->memory;
    while (bench_more_together(worker, filling->block_count) != 0) {
        fill(filling);
        measure(worker, &memory->live_bytes, &memory->full_rss_bytes);
        drain(filling, keep_some);
        measure(worker, &memory->kept_bytes, &memory->after_free_rss_bytes);
    }
}

static void return_all(struct bench_worker *worker) {
    fill_and_drain(worker, false);
}

static void return_most(struct bench_worker *worker) {
    fill_and_drain(worker, true);
}

/* Light activity on every thread for half a second. */
static void settle(struct bench_worker *worker) {
    for (unsigned step = 0; step < SETTLE_STEPS; step++) {
        bench_sleep_ns(SETTLE_STEP_NS);
        for (unsigned i = 0; i < STEP_BLOCKS; i++) {
            size_t size_bytes = bench_random_between(&worker->random, MIN_BYTES, MAX_BYTES);
            bench_block_release(bench_block_create(size_bytes), size_bytes);
        }
    }
}

static void filling_teardown(struct bench_worker *worker) {
    struct filling *filling = worker->state;
    size_t held;
    settle(worker);
    measure(worker, &held, &worker->run->memory.settled_rss_bytes);
    drain(filling, false);
    bench_table_release(filling->blocks, filling->block_count * sizeof *filling->blocks);
}

const struct bench_workload workload_return_all = {
    .name = "return-all",
    .summary = "256 MiB of 16 to 1008 bytes filled, all freed: RSS right after",
    .operation = "malloc and free",
    .kind = BENCH_MEMORY,
    .min_threads = 1,
    .thread_multiple = 1,
    .prepare = fillings_prepare,
    .setup = filling_setup,
    .body = return_all,
    .teardown = filling_teardown,
    .finish = fillings_finish,
};

const struct bench_workload workload_return_most = {
    .name = "return-most",
    .summary = "the same, with one session of 512 blocks in ten kept",
    .operation = "malloc and free",
    .kind = BENCH_MEMORY,
    .min_threads = 1,
    .thread_multiple = 1,
    .prepare = fillings_prepare,
    .setup = filling_setup,
    .body = return_most,
    .teardown = filling_teardown,
    .finish = fillings_finish,
};
