/* SPDX-License-Identifier: MIT */
/**
 * @file shrink.c
 * Hot phases (blocks come and go in large bursts) make adaptive caches grow;
 * cold phases (blocks are only taken, and freed by the neighbour, so the cache
 * is empty at each refill) make them shrink. A shrink that loses, keeps or
 * returns blocks twice shows in the contents or in the walk at each meeting.
 */
#include "../common/block.h"
#include "scenarios.h"

enum { BURST = 3000, BURSTS = 6, COLD = 9000 };
static const size_t sizes_bytes[] = {8, 16, 32, 48, 64, 96, 112, 128};
enum { SIZE_COUNT = sizeof(sizes_bytes) / sizeof(sizes_bytes[0]) };

struct shrink {
    struct stress_meeting meeting;
    struct stress_block tables[][COLD];
};

static void take(struct stress_worker *worker, struct stress_block *table, size_t count,
                 size_t size_bytes) {
    for (size_t i = 0; i < count; i++) {
        stress_block_malloc(worker, &table[i], size_bytes);
        stress_worker_step(worker);
    }
}

static void hot_phase(struct stress_worker *worker, struct stress_block *table, size_t size_bytes) {
    for (unsigned i = 0; i < BURSTS; i++) {
        take(worker, table, BURST, size_bytes);
        stress_blocks_shuffle(&worker->random, table, BURST);
        stress_blocks_free(worker->run, table, BURST);
    }
}

static void shrink_body(struct stress_worker *worker, void *context) {
    struct shrink *shrink = context;
    unsigned neighbour = (worker->index + 1) % worker->run->thread_count;
    do {
        size_t size_bytes = sizes_bytes[stress_random_below(&worker->random, SIZE_COUNT)];
        hot_phase(worker, shrink->tables[worker->index], size_bytes);
        stress_meeting_heap_check(&shrink->meeting, worker);
        take(worker, shrink->tables[worker->index], COLD, size_bytes);
        stress_meeting_heap_check(&shrink->meeting, worker);
        stress_blocks_free(worker->run, shrink->tables[neighbour], COLD);
    } while (!stress_meeting_is_over(&shrink->meeting, worker));
}

void stress_scenario_shrink(struct stress_run *run) {
    size_t bytes = sizeof(struct shrink) + run->thread_count * sizeof(struct stress_block[COLD]);
    struct shrink *shrink = stress_pages_create(run, bytes);
    stress_meeting_init(&shrink->meeting, run);
    stress_threads_run(run, shrink_body, shrink);
    stress_meeting_destroy(&shrink->meeting);
    stress_pages_destroy(shrink, bytes);
}
