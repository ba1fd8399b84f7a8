/* SPDX-License-Identifier: MIT */
/* TLS cache: per thread and class, an array of slots with free blocks. Layer 4.
 *
 *   slots[0]   slots[1] ... slots[count]   slots[count+1] ... slots[capacity]
 *   NULL       blocks, oldest first        empty
 *                                          ^ top               end ^ (one past)
 *
 * Pop reads top[-1]: the NULL below the first block says "empty", so no count is
 * kept. Push compares top with end. Kinds without a cache (not ours, runs,
 * mappings, classes not used yet) have top == end above a shared NULL, so both
 * end in the slow path with the same compare.
 *
 * Only the owning thread touches a cache; `_owned` functions also want the
 * heap's lock, because they move blocks to and from its slabs. A fork may catch
 * the owner between two stores of a push: the block is stored before `top` is
 * (T1), so the child sees the block in the cache or not, never a wrong one. */
#ifndef HAK_TCACHE_TCACHE_H
#define HAK_TCACHE_TCACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/compiler.h"
#include "base/constants.h"
#include "superslab/chain.h"
#include "tcache/adaptive.h"

enum { HAK_TCACHE_REST_EVENTS = 32 }; /* about a SuperSlab of any class, at full batches */

/* By how much all caches of a thread together may exceed their classes' maxima. */
#define HAK_TCACHE_EXCESS_BYTES_MAX (4 * HAK_MIB)

/* What the fast paths touch: 16 bytes, four to a cache line. */
struct hak_tcache_bin {
    void **_Atomic top;              /* owner: the next free slot */
    void **end;                      /* owner: one past the last slot */
};

/* The rest of a class's cache. */
struct hak_tcache_class {
    void **slots;                    /* owner: NULL until first used; slots[0] is NULL */
    struct hak_adaptive sizing;      /* owner */
    uint32_t batch;                  /* owner: blocks the next refill asks for */
    uint64_t event_number;           /* owner: of the last refill or flush of a full cache */
};

struct hak_tcache {
    struct hak_tcache_bin bins[HAK_KIND_COUNT];           /* owner: by kind */
    struct hak_tcache_class classes[HAK_CLASS_COUNT];     /* owner: by class */
    uint64_t event_count;                                 /* owner: of all classes */
    uint64_t refill_count, flush_count;                   /* owner: statistics */
    uint64_t grow_count, shrink_count, remote_free_count; /* owner: statistics */
};

/* A cache of which every kind is empty and full at once: what a thread has
 * before it has a heap, and after it has ended. Read-only. */
extern struct hak_tcache hak_tcache_none;

/* All classes unused. */
void hak_tcache_init(struct hak_tcache *tcache);

/* The block pushed last, or NULL when the cache is empty. */
HAK_INLINE void *hak_tcache_pop(struct hak_tcache *tcache, size_t kind) {
    struct hak_tcache_bin *bin = &tcache->bins[kind];
    void **top = hak_load_relaxed(&bin->top); /* the owner's own */
    void *block = top[-1];
    if (hak_likely(block != NULL)) {
        hak_store_relaxed(&bin->top, top - 1);
    }
    return block;
}

/* False when the cache is full. */
HAK_INLINE bool hak_tcache_push(struct hak_tcache *tcache, size_t kind, void *block) {
    struct hak_tcache_bin *bin = &tcache->bins[kind];
    void **top = hak_load_relaxed(&bin->top); /* the owner's own */
    if (hak_unlikely(top == bin->end)) {
        return false;
    }
    *top = block;
    /* T1: release keeps the block's store before top's for a fork's child. */
    hak_store_release(&bin->top, top + 1);
    return true;
}

/* Blocks in a class's cache, and its slots; 0 when it is not used yet. Owner. */
uint32_t hak_tcache_count(const struct hak_tcache *tcache, uint32_t class_index);
uint32_t hak_tcache_capacity(const struct hak_tcache *tcache, uint32_t class_index);

/* Makes a class usable; false when there is no memory for its slots. */
bool hak_tcache_open_owned(struct hak_tcache *tcache, uint32_t class_index);

