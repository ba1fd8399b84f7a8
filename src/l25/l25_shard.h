/* SPDX-License-Identifier: MIT */
/* One shard of the L2.5 pool: chunks by their longest free group. Layer 3; for
 * l25*.c and their tests only. `_locked` wants the shard's lock. */
#ifndef HAK_L25_SHARD_H
#define HAK_L25_SHARD_H

#include "base/compiler.h"
#include "base/lock.h"
#include "l25/l25_chunk.h"
#include "region/purge_policy.h"

struct hak_l25_shard {
    HAK_CACHE_ALIGNED struct hak_lock lock;
    struct hak_l25_chunk *by_room[HAK_GRANULES_PER_SUPERSLAB + 1]; /* lock: index longest group */
    uint64_t room_mask;          /* derived: bit n: by_room[n] is not empty; 33 bits */
    uint32_t chunk_count;        /* lock */
    uint32_t run_count;          /* lock */
    uint32_t run_granule_count;  /* lock */
    uint32_t dirty_count;        /* lock: granules */
    struct hak_purge_policy purge; /* lock */
};

/* A run from the chunks at hand, or NULL. */
void *hak_l25_shard_take_locked(struct hak_l25_shard *shard, uint32_t count, uint32_t align,
                                bool *is_zero);

/* Links a new chunk and takes a run from its start. */
void *hak_l25_shard_add_and_take_locked(struct hak_l25_shard *shard, struct hak_l25_chunk *chunk,
                                        uint32_t count, bool *is_zero);

/* Takes a run back. Returns a chunk that became empty and is not needed, now
 * unlinked, for the caller to destroy without the lock; else NULL. */
struct hak_l25_chunk *hak_l25_shard_give_locked(struct hak_l25_shard *shard,
                                                struct hak_l25_chunk *chunk, uint32_t first);

bool hak_l25_shard_resize_locked(struct hak_l25_shard *shard, struct hak_l25_chunk *chunk,
                                 uint32_t first, uint32_t new_count);

void hak_l25_shard_tick_locked(struct hak_l25_shard *shard, uint64_t now_ns);

/* Purges everything; returns the granules. Empty chunks stay. */
uint32_t hak_l25_shard_purge_locked(struct hak_l25_shard *shard);

/* Unlinks and returns an empty chunk, or NULL when there is none. */
struct hak_l25_chunk *hak_l25_shard_take_empty_locked(struct hak_l25_shard *shard);

/* Unlinks and returns an empty chunk without resident memory, if the shard has
 * another empty one; else NULL. */
struct hak_l25_chunk *hak_l25_shard_take_spare_locked(struct hak_l25_shard *shard);

void hak_l25_shard_verify_locked(const struct hak_l25_shard *shard, uint32_t index);

#endif
