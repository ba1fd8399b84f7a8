/* SPDX-License-Identifier: MIT */
/* What the scenarios for hakmem share: chains and heaps to start from, the release build's fast
 * paths, and the invariants (who holds which block: held.h). */
#ifndef HUNT_SCENARIOS_SUPPORT_H
#define HUNT_SCENARIOS_SUPPORT_H

#include "hunt.h"

#include "base/constants.h"
#include "base/size_class.h"
#include "heap/heap.h"
#include "heap/heap_start.h"
#include "os/os_thread.h"
#include "region/region_map.h"
#include "superslab/chain.h"

#include "held.h"

/* The class that most scenarios use: 8 blocks a slab, one granule, one word a bitmap. */
enum { SMALL_SIZE = 8192, SMALL_COUNT = 8, SMALL_CLASS = 32 };
#define SMALL_KIND ((enum hak_kind)(SMALL_CLASS + HAK_KIND_CLASS_FIRST))

/* What malloc's blocks of these sizes are aligned to. */
enum { ALIGNMENT = 16 };

/* The calling thread has the block from here on (held.h); NULL stays NULL. */
static inline void *got(void *block, size_t size_bytes) {
    if (block != NULL)
        held_add(block, size_bytes, ALIGNMENT);
    return block;
}

/* As got(), of a run or a mapping. */
static inline void *got_large(void *block, size_t size_bytes, size_t alignment_bytes,
                              bool is_zero) {
    if (block != NULL)
        (is_zero ? held_add_zeroed : held_add)(block, size_bytes, alignment_bytes);
    return block;
}

/* ---- chains without heaps ---- */

/* The region map, and a chain with one SuperSlab whose first slab, of SMALL_CLASS, is all handed
 * out: to `blocks`, each held. */
void chain_setup(struct hak_chain *chain, void *blocks[SMALL_COUNT]);

/* Frees one block as a thread that owns no slab does. */
void free_remotely(void *block);

/* Step invariant: the pending stack holds only the chain's slabs, each once. */
void chain_step(const struct hak_chain *chain);

/* Called by the chain's owner between its calls, as its heap's lock would be free then: the chain
 * is whole, wherever the other threads are. No scheduling point. */
void chain_left(const struct hak_chain *chain);

/* Quiescent invariant: after a collection every block is free or held. */
void chain_quiescent(struct hak_chain *chain);

/* ---- heaps ---- */

/* Starts the allocator and makes a heap that belongs to nobody yet, with `count` blocks of
 * SMALL_CLASS handed out of it. */
struct hak_heap *heap_setup(void *blocks[], unsigned count);

/* Makes the heap the calling thread's, as hak_heap_current() would have. */
void heap_attach(struct hak_heap *heap);

/* Step invariant of every heap there is: the pending stacks, and modules_step(). Quiescent: the
 * walk over everything, every block outside of caches is held, and large_quiescent(). */
void heaps_step(void);
void heaps_quiescent(void);

/* ---- every module ---- */

/* Step invariant (steps.c): what a lock guards is whole each time it is released. */
void modules_step(void);

/* Quiescent: tags are whole, each run and mapping is held, and all address space is somebody's. */
void large_quiescent(void);

/* malloc and free as the release build has them. */
static inline void *front_alloc(size_t size_bytes) {
    size_t kind = hak_class_of(size_bytes) + HAK_KIND_CLASS_FIRST;
    void *block = hak_tcache_pop(hak_tls, kind);
    return got(block != NULL ? block : hak_heap_alloc_slow(size_bytes, NULL), size_bytes);
}

static inline void front_free(void *block) {
    held_remove(block);
    if (!hak_tcache_push(hak_tls, hak_region_kind(block), block))
        hak_heap_free_slow(block);
}

/* ---- fork (binding.c) ---- */

struct fork_handlers {
    void (*prepare)(void), (*parent)(void), (*child)(void);
};
extern struct fork_handlers fork_handlers;

#endif