/* Asks the chain for `wanted` blocks, clamped to the free slots; counts as a
 * refill for adaptive sizing. Returns how many came: 0 when there is no room, or
 * when the chain would have to expand. */
uint32_t hak_tcache_refill_owned(struct hak_tcache *tcache, struct hak_chain *chain,
                                 uint32_t class_index, uint32_t wanted, uint64_t now_ns);

/* What the next refill of the class should ask for. */
uint32_t hak_tcache_wanted(const struct hak_tcache *tcache, uint32_t class_index);

/* Makes room in a full cache: gives the older half back. Counts as a refill. */
void hak_tcache_flush_full_owned(struct hak_tcache *tcache, struct hak_chain *chain,
                                 uint32_t class_index, uint64_t now_ns);

/* Gives the oldest blocks back until `keep` remain; returns how many it gave. */
uint32_t hak_tcache_flush_owned(struct hak_tcache *tcache, struct hak_chain *chain,
                                uint32_t class_index, uint32_t keep);

/* Gives back what a first refill would not fetch, for the thread that adopts the
 * heap: it finds the newest blocks of each class, and a refill and a flush a class
 * are saved. */
void hak_tcache_flush_for_adoption_owned(struct hak_tcache *tcache, struct hak_chain *chain);

/* Gives everything back; returns how many blocks. */
uint32_t hak_tcache_flush_all_owned(struct hak_tcache *tcache, struct hak_chain *chain);

/* Gives back the blocks of every class whose cache rests: it was neither refilled
 * nor full while the others were so HAK_TCACHE_REST_EVENTS times. Each of these
 * blocks may be all that keeps a slab from being released; a class that is in use
 * all the same is refilled once. Returns how many blocks it gave. */
uint32_t hak_tcache_flush_resting_owned(struct hak_tcache *tcache, struct hak_chain *chain);

/* Adaptive sizing: decides for one class and does it. */
void hak_adapt_tls_cache_size(struct hak_tcache *tcache, struct hak_chain *chain,
                              uint32_t class_index, uint64_t now_ns);

/* Adapts each class whose window is older than the time threshold: a class that
 * is not refilled any more would otherwise keep its slots and blocks for good.
 * Cheap; call it about once a second. */
void hak_tcache_adapt_idle_owned(struct hak_tcache *tcache, struct hak_chain *chain,
                                 uint64_t now_ns);

/* What adaptive sizing may grow a class to at present: its maximum; or, while what the
 * thread takes and gives back swings (hak_adaptive_is_swinging) often enough that growth
 * pays (hak_adaptive_growth_pays), its swing maximum, as far as all caches together may
 * exceed theirs. With HAKMEM_ADAPTIVE_REUSE no more than the capacity unless growth pays.
 * At least the capacity. Owner. */
uint32_t hak_tcache_capacity_limit(const struct hak_tcache *tcache, uint32_t class_index);

/* Doubles a class's slots; false, with nothing changed, at that limit or
 * without memory. */
bool hak_grow_tls_cache(struct hak_tcache *tcache, uint32_t class_index);

/* Halves a class's slots, first giving back every block beyond the new
 * capacity; false, at the same capacity, at the minimum or without memory for the
 * smaller array (the blocks are given back even so). */
bool hak_shrink_tls_cache(struct hak_tcache *tcache, struct hak_chain *chain,
                          uint32_t class_index);

/* Reports the first broken invariant of one class's cache, or of all. Owner;
 * checked builds. */
void hak_tcache_class_verify(const struct hak_tcache *tcache, uint32_t class_index);
void hak_tcache_verify(const struct hak_tcache *tcache);

/* Reports a block of the cache that is in another place as well: in a slot twice, freed, the
 * program's, or free in a slab of `chain`, which is the same heap's. The cache has been
 * verified. Owner; checked builds. */
void hak_tcache_verify_places(const struct hak_tcache *tcache, const struct hak_chain *chain);

/* Marks every block of a verified cache in its slab, and takes the marks back: see
 * hak_slab_mark_cached(). What looks at slabs in between sees which blocks are cached. Owner,
 * or quiescent; checked builds. */
void hak_tcache_mark(const struct hak_tcache *tcache);
void hak_tcache_unmark(const struct hak_tcache *tcache);

#endif
