/* SPDX-License-Identifier: MIT */
/**
 * @file l25.c
 * Blocks above the largest size class and up to 1 MiB: all threads at once in
 * the pool of runs, with bursts that contend for its locks.
 */
#include "../common/exchange.h"
#include "scenarios.h"

enum { BLOCKS = 32, MAILBOX_SLOTS = 64, BURST = 16 };
enum { SIZE_MIN_BYTES = 32 * 1024 + 1, SIZE_MAX_BYTES = 1024 * 1024 };

static void operate(struct stress_worker *worker, struct stress_mailbox *mailbox,
                    struct stress_block *block) {
    struct stress_random *random = &worker->random;
    uint64_t dice = stress_random_below(random, 100);
    if (block->memory == NULL) {
        stress_block_create(worker, block,
                            stress_random_size(random, SIZE_MIN_BYTES, SIZE_MAX_BYTES));
    } else if (dice < 60) {
        stress_block_free(worker->run, block);
    } else if (dice < 70) {
        stress_block_realloc(worker, block,
                             stress_random_size(random, SIZE_MIN_BYTES, SIZE_MAX_BYTES));
    } else {
        stress_mailbox_swap(mailbox, random, block);
    }
}

/** The smallest runs, taken and freed with nothing in between: the pool's locks
 *  are all that this waits for. */
static void burst(struct stress_worker *worker) {
    struct stress_block blocks[BURST] = {0};
    for (unsigned i = 0; i < BURST; i++) {
        stress_block_malloc(worker, &blocks[i], SIZE_MIN_BYTES);
    }
    stress_blocks_free(worker->run, blocks, BURST);
}

static void l25_body(struct stress_worker *worker, void *context) {
    struct stress_block blocks[BLOCKS] = {0};
    do {
        operate(worker, context, &blocks[stress_random_below(&worker->random, BLOCKS)]);
        if (stress_random_chance(&worker->random, 5)) {
            burst(worker);
        }
        stress_worker_step(worker);
    } while (!stress_worker_is_over(worker));
    stress_blocks_free(worker->run, blocks, BLOCKS);
}

void stress_scenario_l25(struct stress_run *run) {
    struct stress_mailbox mailbox;
    stress_mailbox_init(&mailbox, run, MAILBOX_SLOTS);
    stress_threads_run(run, l25_body, &mailbox);
    stress_mailbox_destroy(&mailbox, run);
}
