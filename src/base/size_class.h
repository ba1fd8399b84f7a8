/* SPDX-License-Identifier: MIT */
/* Size classes: from a size to a class, from a class to its geometry. Layer 0.
 *
 * Classes: 8; every 16 bytes to 128; then four per doubling to 32 KiB, so that
 * at most a fifth of a block is unused above 128 bytes. Class c has kind c + 1
 * in the region map and in the TLS cache. Strides that are powers of two are
 * naturally aligned; all from 16 up are multiples of 16. */
#ifndef HAK_BASE_SIZE_CLASS_H
#define HAK_BASE_SIZE_CLASS_H

#include <stdint.h>

#include "base/compiler.h"
#include "base/constants.h"

enum { HAK_CLASS_TABLE_MAX_BYTES = 1024 };

/* What a class's slabs look like. Filled at compile time in size_class.c. */
struct hak_class_info {
    uint32_t stride_bytes;         /* const: distance between blocks */
    uint32_t block_count;          /* const: blocks in a slab */
    uint32_t granule_count;        /* const: granules in a slab */
    uint32_t reciprocal;           /* const: see hak_class_index_of */
    uint32_t capacity_max;         /* const: most slots of a TLS cache, ordinarily */
    uint32_t capacity_swing_max;   /* const: the most at all: hak_tcache_capacity_limit */
};

extern const struct hak_class_info hak_class_infos[HAK_CLASS_COUNT];

/* Kind by (size + 7) / 8, for sizes up to HAK_CLASS_TABLE_MAX_BYTES. */
extern const uint8_t hak_kind_by_eighth[HAK_CLASS_TABLE_MAX_BYTES / 8 + 1];

/* The smallest class whose stride is at least `size_bytes`;
 * HAK_CLASS_TABLE_MAX_BYTES < size_bytes <= HAK_CLASS_SIZE_MAX_BYTES. */
HAK_INLINE uint32_t hak_class_of_medium(size_t size_bytes) {
    uint32_t top = 63u - (uint32_t)__builtin_clzll(size_bytes - 1); /* 2^top <= size - 1 */
    uint32_t quarter = (uint32_t)((size_bytes - 1) >> (top - 2)) & 3u;
    return HAK_CLASS_LINEAR_COUNT + (top - 7) * 4 + quarter;
}

/* The class for any size from 0 to HAK_CLASS_SIZE_MAX_BYTES. */
HAK_INLINE uint32_t hak_class_of(size_t size_bytes) {
    return size_bytes <= HAK_CLASS_TABLE_MAX_BYTES
               ? hak_kind_by_eighth[(size_bytes + 7) >> 3] - (uint32_t)HAK_KIND_CLASS_FIRST
               : hak_class_of_medium(size_bytes);
}

/* offset / stride for an offset within a slab, without a division. The
 * reciprocal is ceil(2^32 / stride); exact for every offset in a slab of every
 * class, which tests/unit/base/ proves by trying them all. */
HAK_INLINE uint32_t hak_class_index_of(uint32_t reciprocal, uint32_t offset_bytes) {
    return (uint32_t)(((uint64_t)offset_bytes * reciprocal) >> 32);
}

#endif
