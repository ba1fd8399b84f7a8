/* SPDX-License-Identifier: MIT */
/**
 * @file churn.c
 * Threads that live for a few dozen calls. Their blocks stay in a mailbox after
 * they are gone, and later ones free them: abandon, adopt, and frees into heaps
 * that nobody owns.
 */
#include "../common/exchange.h"
#include "scenarios.h"

enum { LIFE_MIN = 8, LIFE_MAX = 96, HELD = 16, SIZE_MAX_BYTES = 4096, MAILBOX_SLOTS = 512 };

struct churn {
    struct stress_mailbox mailbox;
};

/** One short thread and what it leaves behind for the next in its place. */
struct mayfly {
    struct stress_worker worker;
    struct churn *churn;
};

static void *mayfly_main(void *argument) {
    struct mayfly *mayfly = argument;
    struct stress_worker *worker = &mayfly->worker;
    struct stress_block held[HELD] = {0};
    uint64_t life = stress_random_between(&worker->random, LIFE_MIN, LIFE_MAX);
    for (uint64_t i = 0; i < life; i++) {
        struct stress_block *block = &held[stress_random_below(&worker->random, HELD)];
        if (block->memory == NULL) {
            stress_block_create(worker, block,
                                stress_random_size(&worker->random, 1, SIZE_MAX_BYTES));
        } else if (stress_random_chance(&worker->random, 50)) {
            stress_mailbox_swap(&mayfly->churn->mailbox, &worker->random, block);
        } else {
            stress_block_free(worker->run, block);
        }
        stress_worker_step(worker);
    }
    for (unsigned i = 0; i < HELD; i++) {
        stress_mailbox_swap(&mayfly->churn->mailbox, &worker->random, &held[i]);
    }
    stress_blocks_free(worker->run, held, HELD);
    return NULL;
}

/** One place: short threads follow each other in it. */
static void churn_body(struct stress_worker *worker, void *context) {
    struct mayfly *mayfly = stress_pages_create(worker->run, sizeof(*mayfly));
    mayfly->worker = *worker; /* the ids of its blocks go on counting */
    mayfly->churn = context;
    do {
        pthread_t thread = stress_thread_start(worker->run, mayfly_main, mayfly);
        pthread_join(thread, NULL);
    } while (!stress_worker_is_over(&mayfly->worker));
    stress_worker_report(&mayfly->worker);
    stress_pages_destroy(mayfly, sizeof(*mayfly));
}

void stress_scenario_churn(struct stress_run *run) {
    struct churn churn;
    stress_mailbox_init(&churn.mailbox, run, MAILBOX_SLOTS);
    stress_threads_run(run, churn_body, &churn);
    stress_mailbox_destroy(&churn.mailbox, run);
}
