/* SPDX-License-Identifier: MIT */
/* Locks with ranks: see lock.h. Layer 0. */
#include "base/lock.h"

#include "base/atomic.h"
#include "base/bitmap.h"
#include "base/check.h"
#include "base/compiler.h"
#include "base/futex.h"

enum { SPIN_COUNT = 64 };

enum { LOCK_FREE = 0, LOCK_HELD = 1, LOCK_HELD_SLEEPERS = 2 };

/* hak_lock_hold_all. */
static __thread bool holds_all;

/* Checked builds only: how many locks of each rank this thread holds, and of which ranks
 * it holds any. */
static __thread uint32_t held_by_rank[HAK_LOCK_RANK_COUNT];
static __thread uint32_t ranks_held;

_Static_assert(HAK_LOCK_RANK_COUNT <= 32, "a bit a rank");

HAK_UNUSED HAK_INLINE uint32_t highest_rank_held(void) {
    return ranks_held == 0 ? (uint32_t)HAK_LOCK_RANK_NONE : hak_bit_highest32(ranks_held);
}

HAK_INLINE void note_acquired(struct hak_lock *lock) {
    if (HAK_CHECK_LEVEL >= 1) {
        held_by_rank[lock->rank]++;
        ranks_held |= 1u << lock->rank;
    }
}

HAK_INLINE void note_released(struct hak_lock *lock, uint32_t still_held) {
    if (HAK_CHECK_LEVEL >= 1) {
        held_by_rank[lock->rank] = still_held;
        ranks_held &= still_held == 0 ? ~(1u << lock->rank) : UINT32_MAX;
    }
}

void hak_lock_init(struct hak_lock *lock, enum hak_lock_rank rank) {
    hak_store_relaxed(&lock->word, (uint32_t)LOCK_FREE); /* not shared yet */
    lock->rank = (uint16_t)rank;
    lock->order = 0;
}

/* Relaxed look first: spinning must not pull the line away from the holder. */
static bool spin_for_lock(struct hak_lock *lock) {
    for (int i = 0; i < SPIN_COUNT; i++) {
        uint32_t expected = LOCK_FREE;
        if (hak_load_relaxed(&lock->word) == LOCK_FREE &&
            hak_cas_acquire(&lock->word, &expected, (uint32_t)LOCK_HELD)) {
            return true;
        }
        hak_cpu_relax();
    }
    return false;
}

static HAK_NOINLINE void acquire_contended(struct hak_lock *lock) {
    if (spin_for_lock(lock)) {
        return;
    }
    /* L1: acquire pairs with the release in L2 and shows what the last holder
     * wrote. Word 2 promises the holder a sleeper. */
    while (hak_exchange_acquire(&lock->word, (uint32_t)LOCK_HELD_SLEEPERS) != LOCK_FREE) {
        hak_futex_wait(&lock->word, LOCK_HELD_SLEEPERS);
    }
}

void hak_lock_acquire_for_fork(struct hak_lock *lock) {
    uint32_t expected = LOCK_FREE;
    /* L1, uncontended. */
    if (hak_unlikely(!hak_cas_acquire(&lock->word, &expected, (uint32_t)LOCK_HELD))) {
        acquire_contended(lock);
    }
    note_acquired(lock);
}

void hak_lock_acquire(struct hak_lock *lock) {
    if (hak_unlikely(holds_all)) {
        return;
    }
    hak_assert(highest_rank_held() < lock->rank, LOCK_ORDER, lock->rank, highest_rank_held());
    hak_lock_acquire_for_fork(lock);
}

bool hak_lock_try_acquire(struct hak_lock *lock) {
    uint32_t expected = LOCK_FREE;
    if (hak_unlikely(holds_all)) {
        return true;
    }
    /* L1, uncontended; taking without waiting cannot close a cycle, so ranks do
     * not matter here. */
    if (!hak_cas_acquire(&lock->word, &expected, (uint32_t)LOCK_HELD)) {
        return false;
    }
    note_acquired(lock);
    return true;
}

void hak_lock_release(struct hak_lock *lock) {
    if (hak_unlikely(holds_all)) {
        return;
    }
    hak_assert(held_by_rank[lock->rank] > 0, LOCK_HELD, lock->rank, 0);
    note_released(lock, held_by_rank[lock->rank] - 1);
    /* L2: release publishes the critical section to L1 of the next holder. */
    if (hak_exchange_release(&lock->word, (uint32_t)LOCK_FREE) == LOCK_HELD_SLEEPERS) {
        hak_futex_wake(&lock->word, 1);
    }
}

void hak_lock_hold_all(bool holds) {
    holds_all = holds;
}

void hak_lock_reset_in_child(struct hak_lock *lock) {
    note_released(lock, 0);
    hak_store_relaxed(&lock->word, (uint32_t)LOCK_FREE); /* the child has one thread */
}

bool hak_lock_is_held(const struct hak_lock *lock) {
    /* Relaxed: the caller holds it itself, or the answer is only a diagnosis. */
    return hak_load_relaxed(&((struct hak_lock *)(uintptr_t)lock)->word) != LOCK_FREE;
}
