/* SPDX-License-Identifier: MIT */
/**
 * @file mixed.c
 * Random calls of the whole family on a table per thread; now and then a block
 * changes places with one that another thread left in the mailbox.
 */
#include "../common/exchange.h"
#include "scenarios.h"

enum { BLOCKS = 512, SIZE_MAX_BYTES = 64 * 1024, MAILBOX_SLOTS = 256 };

static void operate(struct stress_worker *worker, struct stress_mailbox *mailbox,
                    struct stress_block *block) {
    struct stress_random *random = &worker->random;
    uint64_t dice = stress_random_below(random, 100);
    if (block->memory == NULL) {
        stress_block_create(worker, block, stress_random_size(random, 1, SIZE_MAX_BYTES));
    } else if (dice < 60) {
        stress_block_free(worker->run, block);
    } else if (dice < 75) {
        stress_block_realloc(worker, block, stress_random_size(random, 1, SIZE_MAX_BYTES));
    } else {
        stress_mailbox_swap(mailbox, random, block);
    }
}

void stress_mixed_body(struct stress_worker *worker, void *context) {
    struct stress_block *blocks =
        stress_pages_create(worker->run, BLOCKS * sizeof(struct stress_block));
    do {
        size_t place = stress_random_below(&worker->random, BLOCKS);
        operate(worker, context, &blocks[place]);
    } while (stress_worker_step(worker));
    stress_blocks_free(worker->run, blocks, BLOCKS);
    stress_pages_destroy(blocks, BLOCKS * sizeof(struct stress_block));
}

void stress_scenario_mixed(struct stress_run *run) {
    struct stress_mailbox mailbox;
    stress_mailbox_init(&mailbox, run, MAILBOX_SLOTS);
    stress_threads_run(run, stress_mixed_body, &mailbox);
    stress_mailbox_destroy(&mailbox, run);
}
