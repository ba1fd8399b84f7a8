/* SPDX-License-Identifier: MIT */
/* Chain: the SuperSlabs and slabs of one heap. Layer 3.
 *
 *   first -> SuperSlab <-> SuperSlab <-> ...      all of them, no ceiling
 *   room  -> those with a free granule
 *   listed[class] -> slabs of the class with a free block
 *   pending -> slabs with remote frees to collect (pushed by any thread)
 *
 * `_owned` functions are for the thread that holds the heap's lock. Blocks go
 * out through take and come back through give, in batches. */
#ifndef HAK_SUPERSLAB_CHAIN_H
#define HAK_SUPERSLAB_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/constants.h"
#include "region/purge_policy.h"
#include "superslab/slab.h"
#include "superslab/superslab.h"

struct hak_chain {
    struct hak_slab *listed[HAK_CLASS_COUNT];       /* owner */
    struct hak_superslab *first;                    /* owner */
    struct hak_superslab *room;                     /* owner */
    uint32_t superslab_count;                       /* owner */
    uint32_t squeeze_at;                            /* owner: superslab_count of the next squeeze */
    uint32_t slab_count;                            /* owner */
    uint32_t dirty_granule_count;                   /* owner: sum over the chain */
    struct hak_purge_policy purge;                  /* owner */
    HAK_CACHE_ALIGNED _Atomic(struct hak_slab *) pending; /* atomic: stack, taken whole */
};

void hak_chain_init(struct hak_chain *chain);

/* Moves up to `wanted` blocks of the class to `out`, in such an order that
 * popping from the end gives rising addresses within each slab. Collects remote frees and carves
 * slabs in the SuperSlabs at hand, but does not expand: 0 means that it would
 * have to. */
uint32_t hak_chain_take_owned(struct hak_chain *chain, uint32_t class_index, void **out,
                              uint32_t wanted);

/* Links one more SuperSlab, from the pool or the OS, with exactly its first
 * slab, of `class_index`, in use. NULL, with nothing changed, when there is no
 * memory. */
struct hak_superslab *hak_chain_expand_owned(struct hak_chain *chain, uint32_t class_index);

/* Returns `count` blocks of one kind to their slabs: to `local` where the slab
 * is `chain`'s, as remote frees elsewhere. `chain` may be NULL: then all are
 * remote. Returns how many were remote. A block that is free already, or is not
 * the start of a block of that kind, ends the program. */
uint32_t hak_chain_give_owned(struct hak_chain *chain, enum hak_kind kind, void *const *blocks,
                              uint32_t count);

/* Collects all pending remote frees; returns the number of blocks. */
uint32_t hak_chain_collect_owned(struct hak_chain *chain);

/* Any thread, S1: pushes a slab that announced its first remote free. */
void hak_chain_push_pending(struct hak_chain *chain, struct hak_slab *slab);

/* Releases every empty slab, gives empty SuperSlabs to the pool, and purges
 * what is still free when `purge`. Returns granules purged plus SuperSlabs
 * given. */
uint32_t hak_chain_trim_owned(struct hak_chain *chain, bool purge);

/* Purges the free OS pages of slabs in use, when the chain has grown by an eighth
 * since it did so last: before it takes more from the OS. */
void hak_chain_squeeze_owned(struct hak_chain *chain);

/* Purges free granules down to half of the chain's limit, when more than the limit
 * are resident. For after frees: what is collected because blocks are wanted would
 * be purged just to be taken again. */
void hak_chain_purge_excess_owned(struct hak_chain *chain);

/* Purges what stayed free since the last tick; cheap when it is not yet time. */
void hak_chain_tick_owned(struct hak_chain *chain, uint64_t now_ns);

/* Bytes of the blocks that are handed out (to caches or the program). */
size_t hak_chain_live_bytes_owned(const struct hak_chain *chain);

/* Reports the first broken invariant of the chain's newest SuperSlab (verify),
 * or of all its SuperSlabs and slabs (verify_all). Owner; checked builds. */
void hak_chain_verify(const struct hak_chain *chain);
void hak_chain_verify_all(const struct hak_chain *chain);

/* As verify_all, and what holds only when no thread is freeing remotely. */
void hak_chain_verify_quiescent(const struct hak_chain *chain);

/* Reports the first block that is marked as cached and free in its slab. Owner. */
void hak_chain_verify_marks(const struct hak_chain *chain);

/* Reports the first block of the chain that is not in exactly one place; what is cached is
 * what all threads' caches have marked. `may_miss`: a block may be in none. Quiescent. */
void hak_chain_verify_places_quiescent(const struct hak_chain *chain, bool may_miss);

#endif
