/* SPDX-License-Identifier: MIT */
/**
 * @file block.h
 * Blocks whose contents are known. Every call here checks what the malloc
 * under test promised (alignment, usable size, zeroes, contents kept) and
 * fails the run when it was not so.
 */
#ifndef STRESS_BLOCK_H
#define STRESS_BLOCK_H

#include "run.h"

/** A block of the program; `memory` NULL when there is none. Zeroes are a
 *  valid empty one. Owned by whoever holds the structure. */
struct stress_block {
    unsigned char *memory;
    size_t size_bytes;
    uint64_t id;
};

/** Each takes an empty `*block` and fills in a new block of `size_bytes`
 *  (at least 1), its contents written. Out of memory fails the run. */
void stress_block_malloc(struct stress_worker *worker, struct stress_block *block,
                         size_t size_bytes);
void stress_block_calloc(struct stress_worker *worker, struct stress_block *block,
                         size_t size_bytes);
/** `alignment_bytes` is a power of two; posix_memalign, aligned_alloc and
 *  memalign are used in turn. */
void stress_block_aligned(struct stress_worker *worker, struct stress_block *block,
                          size_t alignment_bytes, size_t size_bytes);
/** malloc, calloc or an aligned form, as the random generator says. */
void stress_block_create(struct stress_worker *worker, struct stress_block *block,
                         size_t size_bytes);

/** As stress_block_malloc(), but false (and ENOMEM verified) when there is no
 *  memory left. */
bool stress_block_try_malloc(struct stress_worker *worker, struct stress_block *block,
                             size_t size_bytes);

/** Verifies the whole block, resizes it, verifies what must have been kept,
 *  writes new contents. */
void stress_block_realloc(struct stress_worker *worker, struct stress_block *block,
                          size_t size_bytes);

/** Verifies the whole block. */
void stress_block_verify(const struct stress_run *run, const struct stress_block *block);

/** Verifies the whole block and frees it; `*block` becomes empty. An empty one
 *  stays so. */
void stress_block_free(const struct stress_run *run, struct stress_block *block);

/** Frees all blocks of a table. */
void stress_blocks_free(const struct stress_run *run, struct stress_block *blocks, size_t count);

/** Exchanges two blocks at random places until the order is random. */
void stress_blocks_shuffle(struct stress_random *random, struct stress_block *blocks, size_t count);

#endif
