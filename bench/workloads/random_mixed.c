/* SPDX-License-Identifier: MIT */
/*
 * Blocks that live in a table and are replaced at random: small ones of 16 to
 * 1024 bytes with 8192 alive, and mid-sized ones of 64 KiB to 1 MiB with 32
 * alive, which no cache of small blocks helps with.
 */
#include "harness/block.h"
#include "workloads/workloads.h"
#include "harness/random.h"

#define MIXED_SLOTS 8192u
#define MID_SLOTS 32u
#define MIXED_TABLE_BYTES (MIXED_SLOTS * sizeof(struct bench_slot))
#define KIB ((size_t)1024)

static void mixed_setup(struct bench_worker *worker) {
    struct bench_slot *slots = bench_table_create(MIXED_TABLE_BYTES);
    for (size_t i = 0; i < MIXED_SLOTS; i++)
        bench_slot_fill(&slots[i], bench_random_between(&worker->random, 16, 1024));
    worker->state = slots;
}

static void slots_teardown(struct bench_worker *worker) {
    struct bench_slot *slots = worker->state;
    for (size_t i = 0; i < MIXED_SLOTS; i++)
        bench_slot_empty(&slots[i]);
    bench_table_release(slots, MIXED_TABLE_BYTES);
}

static void mixed(struct bench_worker *worker) {
    struct bench_slot *slots = worker->state;
    uint64_t random = worker->random;
    for (uint64_t n; (n = bench_more(worker, 1024)) != 0;) {
        for (uint64_t i = 0; i < n; i++) {
            struct bench_slot *slot = &slots[bench_random_below(&random, MIXED_SLOTS)];
            bench_slot_empty(slot);
            bench_slot_fill(slot, bench_random_between(&random, 16, 1024));
        }
    }
}

static void mid_setup(struct bench_worker *worker) {
    worker->state = bench_table_create(MIXED_TABLE_BYTES);
}

static void mid(struct bench_worker *worker) {
    struct bench_slot *slots = worker->state;
    uint64_t random = worker->random;
    for (uint64_t n; (n = bench_more(worker, 32)) != 0;) {
        for (uint64_t i = 0; i < n; i++) {
            struct bench_slot *slot = &slots[bench_random_below(&random, MID_SLOTS)];
            bench_slot_empty(slot);
            bench_slot_fill(slot, bench_random_between(&random, 64 * KIB, 1024 * KIB));
            /* As a program that puts a record at the front, the middle and the end. */
            char *bytes = slot->block;
            bytes[slot->size_bytes / 2] = 1;
            bytes[slot->size_bytes - 1] = 1;
        }
    }
}

const struct bench_workload workload_random_mixed = {
    .name = "random-mixed",
    .summary = "8192 live blocks of 16 to 1024 bytes, replaced at random",
    .operation = "free and malloc",
    .kind = BENCH_SPEED,
    .min_threads = 1,
    .thread_multiple = 1,
    .setup = mixed_setup,
    .body = mixed,
    .teardown = slots_teardown,
};

const struct bench_workload workload_mid_sizes = {
    .name = "mid-sizes",
    .summary = "32 live blocks of 64 KiB to 1 MiB, replaced at random",
    .operation = "free and malloc",
    .kind = BENCH_SPEED,
    .min_threads = 1,
    .thread_multiple = 1,
    .setup = mid_setup,
    .body = mid,
    .teardown = slots_teardown,
};
