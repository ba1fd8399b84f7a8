/* SPDX-License-Identifier: MIT */
/**
 * @file pattern.h
 * Seeded block contents: every byte depends on the seed and its offset, so a
 * byte that was lost, moved or overwritten by another block shows. Shared by
 * the fuzz harness and the conformance tests; independent of the allocator.
 */
#ifndef HAK_FUZZ_PATTERN_H
#define HAK_FUZZ_PATTERN_H

#include <stddef.h>
#include <stdint.h>

/** Fills `size_bytes` bytes from `first_offset` on of the block at `block`. */
void hak_pattern_fill(void *block, size_t first_offset, size_t size_bytes, uint64_t seed);

/** The offset of the first byte in [first_offset, first_offset + size_bytes)
 *  that differs from the pattern, or SIZE_MAX when all are right. */
size_t hak_pattern_mismatch(const void *block, size_t first_offset, size_t size_bytes,
                            uint64_t seed);

/** The byte the pattern has at `offset`. */
unsigned char hak_pattern_byte(size_t offset, uint64_t seed);

/** The offset of the first byte that is not zero, or SIZE_MAX. */
size_t hak_pattern_nonzero(const void *block, size_t size_bytes);

#endif
