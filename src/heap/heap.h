/* SPDX-License-Identifier: MIT */
/* Heap: what a thread owns, its TLS caches and its chain of SuperSlabs. Layer 5.
 *
 * Heaps are immortal. A thread without one adopts an abandoned heap, or makes
 * one; a thread that exits flushes its caches and abandons its heap whole. So
 * a slab's heap never dangles, and remote frees need no look at whether the
 * owner still runs.
 *
 * `lock` is held for every slow path, by the owner almost without contention.
 * It is what lets fork() find every heap between two slow paths, and lets other
 * threads read statistics and collect from abandoned heaps. */
#ifndef HAK_HEAP_HEAP_H
#define HAK_HEAP_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/lock.h"
#include "superslab/chain.h"
#include "tcache/tcache.h"

struct hak_heap {
    struct hak_tcache tcache;            /* owner; first, so hak_tls leads to both */
    HAK_CACHE_ALIGNED struct hak_lock lock;
    uint32_t id;                         /* const: from 0, in order of birth */
    bool is_abandoned;                   /* lock(abandoned) */
    uint64_t user;                       /* lock(abandoned): whose it is, 0 when abandoned */
    struct hak_heap *all_next;           /* const: every heap, newest first */
    struct hak_heap *abandoned_next, *abandoned_prev; /* lock(abandoned) */
    uint64_t idle_ns;                    /* owner: when idle classes were last looked at */
    struct hak_chain chain;              /* owner, under lock */
};

/* The calling thread's cache: its heap's, or hak_tcache_none. */
extern __thread struct hak_tcache *hak_tls;

/* --- Life (heap_life.c) -------------------------------------------------- */

/* The calling thread's heap; gives it one if it has none. NULL when the thread
 * has ended (its last key destructors run), or when there is no memory. */
struct hak_heap *hak_heap_current(void);

/* An abandoned heap, or a new one, for the caller to use without attaching it;
 * hak_heap_abandon() ends that. NULL without memory. */
struct hak_heap *hak_heap_borrow(void);
void hak_heap_abandon(struct hak_heap *heap);

/* As hak_heap_current(), but NULL also for a thread that has freed only a few
 * blocks so far and never allocated: threads that are on their way out free what
 * the C library kept for them, and must not leave a heap behind. */
struct hak_heap *hak_heap_current_for_free(void);

/* Gives one block of a size class back without a heap, as a remote free. */
void hak_heap_give_unattached(enum hak_kind kind, void *block);

/* Collects the remote frees of abandoned heaps and gives their empty SuperSlabs
 * to the pool; with `purge` all their free memory to the OS. Returns how many
 * SuperSlabs and granules. The caller may hold its own heap's lock. */
uint32_t hak_heap_reclaim_abandoned(bool purge);

/* Gives back what the caches of abandoned heaps hold, and SuperSlabs that this empties to
 * the pool. The caller holds no lock. */
void hak_heap_flush_abandoned(void);

/* Collects and purges by the clock in every heap, abandoned or a sleeping thread's,
 * whose own slow paths have not done so for two purge delays. The caller holds no
 * heap's lock. */
void hak_heap_tick_idle(uint64_t now_ns);

/* Every heap, newest first, by all_next. Any thread. */
struct hak_heap *hak_heap_first(void);
uint32_t hak_heap_count(void);
uint32_t hak_heap_abandoned_count(void);

/* The thread-exit hook. */
void hak_heap_on_thread_exit(void);

/* The fork handlers' part: heaps and lists. `child` leaves every heap but the
 * caller's abandoned. */
void hak_heap_fork_prepare(void);
void hak_heap_fork_parent(void);
void hak_heap_fork_child(void);

/* Reports the first broken invariant of ownership. Quiescent; checked builds. */
void hak_heap_verify_lists_quiescent(void);

/* True in the child of a fork when other threads had heaps: a block that one of them was just
 * taking from its cache, or putting there, is nowhere. Quiescent; checked builds. */
bool hak_heap_left_threads_behind_quiescent(void);

/* --- Blocks (heap_alloc.c, heap_free.c) ---------------------------------- */

/* A block of any size; what hak_heap_alloc() does when its cache is empty.
 * `*is_zero` (may be NULL) is set when the block is known to read as zero. */
void *hak_heap_alloc_slow(size_t size_bytes, bool *is_zero);

/* A block aligned to `alignment_bytes`, a power of two. */
void *hak_heap_alloc_aligned(size_t size_bytes, size_t alignment_bytes, bool *is_zero);

/* Frees a block when its cache is full, or it has none, or it is not ours. */
void hak_heap_free_slow(void *block);

/* How many bytes a block has; ends the program when `block` is not one of ours,
 * naming `call`. */
size_t hak_heap_block_size(const void *block, const char *call);

/* Resizes a run or mapping where it is (a mapping may move). The block's new
 * address, or NULL when it has to be copied. */
void *hak_heap_resize(void *block, size_t new_size_bytes);

/* What the owner's slow paths do by the clock: purging, and adapting classes
 * that are not used any more. Owner, lock held. */
void hak_heap_tick_owned(struct hak_heap *heap, uint64_t now_ns);

/* The purge clocks of all that threads share; from every slow path, no lock
 * held. Cheap when it is not yet time. */
void hak_heap_tick_shared(uint64_t now_ns);

/* The record of a block for checked builds; NULL when no block starts there. */
_Atomic uint64_t *hak_heap_record(const void *block);

/* Gives back what can be given back now; true if anything was. */
bool hak_heap_trim(void);

#endif
