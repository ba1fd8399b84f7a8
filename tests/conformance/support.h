/* SPDX-License-Identifier: MIT */
/**
 * @file support.h
 * What the conformance cases share: boundary sizes, a window of live blocks
 * that must not overlap, and address space limits.
 */
#ifndef CONFORMANCE_SUPPORT_H
#define CONFORMANCE_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KIB ((size_t)1024)
#define MIB ((size_t)1024 * 1024)

/** Sizes on both sides of every tier and of many class boundaries, from 1
 *  byte to 5 MiB, rising. */
extern const size_t boundary_sizes[];
extern const size_t boundary_size_count;

/** Sizes that no allocator can serve: around PTRDIFF_MAX and SIZE_MAX. */
extern const size_t impossible_sizes[];
extern const size_t impossible_size_count;

/** `value`, in a way the compiler can't see through: keeps it from warning
 *  of, or folding, calls that are wrong on purpose. */
size_t opaque_size(size_t value);

/** Demands that a block is there and aligned as every block must be: to 16,
 *  or to 8 for sizes up to 8. */
void require_block(const void *block, size_t size_bytes, const char *call);

/** Demands that `block` is a multiple of `alignment_bytes`. */
void require_aligned(const void *block, size_t alignment_bytes, size_t size_bytes);

/** Fills a block and demands later that its first `size_bytes` still hold. */
void fill_block(void *block, size_t size_bytes, uint64_t seed);
void require_contents(const void *block, size_t size_bytes, uint64_t seed, const char *after);

enum { WINDOW_BLOCK_COUNT = 48 };

/** A ring of live blocks. Each holds a pattern; no two may overlap. */
struct window {
    struct window_block {
        unsigned char *start;
        size_t size_bytes;   /* asked for */
        size_t usable_bytes; /* reported; owned by the block */
        uint64_t seed;
    } blocks[WINDOW_BLOCK_COUNT];
    size_t next;
    uint64_t seed;
};

/** Takes the block in, fills it (whole up to 4 KiB, both ends above), and
 *  verifies and frees the one whose place it takes. */
void window_add(struct window *window, void *block, size_t size_bytes);
/** Verifies and frees all blocks. */
void window_drain(struct window *window);

/** Limits the address space to what is mapped now plus `more_bytes`. */
void limit_address_space(size_t more_bytes);
/** Lifts the limit again. */
void unlimit_address_space(void);

/** Resident bytes of this process, from /proc/self/statm. */
size_t resident_bytes(void);

#ifdef __cplusplus
}
#endif
#endif
