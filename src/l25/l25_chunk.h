/* SPDX-License-Identifier: MIT */
/* Chunk of the L2.5 pool: 2 MiB of address space, from which runs of 1 to 16
 * granules are cut. Layer 3.
 *
 *   bitmap        bit g: granule g belongs to a run
 *   dirty, aged   as in a SuperSlab: free granules that may be resident
 *   run_length    at a run's first granule: its granules; 0 elsewhere
 *
 * Every function wants the lock of the chunk's shard. */
#ifndef HAK_L25_CHUNK_H
#define HAK_L25_CHUNK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/constants.h"

struct hak_l25_chunk {
    char *base;                                      /* const */
    uint32_t shard;                                  /* const: home, where its runs return to */
    uint32_t bitmap;                                 /* lock(shard) */
    uint32_t dirty, aged;                            /* lock(shard) */
    uint32_t largest_free;                           /* derived: longest group of free granules */
    struct hak_l25_chunk *next, *prev;               /* lock(shard): chunks of one largest_free */
    uint8_t run_length[HAK_GRANULES_PER_SUPERSLAB];  /* lock(shard) */
    _Atomic uint64_t records[HAK_GRANULES_PER_SUPERSLAB]; /* atomic; checked builds: by first */
};

/* A chunk with nothing in use, registered in the region map; all of it is dirty where a
 * freed mapping lay. NULL without memory. No lock needed. */
struct hak_l25_chunk *hak_l25_chunk_create(uint32_t shard);

/* Gives its address space back. Nothing may be in use; no lock needed. */
void hak_l25_chunk_destroy(struct hak_l25_chunk *chunk);

/* Where a run of `count` granules aligned to `align` granules (a power of two)
 * fits: in resident memory if it can be, else lowest; 32 when nowhere. */
uint32_t hak_l25_chunk_find(const struct hak_l25_chunk *chunk, uint32_t count, uint32_t align);

/* Makes a run of free granules and returns its address; `*is_zero` tells
 * whether all of it is known to read as zero. */
void *hak_l25_chunk_take(struct hak_l25_chunk *chunk, uint32_t first, uint32_t count,
                         bool *is_zero);

/* Takes the run at granule `first` back. */
void hak_l25_chunk_give(struct hak_l25_chunk *chunk, uint32_t first);

/* Changes a run's length in place; false when the next granules are in use. */
bool hak_l25_chunk_resize(struct hak_l25_chunk *chunk, uint32_t first, uint32_t new_count);

/* Purges the dirty granules in `mask`; returns how many there were. */
uint32_t hak_l25_chunk_purge(struct hak_l25_chunk *chunk, uint32_t mask);

/* Reports the first broken invariant. Checked builds. */
void hak_l25_chunk_verify(const struct hak_l25_chunk *chunk);

#endif
