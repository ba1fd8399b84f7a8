/* SPDX-License-Identifier: MIT */
/**
 * @file exchange.c
 * The mailbox and the queue.
 */
#include "exchange.h"

void stress_mailbox_init(struct stress_mailbox *mailbox, const struct stress_run *run,
                         size_t count) {
    mailbox->count = count;
    mailbox->slots = stress_pages_create(run, count * sizeof(*mailbox->slots));
}

void stress_mailbox_destroy(struct stress_mailbox *mailbox, const struct stress_run *run) {
    for (size_t i = 0; i < mailbox->count; i++) {
        stress_block_free(run, &mailbox->slots[i].block);
    }
    stress_pages_destroy(mailbox->slots, mailbox->count * sizeof(*mailbox->slots));
}

void stress_mailbox_swap(struct stress_mailbox *mailbox, struct stress_random *random,
                         struct stress_block *block) {
    struct stress_slot *slot = &mailbox->slots[stress_random_below(random, mailbox->count)];
    /* Acquire: pairs with the release below; the block left there, and its
     * contents, become visible. */
    if (__atomic_exchange_n(&slot->is_busy, true, __ATOMIC_ACQUIRE)) {
        return;
    }
    struct stress_block taken = slot->block;
    slot->block = *block;
    *block = taken;
    __atomic_store_n(&slot->is_busy, false, __ATOMIC_RELEASE);
}

bool stress_queue_try_push(struct stress_queue *queue, const struct stress_block *block) {
    size_t pushed = queue->pushed_count;
    /* Acquire: the consumer has read the slot before it is written again. */
    size_t popped = __atomic_load_n(&queue->popped_count, __ATOMIC_ACQUIRE);
    if (pushed - popped == STRESS_QUEUE_SLOTS) {
        return false;
    }
    queue->blocks[pushed % STRESS_QUEUE_SLOTS] = *block;
    /* Release: pairs with the acquire in try_pop; publishes the slot. */
    __atomic_store_n(&queue->pushed_count, pushed + 1, __ATOMIC_RELEASE);
    return true;
}

bool stress_queue_try_pop(struct stress_queue *queue, struct stress_block *block) {
    size_t popped = queue->popped_count;
    size_t pushed = __atomic_load_n(&queue->pushed_count, __ATOMIC_ACQUIRE);
    if (pushed == popped) {
        return false;
    }
    *block = queue->blocks[popped % STRESS_QUEUE_SLOTS];
    /* Release: pairs with the acquire in try_push; the slot may be reused. */
    __atomic_store_n(&queue->popped_count, popped + 1, __ATOMIC_RELEASE);
    return true;
}
