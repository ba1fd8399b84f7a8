/* SPDX-License-Identifier: MIT */
/**
 * @file aligned.c
 * Every power of two from 8 bytes to 1 MiB as alignment, with sizes below, at
 * and above it, by all three calls that align.
 */
#include "../common/exchange.h"
#include "scenarios.h"

enum { BLOCKS = 128, ALIGNMENT_BIT_MIN = 3, ALIGNMENT_BIT_MAX = 20, MAILBOX_SLOTS = 64 };

static size_t size_near(struct stress_random *random, size_t alignment_bytes) {
    switch (stress_random_below(random, 4)) {
    case 0:
        return alignment_bytes;
    case 1:
        return alignment_bytes + 1;
    case 2:
        return alignment_bytes - 1;
    default:
        return stress_random_size(random, 1, 2 * alignment_bytes);
    }
}

static void operate(struct stress_worker *worker, struct stress_mailbox *mailbox,
                    struct stress_block *block) {
    struct stress_random *random = &worker->random;
    if (block->memory == NULL) {
        size_t alignment_bytes =
            (size_t)1 << stress_random_between(random, ALIGNMENT_BIT_MIN, ALIGNMENT_BIT_MAX);
        stress_block_aligned(worker, block, alignment_bytes, size_near(random, alignment_bytes));
    } else if (stress_random_chance(random, 25)) {
        stress_mailbox_swap(mailbox, random, block);
    } else if (stress_random_chance(random, 10)) {
        stress_block_realloc(worker, block, stress_random_size(random, 1, block->size_bytes * 2));
    } else {
        stress_block_free(worker->run, block);
    }
}

static void aligned_body(struct stress_worker *worker, void *context) {
    struct stress_block blocks[BLOCKS] = {0};
    do {
        operate(worker, context, &blocks[stress_random_below(&worker->random, BLOCKS)]);
    } while (stress_worker_step(worker));
    stress_blocks_free(worker->run, blocks, BLOCKS);
}

void stress_scenario_aligned(struct stress_run *run) {
    struct stress_mailbox mailbox;
    stress_mailbox_init(&mailbox, run, MAILBOX_SLOTS);
    stress_threads_run(run, aligned_body, &mailbox);
    stress_mailbox_destroy(&mailbox, run);
}
