/* SPDX-License-Identifier: MIT */
/**
 * @file big.c
 * Blocks with a mapping of their own, in many sizes so that freed ones are
 * found again, resized in place or moved, and freed by other threads. At the end
 * more of them are freed at once than an allocator should keep.
 */
#include "../common/exchange.h"
#include "scenarios.h"

enum { BLOCKS = 8, MAILBOX_SLOTS = 8 };
enum { SIZE_MIN_BYTES = 1024 * 1024 + 1, COMMON_MAX_BYTES = 2 * 1024 * 1024 };
enum { RARE_MAX_BYTES = 8 * 1024 * 1024 };
enum { BURST_BLOCKS = 20, BURST_BYTES = 8 * 1024 * 1024 };

/** Mostly just above 1 MiB; now and then several. The last byte varies, so
 *  that sizes are seldom whole OS pages. */
static size_t next_size(struct stress_random *random) {
    size_t high = stress_random_chance(random, 10) ? RARE_MAX_BYTES : COMMON_MAX_BYTES;
    return (size_t)stress_random_between(random, SIZE_MIN_BYTES, high);
}

static void operate(struct stress_worker *worker, struct stress_mailbox *mailbox,
                    struct stress_block *block) {
    struct stress_random *random = &worker->random;
    uint64_t dice = stress_random_below(random, 100);
    if (block->memory == NULL) {
        stress_block_create(worker, block, next_size(random));
    } else if (dice < 55) {
        stress_block_free(worker->run, block);
    } else if (dice < 75) {
        stress_block_realloc(worker, block, next_size(random));
    } else {
        stress_mailbox_swap(mailbox, random, block);
    }
}

static void burst(struct stress_worker *worker) {
    struct stress_block blocks[BURST_BLOCKS] = {0};
    for (unsigned i = 0; i < BURST_BLOCKS; i++) {
        stress_block_create(worker, &blocks[i], BURST_BYTES);
    }
    stress_blocks_free(worker->run, blocks, BURST_BLOCKS);
}

static void big_body(struct stress_worker *worker, void *context) {
    struct stress_block blocks[BLOCKS] = {0};
    do {
        operate(worker, context, &blocks[stress_random_below(&worker->random, BLOCKS)]);
        /* One of these costs as much as hundreds of small ones: look at the
         * clock each time. */
        stress_worker_step(worker);
    } while (!stress_worker_is_over(worker));
    stress_blocks_free(worker->run, blocks, BLOCKS);
    if (worker->index == 0) {
        burst(worker);
    }
}

void stress_scenario_big(struct stress_run *run) {
    struct stress_mailbox mailbox;
    stress_mailbox_init(&mailbox, run, MAILBOX_SLOTS);
    stress_threads_run(run, big_body, &mailbox);
    stress_mailbox_destroy(&mailbox, run);
}
