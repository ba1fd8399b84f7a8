/* SPDX-License-Identifier: MIT */
/*
 * An idle program: a thousand small blocks and nothing else. What an allocator
 * costs a process that hardly uses it; compare start and end RSS.
 */
#include "harness/block.h"
#include "workloads/workloads.h"

#define BLOCKS 1000u
#define BLOCK_BYTES 48u

/* Once, whatever the budget: doing it again would no longer be idle. */
static void idle(struct bench_worker *worker) {
    void *blocks[BLOCKS];
    struct bench_memory *memory = &worker->run->memory;
    bench_more_together(worker, 1);
    for (size_t i = 0; i < BLOCKS; i++)
        blocks[i] = bench_block_create(BLOCK_BYTES);
    if (worker->index == 0)
        memory->full_rss_bytes = bench_rss_off_clock(worker);
    for (size_t i = 0; i < BLOCKS; i++)
        bench_block_release(blocks[i], BLOCK_BYTES);
    if (worker->index == 0)
        memory->after_free_rss_bytes = bench_rss_off_clock(worker);
}

const struct bench_workload workload_idle = {
    .name = "idle",
    .summary = "1000 blocks of 48 bytes and nothing else: the footprint of being there",
    .operation = "round of 1000 blocks",
    .kind = BENCH_MEMORY,
    .min_threads = 1,
    .thread_multiple = 1,
    .body = idle,
};
