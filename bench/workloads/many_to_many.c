/* SPDX-License-Identifier: MIT */
/*
 * Many to many: every thread allocates parcels of 120 blocks, swaps each for
 * another thread's parcel in a board of mailboxes, and frees what it got. All
 * frees are remote, from every thread to every other, and nobody waits. The
 * pattern of Lever and Boreham's xmalloc-test (2000), with sizes that reach
 * past where small classes commonly end.
 */
#include "harness/block.h"
#include "workloads/workloads.h"
#include "harness/random.h"

#include <stdatomic.h>

#define PARCEL_BLOCKS 120u
#define MAILBOXES_PER_THREAD 4u
#define MIN_BYTES 16u
#define DOUBLINGS 11u /* to 32 KiB */
#define LARGEST_EVERY 512u
#define LARGEST_BYTES 36864u

struct parcel {
    struct bench_slot slots[PARCEL_BLOCKS]; /* owner: who holds the parcel */
};

struct board {
    size_t mailbox_count;                                                         /* const */
    _Atomic(struct parcel *) mailboxes[BENCH_MAX_THREADS * MAILBOXES_PER_THREAD]; /* atomic */
};

static void board_prepare(struct bench_run *run) {
    struct board *board = bench_table_create(sizeof *board);
    board->mailbox_count = run->threads * MAILBOXES_PER_THREAD;
    for (size_t i = 0; i < board->mailbox_count; i++)
        atomic_init(&board->mailboxes[i], bench_table_create(sizeof(struct parcel)));
    run->shared = board;
}

static void parcel_empty(struct parcel *parcel) {
    for (size_t i = 0; i < PARCEL_BLOCKS; i++)
        bench_slot_empty(&parcel->slots[i]);
}

static void board_finish(struct bench_run *run) {
    struct board *board = run->shared;
    for (size_t i = 0; i < board->mailbox_count; i++) {
        struct parcel *parcel = atomic_load_explicit(&board->mailboxes[i], memory_order_relaxed);
        parcel_empty(parcel);
        bench_table_release(parcel, sizeof *parcel);
    }
    bench_table_release(board, sizeof *board);
}

static void parcel_setup(struct bench_worker *worker) {
    worker->state = bench_table_create(sizeof(struct parcel));
}

static void parcel_teardown(struct bench_worker *worker) {
    parcel_empty(worker->state);
    bench_table_release(worker->state, sizeof(struct parcel));
}

static size_t parcel_size(uint64_t *random) {
    if (bench_random_below(random, LARGEST_EVERY) == 0)
        return LARGEST_BYTES;
    /* The smaller of two draws: most blocks are small, all sizes occur. */
    size_t a = bench_random_skewed(random, MIN_BYTES, DOUBLINGS);
    size_t b = bench_random_skewed(random, MIN_BYTES, DOUBLINGS);
    return a < b ? a : b;
}

static void swap_parcels(struct bench_worker *worker) {
    struct board *board = worker->run->shared;
    struct parcel *parcel = worker->state;
    for (uint64_t n; (n = bench_more(worker, PARCEL_BLOCKS)) != 0;) {
        for (uint64_t i = 0; i < n; i++)
            bench_slot_fill(&parcel->slots[i], parcel_size(&worker->random));
        size_t at = bench_random_below(&worker->random, board->mailbox_count);
        /* acq_rel: publishes our parcel's slots and tags, and takes over another's. */
        parcel = atomic_exchange_explicit(&board->mailboxes[at], parcel, memory_order_acq_rel);
        parcel_empty(parcel);
    }
    worker->state = parcel;
}

const struct bench_workload workload_many_to_many = {
    .name = "many-to-many",
    .summary = "parcels of 120 blocks of 16 bytes to 36 KiB, freed by any other thread",
    .operation = "malloc here, free there",
    .kind = BENCH_SPEED,
    .min_threads = 2,
    .thread_multiple = 1,
    .prepare = board_prepare,
    .setup = parcel_setup,
    .body = swap_parcels,
    .teardown = parcel_teardown,
    .finish = board_finish,
};
