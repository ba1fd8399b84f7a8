/* SPDX-License-Identifier: MIT */
/*
 * Fragmentation over phases: a program whose sizes change. Each phase replaces
 * nine tenths of the live blocks, at random, with blocks of its own sizes, up
 * to the same number of live bytes; the tenth that stays pins what it lies in.
 * RSS at the end against live bytes is the fragmentation.
 */
#include "harness/block.h"
#include "workloads/workloads.h"
#include "harness/random.h"

#define LIVE_BYTES ((size_t)48 * 1024 * 1024)
#define PHASES 8u
#define SMALLEST 48u
#define TABLE_BYTES ((LIVE_BYTES / SMALLEST + 1) * sizeof(struct bench_slot))

struct phase_sizes {
    size_t min_bytes;
    size_t max_bytes;
};

/* Every change moves most memory to classes that had little before. */
static const struct phase_sizes phase_sizes[PHASES] = {
    {96, 160}, {200, 600},  {48, 112},     {1500, 5000},
    {80, 144}, {700, 1400}, {8000, 30000}, {64, 400},
};

struct phased {
    struct bench_slot *slots; /* owner: the first `count` are alive */
    size_t count;             /* owner */
    size_t held_bytes;        /* owner */
    size_t share_bytes;       /* const: this thread's part of LIVE_BYTES */
};

static void phases_prepare(struct bench_run *run) {
    run->shared = bench_table_create(run->threads * sizeof(struct phased));
}

static void phases_finish(struct bench_run *run) {
    bench_table_release(run->shared, run->threads * sizeof(struct phased));
}

static void phases_setup(struct bench_worker *worker) {
    struct phased *all = worker->run->shared;
    struct phased *phased = &all[worker->index];
    phased->slots = bench_table_create(TABLE_BYTES);
    phased->share_bytes = LIVE_BYTES / worker->run->threads;
    worker->state = phased;
}

/* Frees about nine tenths and closes the gaps in the table. */
static void thin_out(struct bench_worker *worker, struct phased *phased) {
    size_t kept = 0;
    for (size_t i = 0; i < phased->count; i++) {
        if (bench_random_below(&worker->random, 10) == 0) {
            phased->slots[kept++] = phased->slots[i];
            continue;
        }
        phased->held_bytes -= phased->slots[i].size_bytes;
        bench_slot_empty(&phased->slots[i]);
    }
    phased->count = kept;
}

static void fill_up(struct bench_worker *worker, struct phased *phased,
                    const struct phase_sizes *sizes) {
    while (phased->held_bytes < phased->share_bytes) {
        struct bench_slot *slot = &phased->slots[phased->count++];
        bench_slot_fill(slot,
                        bench_random_between(&worker->random, sizes->min_bytes, sizes->max_bytes));
        bench_block_touch_pages(slot->block, slot->size_bytes);
        phased->held_bytes += slot->size_bytes;
    }
}

static void measure(struct bench_worker *worker) {
    struct bench_run *run = worker->run;
    struct phased *all = run->shared;
    bench_barrier(run);
    if (worker->index == 0) {
        run->memory.live_bytes = 0;
        for (unsigned i = 0; i < run->threads; i++)
            run->memory.live_bytes += all[i].held_bytes;
        run->memory.full_rss_bytes = bench_rss_off_clock(worker);
    }
    bench_barrier(run);
}

static void phases(struct bench_worker *worker) {
    struct phased *phased = worker->state;
    while (bench_more_together(worker, 1) != 0) {
        for (unsigned phase = 0; phase < PHASES; phase++) {
            thin_out(worker, phased);
            fill_up(worker, phased, &phase_sizes[phase]);
        }
        measure(worker);
    }
}

static void phases_teardown(struct bench_worker *worker) {
    struct phased *phased = worker->state;
    for (size_t i = 0; i < phased->count; i++)
        bench_slot_empty(&phased->slots[i]);
    bench_table_release(phased->slots, TABLE_BYTES);
}

const struct bench_workload workload_phases = {
    .name = "phases",
    .summary = "48 MiB alive through 8 phases of different sizes: fragmentation",
    .operation = "cycle of 8 phases of one thread",
    .kind = BENCH_MEMORY,
    .min_threads = 1,
    .thread_multiple = 1,
    .prepare = phases_prepare,
    .setup = phases_setup,
    .body = phases,
    .teardown = phases_teardown,
    .finish = phases_finish,
};
