/* SPDX-License-Identifier: MIT */
/* What the scenarios for hakmem share: who holds which block, chains and heaps to start from, the
 * release build's fast paths. */
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

/* The class that most scenarios use: 8 blocks a slab, one granule, one word a bitmap. */
enum { SMALL_SIZE = 8192, SMALL_COUNT = 8, SMALL_CLASS = 32 };
#define SMALL_KIND ((enum hak_kind)(SMALL_CLASS + HAK_KIND_CLASS_FIRST))

/* ---- who holds what (support.c; not observed, no scheduling point) ---- */

/* The calling thread now has the block: a finding when somebody has it already. */
void held_add(const void *block);
/* It is about to give the block back: a finding when nobody has it. */
void held_remove(const void *block);
unsigned held_count(void);

/* Writes to the block as a program would. Plain and observed: if what one thread did with a block
 * is not ordered before what the next one does, it is a data race. */
static inline void use(void *block) {
    *(uint64_t *)block += 1;
}

static inline void *got(void *block) {
    if (block != NULL) {
        held_add(block);
        use(block);
    }
    return block;
}

static inline void giving(void *block) {
    use(block);
    held_remove(block);
}

/* ---- chains without heaps ---- */

/* The region map, and a chain with one SuperSlab whose first slab, of SMALL_CLASS, is all handed
 * out: to `blocks`, each held. */
void chain_setup(struct hak_chain *chain, void *blocks[SMALL_COUNT]);

/* Frees one block as a thread that owns no slab does. */
void free_remotely(void *block);

/* Step invariant: the pending stack holds only the chain's slabs, each once. */
void chain_step(const struct hak_chain *chain);

/* Quiescent invariant: after a collection every block is free or held. */
void chain_quiescent(struct hak_chain *chain);

/* ---- heaps ---- */

/* Starts the allocator and makes a heap that belongs to nobody yet, with `count` blocks of
 * SMALL_CLASS handed out of it. */
struct hak_heap *heap_setup(void *blocks[], unsigned count);

/* Makes the heap the calling thread's, as hak_heap_current() would have. */
void heap_attach(struct hak_heap *heap);

/* Step invariant of every heap there is, and quiescent: the walk over everything, and every block
 * of `class_index` outside of caches is held. */
void heaps_step(void);
void heaps_quiescent(void);

/* malloc and free as the release build has them. */
static inline void *front_alloc(size_t size_bytes) {
    size_t kind = hak_class_of(size_bytes) + HAK_KIND_CLASS_FIRST;
    void *block = hak_tcache_pop(hak_tls, kind);
    return got(block != NULL ? block : hak_heap_alloc_slow(size_bytes, NULL));
}

static inline void front_free(void *block) {
    giving(block);
    if (!hak_tcache_push(hak_tls, hak_region_kind(block), block))
        hak_heap_free_slow(block);
}

/* ---- fork (binding.c) ---- */

struct fork_handlers {
    void (*prepare)(void), (*parent)(void), (*child)(void);
};
extern struct fork_handlers fork_handlers;

#endif
