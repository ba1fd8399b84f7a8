/* SPDX-License-Identifier: MIT */
/* Locks with ranks. Layer 0.
 *
 * A thread takes locks in rising rank only; checked builds verify it at every
 * acquisition (invariant LOCK_ORDER), so a deadlock by lock order cannot hide
 * until two threads meet. fork() takes all locks in rank order.
 *
 * A lock is one word: 0 free, 1 held, 2 held with sleepers (Drepper, "Futexes
 * are tricky", 2011, mutex 2). It is not recursive and not fair. No function
 * allocates. */
#ifndef HAK_BASE_LOCK_H
#define HAK_BASE_LOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* The one order of all locks of the allocator. */
enum hak_lock_rank {
    HAK_LOCK_RANK_NONE = 0,
    HAK_LOCK_RANK_INIT,          /* start-up */
    HAK_LOCK_RANK_BIRTH,         /* making a heap */
    HAK_LOCK_RANK_HEAP,          /* one heap's slow path */
    HAK_LOCK_RANK_ABANDONED,     /* the list of heaps without a thread */
    HAK_LOCK_RANK_L25_GROW,      /* the number of L2.5 shards */
    HAK_LOCK_RANK_L25_SHARD,     /* one L2.5 shard */
    HAK_LOCK_RANK_BIG,           /* the BigCache */
    HAK_LOCK_RANK_POOL,          /* empty SuperSlabs */
    HAK_LOCK_RANK_META,          /* the metadata arena */
    HAK_LOCK_RANK_REGION,        /* the region map's second level */
    HAK_LOCK_RANK_COUNT
};

struct hak_lock {
    _Atomic uint32_t word;       /* atomic: 0, 1 or 2, as above */
    uint16_t rank;               /* const */
    uint16_t order;              /* const: breaks ties between locks of one rank */
};

#define HAK_LOCK_INIT(rank_) {.word = 0, .rank = (rank_), .order = 0}

void hak_lock_init(struct hak_lock *lock, enum hak_lock_rank rank);
void hak_lock_acquire(struct hak_lock *lock);
bool hak_lock_try_acquire(struct hak_lock *lock);
void hak_lock_release(struct hak_lock *lock);

/* As acquire, without the check of ranks: for fork(), which takes every heap's
 * lock, all of one rank, in the order of their numbers. */
void hak_lock_acquire_for_fork(struct hak_lock *lock);

/* While `holds`, acquiring and releasing do nothing for the calling thread: it
 * has taken every lock for fork(), and other libraries' fork handlers, which may
 * run between ours and the fork itself, may allocate. */
void hak_lock_hold_all(bool holds);

/* In the child of a fork only: makes the lock free whoever held it. */
void hak_lock_reset_in_child(struct hak_lock *lock);

/* True when some thread holds it: what `_locked` functions assert. */
bool hak_lock_is_held(const struct hak_lock *lock);

#endif
