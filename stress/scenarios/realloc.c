/* SPDX-License-Identifier: MIT */
/**
 * @file realloc.c
 * Blocks that change size: by a byte around a boundary, by half, by double, to
 * another tier. Some were made by another thread, some by calloc or aligned.
 */
#include "../common/exchange.h"
#include "scenarios.h"

enum { BLOCKS = 48, SIZE_MAX_BYTES = 3 * 1024 * 1024, MAILBOX_SLOTS = 32 };

static size_t clamp(size_t size_bytes) {
    if (size_bytes < 1) {
        return 1;
    }
    return size_bytes > SIZE_MAX_BYTES ? SIZE_MAX_BYTES : size_bytes;
}

static size_t next_size(struct stress_random *random, size_t size_bytes) {
    switch (stress_random_below(random, 6)) {
    case 0:
        return clamp(size_bytes + 1);
    case 1:
        return clamp(size_bytes - 1);
    case 2:
        return clamp(size_bytes / 2);
    case 3:
        return clamp(size_bytes + size_bytes / 2);
    case 4: /* the boundary below, at it, just past it */
        return clamp(((size_t)1 << (63 - __builtin_clzll(size_bytes))) - 1 +
                     stress_random_below(random, 3));
    default:
        return stress_random_size(random, 1, SIZE_MAX_BYTES);
    }
}

static void operate(struct stress_worker *worker, struct stress_mailbox *mailbox,
                    struct stress_block *block) {
    struct stress_random *random = &worker->random;
    uint64_t dice = stress_random_below(random, 100);
    if (block->memory == NULL) {
        stress_block_create(worker, block, stress_random_size(random, 1, 4096));
    } else if (dice < 80) {
        stress_block_realloc(worker, block, next_size(random, block->size_bytes));
    } else if (dice < 90) {
        stress_mailbox_swap(mailbox, random, block);
    } else {
        stress_block_free(worker->run, block);
    }
}

static void realloc_body(struct stress_worker *worker, void *context) {
    struct stress_block blocks[BLOCKS] = {0};
    do {
        operate(worker, context, &blocks[stress_random_below(&worker->random, BLOCKS)]);
    } while (stress_worker_step(worker));
    stress_blocks_free(worker->run, blocks, BLOCKS);
}

void stress_scenario_realloc(struct stress_run *run) {
    struct stress_mailbox mailbox;
    stress_mailbox_init(&mailbox, run, MAILBOX_SLOTS);
    stress_threads_run(run, realloc_body, &mailbox);
    stress_mailbox_destroy(&mailbox, run);
}
