/* SPDX-License-Identifier: MIT */
/*
 * Rings: every block lives until its slot comes round again, 1024 allocations
 * later. Fixed size, sizes of every small class, and calloc.
 */
#include "harness/block.h"
#include "workloads/workloads.h"
#include "harness/random.h"

#define RING_SLOTS 1024u
#define FIXED_BYTES 64u
#define CALLOC_MAX_DOUBLINGS 9u /* 16 bytes to 8 KiB */
#define CHUNK 1024u
#define TABLE_BYTES (RING_SLOTS * sizeof(struct bench_slot))

static void ring_setup(struct bench_worker *worker) {
    worker->state = bench_table_create(TABLE_BYTES);
}

static void ring_teardown(struct bench_worker *worker) {
    struct bench_slot *ring = worker->state;
    for (size_t i = 0; i < RING_SLOTS; i++)
        bench_slot_empty(&ring[i]);
    bench_table_release(ring, TABLE_BYTES);
}

static void ring_fixed(struct bench_worker *worker) {
    struct bench_slot *ring = worker->state;
    for (uint64_t n; (n = bench_more(worker, CHUNK)) != 0;) {
        for (uint64_t i = 0; i < n; i++) {
            bench_slot_empty(&ring[i]);
            bench_slot_fill(&ring[i], FIXED_BYTES);
        }
    }
}

static void ring_varied(struct bench_worker *worker) {
    struct bench_slot *ring = worker->state;
    uint64_t random = worker->random;
    for (uint64_t n; (n = bench_more(worker, CHUNK)) != 0;) {
        for (uint64_t i = 0; i < n; i++) {
            bench_slot_empty(&ring[i]);
            bench_slot_fill(&ring[i], bench_random_skewed(&random, 8, 7));
        }
    }
}

/* calloc's promise is checked where a reused block would break it: both ends. */
static void calloc_slot(struct bench_slot *slot, size_t size_bytes) {
    uint64_t *words = calloc(1, size_bytes);
    if (words == NULL)
        bench_fail_null("calloc", size_bytes);
    size_t last = size_bytes / sizeof *words - 1;
    if ((words[0] | words[last]) != 0)
        bench_fail("calloc(%zu) returned a block that isn't zero", size_bytes);
    words[last] = size_bytes;
    bench_block_mark(words, size_bytes);
    *slot = (struct bench_slot){.block = words, .size_bytes = size_bytes};
}

static void ring_calloc(struct bench_worker *worker) {
    struct bench_slot *ring = worker->state;
    uint64_t random = worker->random;
    for (uint64_t n; (n = bench_more(worker, CHUNK)) != 0;) {
        for (uint64_t i = 0; i < n; i++) {
            bench_slot_empty(&ring[i]);
            calloc_slot(&ring[i], bench_random_skewed(&random, 16, CALLOC_MAX_DOUBLINGS));
        }
    }
}

const struct bench_workload workload_ring_fixed = {
    .name = "ring-fixed",
    .summary = "a ring of 1024 live blocks of 64 bytes",
    .operation = "free and malloc",
    .kind = BENCH_SPEED,
    .min_threads = 1,
    .thread_multiple = 1,
    .setup = ring_setup,
    .body = ring_fixed,
    .teardown = ring_teardown,
};

const struct bench_workload workload_ring_varied = {
    .name = "ring-varied",
    .summary = "a ring of 1024 live blocks of 8 to 1024 bytes, small ones common",
    .operation = "free and malloc",
    .kind = BENCH_SPEED,
    .min_threads = 1,
    .thread_multiple = 1,
    .setup = ring_setup,
    .body = ring_varied,
    .teardown = ring_teardown,
};

const struct bench_workload workload_ring_calloc = {
    .name = "ring-calloc",
    .summary = "a ring of 1024 live blocks from calloc, 16 bytes to 8 KiB",
    .operation = "free and calloc",
    .kind = BENCH_SPEED,
    .min_threads = 1,
    .thread_multiple = 1,
    .setup = ring_setup,
    .body = ring_calloc,
    .teardown = ring_teardown,
};
