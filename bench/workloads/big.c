/* SPDX-License-Identifier: MIT */
/*
 * Big mappings: blocks of 1 to 32 MiB, four alive, every OS page written. What
 * counts is whether a freed mapping is kept for the next, or unmapped and
 * faulted in anew.
 */
#include "harness/block.h"
#include "workloads/workloads.h"
#include "harness/random.h"

#define BIG_SLOTS 4u
#define MIB ((size_t)1024 * 1024)
#define TABLE_BYTES (BIG_SLOTS * sizeof(struct bench_slot))

static void big_setup(struct bench_worker *worker) {
    worker->state = bench_table_create(TABLE_BYTES);
}

static void big(struct bench_worker *worker) {
    struct bench_slot *slots = worker->state;
    while (bench_more(worker, 1) != 0) {
        struct bench_slot *slot = &slots[bench_random_below(&worker->random, BIG_SLOTS)];
        bench_slot_empty(slot);
        bench_slot_fill(slot, bench_random_skewed(&worker->random, MIB, 5));
        bench_block_touch_pages(slot->block, slot->size_bytes);
    }
}

static void big_teardown(struct bench_worker *worker) {
    struct bench_slot *slots = worker->state;
    for (size_t i = 0; i < BIG_SLOTS; i++)
        bench_slot_empty(&slots[i]);
    bench_table_release(slots, TABLE_BYTES);
}

const struct bench_workload workload_big = {
    .name = "big-mappings",
    .summary = "4 live blocks of 1 to 32 MiB, every OS page written",
    .operation = "free and malloc",
    .kind = BENCH_SPEED,
    .min_threads = 1,
    .thread_multiple = 1,
    .setup = big_setup,
    .body = big,
    .teardown = big_teardown,
};
