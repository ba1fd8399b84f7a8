/* SPDX-License-Identifier: MIT */
/**
 * @file model.h
 * SuperSlabs as plain arrays: 32 granules each, every granule free or part of a
 * slab, every block of a slab free, held by the program, or on its way back.
 *
 * The model decides nothing. It is told what happens where the code under test
 * passes it (watch.c wraps those functions), objects to what may not happen
 * (a granule carved twice, a slab given up with a block held, a purge of memory
 * in use), and is compared with bitmaps and region map afterwards.
 */
#ifndef HAK_FUZZ_SUPERSLAB_MODEL_H
#define HAK_FUZZ_SUPERSLAB_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MODEL_GRANULES = 32,
    MODEL_BLOCKS_MAX = 8192,
    MODEL_CLASS_COUNT = 41,
    MODEL_SUPERSLAB_MAX = 256,
    MODEL_SLAB_MAX = 512,
};

enum model_state { BLOCK_FREE, BLOCK_HELD, BLOCK_REMOTE }; /* model.c looks at their bits */

struct model_slab {
    struct model_superslab *home;
    char *start;
    uint32_t class_index, stride;
    uint32_t granule_count;
    uint32_t block_count;
    uint32_t free_count, held_count, remote_count;
    bool is_carved;
    uint8_t states[MODEL_BLOCKS_MAX];
};

struct model_superslab {
    char *base;                                 /* NULL: not in use */
    const void *owner;                          /* the chain, or NULL: nobody's */
    struct model_slab *slab_of[MODEL_GRANULES]; /* NULL: the granule is free */
};

void model_reset(void);
uint32_t model_stride(uint32_t class_index);
uint32_t model_granules(uint32_t class_index);

struct model_superslab *model_superslab_at(const void *address);
struct model_slab *model_slab_at(const void *address);
/** How many SuperSlabs there are. */
size_t model_superslab_count(void);
/** A chain's blocks on their way back, and its bytes that are not free. */
uint32_t model_remote_count(const void *chain);
size_t model_live_bytes(const void *chain);

void model_created(char *base);
void model_destroyed(char *base);
void model_carved(char *start, uint32_t class_index, const void *chain);
void model_uncarved(char *start);
void model_pooled(char *base);
void model_purged(char *base, uint32_t mask);
void model_purge_counted(uint32_t mask, uint64_t counted);
void model_collected(char *start, uint32_t count);

/** A block came from, or goes back to, its slab. */
void model_take(void *block, uint32_t class_index, const void *chain);
void model_give(void *block, bool is_remote);

/** Whether a chain could hand out a block of the class without expanding. */
bool model_can_serve(const void *chain, uint32_t class_index);
/** Compares every SuperSlab with the bitmaps and the region map. */
void model_compare_all(void);

#define SUPERSLAB_OUTCOMES(X)                                                                      \
    X(taken, "blocks taken")                                                                       \
    X(expanded, "chain expanded")                                                                  \
    X(over_32, "chain of more than 32 SuperSlabs")                                                 \
    X(over_32_slabs, "class with more than 32 slabs")                                              \
    X(from_pool, "SuperSlab taken from the pool")                                                  \
    X(to_pool, "SuperSlab given to the pool")                                                      \
    X(carved, "slab carved")                                                                       \
    X(uncarved, "slab given up")                                                                   \
    X(purged, "granules purged")                                                                   \
    X(given_local, "block given back by its owner")                                                \
    X(given_remote, "block given back by another")                                                 \
    X(collected, "remote frees collected")                                                         \
    X(created, "SuperSlab created")                                                                \
    X(destroyed, "SuperSlab destroyed")                                                            \
    X(fault_hit, "request for memory failed")                                                      \
    X(fault_survived, "chain had nothing under a fault")

enum superslab_outcome {
#define X(name, text) OUTCOME_##name,
    SUPERSLAB_OUTCOMES(X)
#undef X
};

#endif
