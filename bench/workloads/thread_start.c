/* SPDX-License-Identifier: MIT */
/*
 * Thread start and exit: each thread allocates a little of several sizes, as a
 * request handler does, frees it and ends. What counts is what a thread's
 * first allocation and its exit cost, in time and in pages touched.
 */
#include "harness/block.h"
#include "workloads/workloads.h"

#define BLOCKS_PER_THREAD 24u

static void *short_life(void *argument) {
    void *blocks[BLOCKS_PER_THREAD];
    for (size_t i = 0; i < BLOCKS_PER_THREAD; i++)
        blocks[i] = bench_block_create(16 + 24 * i);
    for (size_t i = 0; i < BLOCKS_PER_THREAD; i++)
        bench_block_release(blocks[i], 16 + 24 * i);
    return argument;
}

static void thread_start(struct bench_worker *worker) {
    for (uint64_t n; (n = bench_more(worker, 16)) != 0;) {
        for (uint64_t i = 0; i < n; i++)
            pthread_join(bench_thread_start(short_life, NULL), NULL);
    }
}

const struct bench_workload workload_thread_start = {
    .name = "thread-start",
    .summary = "threads that allocate 24 small blocks, free them and exit",
    .operation = "thread",
    .kind = BENCH_SPEED,
    .min_threads = 1,
    .thread_multiple = 1,
    .body = thread_start,
};
