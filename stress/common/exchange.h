/* SPDX-License-Identifier: MIT */
/**
 * @file exchange.h
 * How blocks travel between threads: a mailbox (any thread, any slot) and a
 * queue (one producer, one consumer).
 */
#ifndef STRESS_EXCHANGE_H
#define STRESS_EXCHANGE_H

#include "block.h"

enum { STRESS_QUEUE_SLOTS = 128 };

/** A slot of a mailbox. The flag is tried, never waited for, so a thread that
 *  was stopped while holding it stops no other. */
struct stress_slot {
    bool is_busy;              /* atomic: a lock */
    struct stress_block block; /* lock(is_busy) */
};

struct stress_mailbox {
    struct stress_slot *slots; /* const */
    size_t count;              /* const */
};

void stress_mailbox_init(struct stress_mailbox *mailbox, const struct stress_run *run,
                         size_t count);
/** Frees the blocks left in it (verified) and the mailbox. */
void stress_mailbox_destroy(struct stress_mailbox *mailbox, const struct stress_run *run);

/** Exchanges `*block` with what is in a random slot; either may be empty.
 *  Leaves it alone when another thread is at that slot. */
void stress_mailbox_swap(struct stress_mailbox *mailbox, struct stress_random *random,
                         struct stress_block *block);

/** First in, first out; one thread pushes, one thread pops. Zeroes are a valid
 *  empty queue. */
struct stress_queue {
    _Alignas(64) size_t pushed_count; /* atomic: written by the producer */
    _Alignas(64) size_t popped_count; /* atomic: written by the consumer */
    struct stress_block blocks[STRESS_QUEUE_SLOTS];
};

/** False when there is no room. */
bool stress_queue_try_push(struct stress_queue *queue, const struct stress_block *block);
/** False when there is nothing. */
bool stress_queue_try_pop(struct stress_queue *queue, struct stress_block *block);

#endif
