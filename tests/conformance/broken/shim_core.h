/* SPDX-License-Identifier: MIT */
/**
 * @file shim_core.h
 * Blocks of the shim: power-of-two classes in 1 MiB chunks, mappings above.
 * All state is kept beside the blocks, under one lock.
 */
#ifndef CONFORMANCE_BROKEN_SHIM_CORE_H
#define CONFORMANCE_BROKEN_SHIM_CORE_H

#include <stddef.h>

/** A block of `stride_bytes` (a power of two from 16 on, or anything above
 *  256 KiB), aligned to `alignment_bytes`, recorded as `size_bytes`. */
void *shim_core_take(size_t stride_bytes, size_t alignment_bytes, size_t size_bytes);
void shim_core_give(void *block);
/** What was recorded, and how many bytes the block really has. */
size_t shim_core_size(void *block);
size_t shim_core_stride(void *block);
/** Gives the OS pages that hold no live block back; whether there were any. */
int shim_core_trim(void);

struct shim_core_totals {
    size_t chunk_bytes, live_bytes, mapping_count, mapping_bytes;
};
struct shim_core_totals shim_core_totals(void);

enum { SHIM_CLASS_MAX_BYTES = 256 * 1024, SHIM_BLOCK_MIN_BYTES = 16 };

#endif
