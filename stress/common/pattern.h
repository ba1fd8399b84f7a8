/* SPDX-License-Identifier: MIT */
/**
 * @file pattern.h
 * Contents that no other block has: byte i depends on the block's id and on
 * i. Two blocks that overlap, a copy that stops early, a write by anyone else
 * and memory that was given back all show as a difference.
 */
#ifndef STRESS_PATTERN_H
#define STRESS_PATTERN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** No difference, as returned by stress_pattern_find_difference(). */
#define STRESS_SAME SIZE_MAX

/** Writes all `size_bytes` bytes. `memory` needs no alignment. O(size). */
void stress_pattern_fill(void *memory, size_t size_bytes, uint64_t id);

/** The offset of the first byte that differs, or STRESS_SAME. O(size). */
size_t stress_pattern_find_difference(const void *memory, size_t size_bytes, uint64_t id);

/** The offset of the first byte that is not zero, or STRESS_SAME. O(size). */
size_t stress_zero_find_difference(const void *memory, size_t size_bytes);

/** The byte that belongs at `offset`. */
unsigned char stress_pattern_byte(size_t offset, uint64_t id);

#ifdef __cplusplus
}
#endif
#endif
