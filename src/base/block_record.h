/* SPDX-License-Identifier: MIT */
/* The record that checked builds keep of each block, outside of it. Layer 0: the guard
 * (check/guard.h) writes it, and predicates of lower layers ask it whether the program has
 * the block. */
#ifndef HAK_BASE_BLOCK_RECORD_H
#define HAK_BASE_BLOCK_RECORD_H

#include <stdbool.h>
#include <stdint.h>

/* Requested size, 40 bits; state, 2 bits; the thread that changed it last, 22 bits. */
enum { HAK_RECORD_STATE_SHIFT = 40, HAK_RECORD_THREAD_SHIFT = 42 };
enum hak_record_state { HAK_RECORD_NEVER_USED, HAK_RECORD_LIVE, HAK_RECORD_FREED };

static inline enum hak_record_state hak_record_state_of(uint64_t record) {
    return (enum hak_record_state)(record >> HAK_RECORD_STATE_SHIFT & 3);
}

/* True when the program has the block. */
static inline bool hak_record_is_live(uint64_t record) {
    return hak_record_state_of(record) == HAK_RECORD_LIVE;
}

#endif
