/* SPDX-License-Identifier: MIT */
/**
 * @file expand.c
 * Each thread holds so many blocks of one size that more than 100 slabs of 64
 * KiB are in use at once, which takes a chain of SuperSlabs. Then the blocks are
 * freed in random order, half of them by the neighbour.
 */
#include "hakmem.h"

#include "../common/block.h"
#include "scenarios.h"

enum { SLABS_HELD = 112, SLAB_BYTES = 64 * 1024, SUPERSLAB_BYTES = 2 * 1024 * 1024 };
enum { BLOCKS_MAX = SLABS_HELD * SLAB_BYTES / 48 };

static const size_t sizes_bytes[] = {48, 64, 100, 128, 200, 256, 500, 512, 1000, 1024, 2000, 2048};
enum { SIZE_COUNT = sizeof(sizes_bytes) / sizeof(sizes_bytes[0]) };

/* Present when hakmem is the malloc under test. */
__attribute__((weak)) void hak_stats_read(struct hak_stats *stats);

struct expand {
    struct stress_meeting meeting;
    struct stress_block *tables[STRESS_THREADS_MAX]; /* written by its thread, between meetings */
    size_t counts[STRESS_THREADS_MAX];
};

/** The heaps must hold as many SuperSlabs as the blocks alone fill. */
static void check_chain(const struct stress_run *run, size_t held_bytes) {
    if (hak_stats_read == NULL) {
        return;
    }
    struct hak_stats stats;
    hak_stats_read(&stats);
    if (stats.superslab_count < held_bytes / SUPERSLAB_BYTES || stats.live_bytes < held_bytes) {
        stress_fail(run,
                    "%zu bytes are held, but the statistics say %u SuperSlabs and %llu bytes live",
                    held_bytes, stats.superslab_count, (unsigned long long)stats.live_bytes);
    }
}

static void fill_table(struct stress_worker *worker, struct stress_block *table, size_t count,
                       size_t size_bytes) {
    for (size_t i = 0; i < count; i++) {
        stress_block_malloc(worker, &table[i], size_bytes);
        stress_worker_step(worker);
    }
    stress_blocks_shuffle(&worker->random, table, count);
}

static size_t count_for(size_t size_bytes) {
    return (size_t)SLABS_HELD * SLAB_BYTES / size_bytes;
}

/** Frees `table[from..to)`, counting. */
static void free_part(struct stress_worker *worker, struct stress_block *table, size_t from,
                      size_t to) {
    for (size_t i = from; i < to; i++) {
        stress_block_free(worker->run, &table[i]);
        stress_worker_step(worker);
    }
}

static void play_round(struct stress_worker *worker, struct expand *expand) {
    unsigned self = worker->index;
    unsigned neighbour = (self + 1) % worker->run->thread_count;
    size_t size_bytes = sizes_bytes[stress_random_below(&worker->random, SIZE_COUNT)];
    expand->counts[self] = count_for(size_bytes);
    fill_table(worker, expand->tables[self], expand->counts[self], size_bytes);
    stress_meeting_heap_check(&expand->meeting, worker);
    if (self == 0) {
        check_chain(worker->run, (size_t)worker->run->thread_count * (SLABS_HELD - 1) * SLAB_BYTES);
    }
    stress_meeting_wait(&expand->meeting);
    free_part(worker, expand->tables[self], 0, expand->counts[self] / 2);
    free_part(worker, expand->tables[neighbour], expand->counts[neighbour] / 2,
              expand->counts[neighbour]);
}

static void expand_body(struct stress_worker *worker, void *context) {
    struct expand *expand = context;
    const size_t table_bytes = BLOCKS_MAX * sizeof(struct stress_block);
    expand->tables[worker->index] = stress_pages_create(worker->run, table_bytes);
    do {
        play_round(worker, expand);
    } while (!stress_meeting_is_over(&expand->meeting, worker));
    stress_pages_destroy(expand->tables[worker->index], table_bytes);
}

void stress_scenario_expand(struct stress_run *run) {
    struct expand *expand = stress_pages_create(run, sizeof(*expand));
    stress_meeting_init(&expand->meeting, run);
    stress_threads_run(run, expand_body, expand);
    stress_meeting_destroy(&expand->meeting);
    stress_pages_destroy(expand, sizeof(*expand));
}
