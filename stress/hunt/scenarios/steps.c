/* SPDX-License-Identifier: MIT */
/*
 * The modules' own invariants, those that hold whenever nobody is inside: at each scheduling point
 * at which a lock has just been released, all that it guards. What a lock guards changes only under
 * it (a change without it is a data race, and reported as such), so between two releases there is
 * nothing new to see. What other threads change without the lock, the pending stacks and the remote
 * words, is looked at by chain_step() at every point. Not observed.
 */
#include "engine/engine.h"

#include "base/lock.h"
#include "big/big_cache.h"
#include "l25/l25_shard.h"
#include "support.h"
#include "superslab/pool.h"

void __real_hak_lock_init(struct hak_lock *lock, enum hak_lock_rank rank);
void __wrap_hak_lock_init(struct hak_lock *lock, enum hak_lock_rank rank);
void __real_hak_lock_hold_all(bool holds);

static const struct hak_lock *first_shard_lock;

/* The shards are one array of the pool's own: the lowest of their locks tells where it begins. */
void __wrap_hak_lock_init(struct hak_lock *lock, enum hak_lock_rank rank) {
    if (rank == HAK_LOCK_RANK_L25_SHARD && (first_shard_lock == NULL || lock < first_shard_lock))
        first_shard_lock = lock;
    __real_hak_lock_init(lock, rank);
}

/* The engine's lock is still the thread's, so nobody is inside; the allocator's is free already. */
static const struct hak_lock *just_released(void) {
    const struct hunt_event *event = &hunt.current->pending;
    return event->kind == HUNT_OP_UNLOCK ? (const struct hak_lock *)event->addr : NULL;
}

static void verify_shard(const struct hak_lock *lock) {
    size_t offset = (size_t)((const char *)lock - (const char *)first_shard_lock);
    const char *shard = (const char *)lock - offsetof(struct hak_l25_shard, lock);
    hak_l25_shard_verify_locked((const struct hak_l25_shard *)(const void *)shard,
                                (uint32_t)(offset / sizeof(struct hak_l25_shard)));
}

static void verify_heap(const struct hak_lock *lock) {
    const char *at = (const char *)lock - offsetof(struct hak_heap, lock);
    const struct hak_heap *heap = (const struct hak_heap *)(const void *)at;
    hak_chain_verify_all(&heap->chain);
    hak_tcache_verify(&heap->tcache);
}

static void verify_guarded_by(const struct hak_lock *lock) {
    switch (lock->rank) {
    case HAK_LOCK_RANK_HEAP:
        verify_heap(lock);
        break;
    case HAK_LOCK_RANK_ABANDONED:
        hak_heap_verify_lists_quiescent();
        break;
    case HAK_LOCK_RANK_L25_SHARD:
        verify_shard(lock);
        break;
    case HAK_LOCK_RANK_BIG:
        hak_big_cache_verify();
        break;
    case HAK_LOCK_RANK_POOL:
        hak_pool_verify();
        break;
    default: /* start, birth, the number of shards, metadata, leaves: no predicates */
        break;
    }
}

void chain_left(const struct hak_chain *chain) {
    hunt.quiet++;
    hak_chain_verify_all(chain);
    hunt.quiet--;
}

void modules_step(void) {
    const struct hak_lock *lock = just_released();
    if (lock == NULL)
        return;
    __real_hak_lock_hold_all(true); /* the predicates take no locks: this one cannot be taken */
    verify_guarded_by(lock);
    __real_hak_lock_hold_all(false);
}
