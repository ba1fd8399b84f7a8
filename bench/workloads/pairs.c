/* SPDX-License-Identifier: MIT */
/*
 * malloc/free pairs of one small size: depth 1 frees each block at once, depth
 * 64 takes 64 and frees them in the order they came. The shortest way through
 * an allocator.
 */
#include "harness/block.h"
#include "workloads/workloads.h"

#define PAIR_BYTES 64u
#define DEPTH 64u
#define CHUNK 4096u

static void pairs_1(struct bench_worker *worker) {
    for (uint64_t n; (n = bench_more(worker, CHUNK)) != 0;) {
        for (uint64_t i = 0; i < n; i++)
            bench_block_release(bench_block_create(PAIR_BYTES), PAIR_BYTES);
    }
}

static void pairs_64(struct bench_worker *worker) {
    void *blocks[DEPTH];
    for (uint64_t left, n; (left = bench_more(worker, CHUNK)) != 0;) {
        for (; left != 0; left -= n) {
            n = left < DEPTH ? left : DEPTH;
            for (uint64_t i = 0; i < n; i++)
                blocks[i] = bench_block_create(PAIR_BYTES);
            for (uint64_t i = 0; i < n; i++)
                bench_block_release(blocks[i], PAIR_BYTES);
        }
    }
}

const struct bench_workload workload_pairs_1 = {
    .name = "pairs-1",
    .summary = "malloc(64) and free at once",
    .operation = "malloc and free",
    .kind = BENCH_SPEED,
    .min_threads = 1,
    .thread_multiple = 1,
    .body = pairs_1,
};

const struct bench_workload workload_pairs_64 = {
    .name = "pairs-64",
    .summary = "64 times malloc(64), then 64 times free",
    .operation = "malloc and free",
    .kind = BENCH_SPEED,
    .min_threads = 1,
    .thread_multiple = 1,
    .body = pairs_64,
};
