/* SPDX-License-Identifier: MIT */
/*
 * Batches: 4096 allocations, then 4096 frees in the same order. Deeper than any
 * thread cache starts out, so the way between cache and slab is measured too.
 */
#include "harness/block.h"
#include "workloads/workloads.h"
#include "harness/random.h"

#define BATCH 4096u
#define FIXED_BYTES 64u
#define TABLE_BYTES (BATCH * sizeof(struct bench_slot))

static void batch_setup(struct bench_worker *worker) {
    worker->state = bench_table_create(TABLE_BYTES);
}

static void batch_teardown(struct bench_worker *worker) {
    bench_table_release(worker->state, TABLE_BYTES);
}

static void batch_fixed(struct bench_worker *worker) {
    struct bench_slot *batch = worker->state;
    for (uint64_t n; (n = bench_more(worker, BATCH)) != 0;) {
        for (uint64_t i = 0; i < n; i++)
            bench_slot_fill(&batch[i], FIXED_BYTES);
        for (uint64_t i = 0; i < n; i++)
            bench_slot_empty(&batch[i]);
    }
}

static void batch_varied(struct bench_worker *worker) {
    struct bench_slot *batch = worker->state;
    uint64_t random = worker->random;
    for (uint64_t n; (n = bench_more(worker, BATCH)) != 0;) {
        for (uint64_t i = 0; i < n; i++)
            bench_slot_fill(&batch[i], bench_random_between(&random, 16, 1024));
        for (uint64_t i = 0; i < n; i++)
            bench_slot_empty(&batch[i]);
    }
}

const struct bench_workload workload_batch_fixed = {
    .name = "batch-fixed",
    .summary = "batches of 4096 blocks of 64 bytes",
    .operation = "malloc and free",
    .kind = BENCH_SPEED,
    .min_threads = 1,
    .thread_multiple = 1,
    .setup = batch_setup,
    .body = batch_fixed,
    .teardown = batch_teardown,
};

const struct bench_workload workload_batch_varied = {
    .name = "batch-varied",
    .summary = "batches of 4096 blocks of 16 to 1024 bytes",
    .operation = "malloc and free",
    .kind = BENCH_SPEED,
    .min_threads = 1,
    .thread_multiple = 1,
    .setup = batch_setup,
    .body = batch_varied,
    .teardown = batch_teardown,
};
