/* SPDX-License-Identifier: MIT */
/**
 * @file shrink.c
 * Hot phases (blocks come and go in large bursts) make adaptive caches grow. Cold
 * phases make them shrink: blocks are only taken, and freed by the neighbour; in
 * runs that are long enough, also slowly, one refill a second, which is what the
 * policy calls cold; or not at all, while another class has one refill a second. A
 * shrink that loses, keeps or returns blocks twice shows in the contents, or in the
 * walk over the invariants at each meeting.
 */
#include "hakmem.h"

#include "../common/block.h"
#include "scenarios.h"

#include <time.h>

enum { BURST = 3000, BURSTS = 6, TAKEN = 9000 };
/* The policy's window is 1 s. The first only makes refills small again, or ends the
 * hot one. */
enum { WINDOWS = 4, WINDOW_MS = 1100, WINDOW_TAKEN_MAX = 4096 };
enum { OTHER_SIZE_BYTES = 1000 };
enum { TABLE = TAKEN + WINDOWS * WINDOW_TAKEN_MAX };
static const size_t sizes_bytes[] = {8, 16, 32, 48, 64, 96, 112, 128};
enum { SIZE_COUNT = sizeof(sizes_bytes) / sizeof(sizes_bytes[0]) };

/* Present when hakmem is the malloc under test. */
__attribute__((weak)) void hak_stats_read(struct hak_stats *stats);

struct shrink {
    struct stress_meeting meeting;
    struct stress_block tables[][TABLE]; /* its thread; after a meeting the neighbour */
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

/** Blocks in the calling thread's caches; 0 where nobody can tell. */
static size_t cached_count(void) {
    struct hak_stats stats;
    size_t count = 0;
    if (hak_stats_read != NULL) {
        hak_stats_read(&stats);
        for (uint32_t i = 0; i < stats.class_count; i++) {
            count += stats.tls_count[i];
        }
    }
    return count;
}

/** Takes blocks up to the first refill: until the cache holds no less than
 *  before. Of a malloc that does not tell, one block. */
static void take_past_refill(struct stress_worker *worker, struct stress_block *table,
                             size_t size_bytes) {
    size_t before, after;
    size_t taken = 0;
    do {
        before = cached_count();
        take(worker, &table[taken], 1, size_bytes);
        taken++;
        after = cached_count();
    } while (after < before && taken < WINDOW_TAKEN_MAX);
}

static bool has_time(const struct stress_run *run) {
    uint64_t needed_ns = (uint64_t)WINDOWS * WINDOW_MS * 1000000U;
    return run->operations_per_thread == 0 && stress_now_ns() + needed_ns < run->deadline_ns;
}

/** `refilled_bytes`: the size that is taken slowly, of the hot class or another. */
static void cold_phase(struct stress_worker *worker, struct stress_block *table, size_t size_bytes,
                       size_t refilled_bytes) {
    const struct timespec window = {WINDOW_MS / 1000, WINDOW_MS % 1000 * 1000000L};
    take(worker, table, TAKEN, size_bytes);
    unsigned window_count = has_time(worker->run) ? WINDOWS : 0;
    for (unsigned i = 0; i < window_count; i++) {
        nanosleep(&window, NULL);
        take_past_refill(worker, &table[TAKEN + i * WINDOW_TAKEN_MAX], refilled_bytes);
    }
}

static void shrink_body(struct stress_worker *worker, void *context) {
    struct shrink *shrink = context;
    unsigned neighbour = (worker->index + 1) % worker->run->thread_count;
    for (bool is_idle = true, is_over = false; !is_over; is_idle = !is_idle) {
        size_t size_bytes = sizes_bytes[stress_random_below(&worker->random, SIZE_COUNT)];
        hot_phase(worker, shrink->tables[worker->index], size_bytes);
        stress_meeting_heap_check(&shrink->meeting, worker);
        cold_phase(worker, shrink->tables[worker->index], size_bytes,
                   is_idle ? OTHER_SIZE_BYTES : size_bytes);
        stress_meeting_heap_check(&shrink->meeting, worker);
        stress_blocks_free(worker->run, shrink->tables[neighbour], TABLE);
        is_over = stress_meeting_is_over(&shrink->meeting, worker);
    }
}

void stress_scenario_shrink(struct stress_run *run) {
    size_t bytes = sizeof(struct shrink) + run->thread_count * sizeof(struct stress_block[TABLE]);
    struct shrink *shrink = stress_pages_create(run, bytes);
    stress_meeting_init(&shrink->meeting, run);
    stress_threads_run(run, shrink_body, shrink);
    stress_meeting_destroy(&shrink->meeting);
    stress_pages_destroy(shrink, bytes);
}
