/* SPDX-License-Identifier: MIT */
/* calloc(): zeroed memory whatever it held before, products that overflow. */
#include "family.h"
#include "support.h"

#include <string.h>

#include "harness/pattern.h"

static void require_zero(const void *block, size_t size_bytes, const char *call) {
    size_t offset = hak_pattern_nonzero(block, size_bytes);
    REQUIRE(offset == SIZE_MAX, "byte %zu of %zu from %s is 0x%02x, not 0", offset, size_bytes,
            call, ((const unsigned char *)block)[offset]);
}

CASE(calloc, zero_products_give_blocks_of_their_own) {
    static const size_t factors[][2] = {{0, 0}, {0, 1}, {1, 0}, {0, SIZE_MAX}, {SIZE_MAX, 0}};
    for (size_t i = 0; i < sizeof factors / sizeof factors[0]; i++) {
        void *first = FAMILY(calloc)(opaque_size(factors[i][0]), opaque_size(factors[i][1]));
        void *second = FAMILY(calloc)(opaque_size(factors[i][0]), opaque_size(factors[i][1]));
        REQUIRE(first != NULL && second != NULL, "calloc(%zu, %zu) gave NULL", factors[i][0],
                factors[i][1]);
        REQUIRE(first != second, "calloc(%zu, %zu) gave one block twice", factors[i][0],
                factors[i][1]);
        FAMILY(free)(first);
        FAMILY(free)(second);
    }
}

CASE(calloc, overflow_gives_enomem) {
    static const size_t factors[][2] = {
        {SIZE_MAX, SIZE_MAX},
        {SIZE_MAX, 2},
        {2, SIZE_MAX},
        {SIZE_MAX / 2 + 1, 2},
        {(size_t)1 << 32, (size_t)1 << 32},
        {((size_t)1 << 32) + 1, (size_t)1 << 32}, /* wraps to 4 GiB */
        {SIZE_MAX / 8 + 2, 8},                    /* wraps to 8 */
        {8, SIZE_MAX / 8 + 2},
        {SIZE_MAX / 16 + 2, 16}, /* wraps to 16 */
        {1, SIZE_MAX},           /* no wrap, yet beyond PTRDIFF_MAX */
        {SIZE_MAX / 4, 4},
        {1, (size_t)PTRDIFF_MAX + 1},
        {(size_t)PTRDIFF_MAX, 1},
    };
    for (size_t i = 0; i < sizeof factors / sizeof factors[0]; i++) {
        errno = 0;
        void *block = FAMILY(calloc)(opaque_size(factors[i][0]), opaque_size(factors[i][1]));
        REQUIRE(block == NULL, "calloc(%zu, %zu) gave %p", factors[i][0], factors[i][1], block);
        REQUIRE(errno == ENOMEM, "calloc(%zu, %zu) left errno at %d", factors[i][0], factors[i][1],
                errno);
    }
}

/* Blocks that were full of non-zero bytes come back zeroed, to the last byte
 * asked for, at every tier. */
static void require_zero_after_dirt(size_t size_bytes) {
    enum { COUNT = 12 };
    void *blocks[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        blocks[i] = FAMILY(malloc)(size_bytes);
        require_block(blocks[i], size_bytes, "malloc");
        memset(blocks[i], 0xA5, FAMILY(malloc_usable_size)(blocks[i]));
    }
    for (size_t i = 0; i < COUNT; i++) {
        FAMILY(free)(blocks[i]);
    }
    for (size_t i = 0; i < COUNT; i++) {
        blocks[i] = FAMILY(calloc)(1, size_bytes);
        require_block(blocks[i], size_bytes, "calloc");
        require_zero(blocks[i], size_bytes, "calloc of a reused block");
        memset(blocks[i], 0x5A, size_bytes);
    }
    for (size_t i = 0; i < COUNT; i++) {
        FAMILY(free)(blocks[i]);
    }
}

CASE(calloc, zero_after_dirty_reuse_at_boundaries) {
    for (size_t i = 0; i < boundary_size_count; i++) {
        require_zero_after_dirt(boundary_sizes[i]);
    }
}

CASE(calloc, zero_after_dirty_reuse_at_every_small_size) {
    for (size_t size_bytes = 1; size_bytes <= 2 * KIB; size_bytes++) {
        require_zero_after_dirt(size_bytes);
    }
}

/* A dirty block of another size in between: the smaller calloc may be cut
 * from it, the larger one may be grown over it. */
CASE(calloc, zero_after_dirt_of_other_sizes) {
    for (size_t i = 0; i + 1 < boundary_size_count; i++) {
        size_t dirty_bytes = boundary_sizes[boundary_size_count - 1 - i];
        for (int round = 0; round < 4; round++) {
            void *dirty = FAMILY(malloc)(dirty_bytes);
            require_block(dirty, dirty_bytes, "malloc");
            memset(dirty, 0xFF, dirty_bytes);
            FAMILY(free)(dirty);
            void *clean = FAMILY(calloc)(1, boundary_sizes[i]);
            require_block(clean, boundary_sizes[i], "calloc");
            require_zero(clean, boundary_sizes[i], "calloc after dirt of another size");
            memset(clean, 0xFF, boundary_sizes[i]);
            FAMILY(free)(clean);
        }
    }
}

CASE(calloc, zero_after_trim) {
    for (size_t i = 0; i < boundary_size_count; i++) {
        void *dirty = FAMILY(malloc)(boundary_sizes[i]);
        require_block(dirty, boundary_sizes[i], "malloc");
        memset(dirty, 0xFF, boundary_sizes[i]);
        FAMILY(free)(dirty);
        FAMILY(malloc_trim)(0);
        void *clean = FAMILY(calloc)(boundary_sizes[i], 1);
        require_block(clean, boundary_sizes[i], "calloc");
        require_zero(clean, boundary_sizes[i], "calloc after malloc_trim");
        FAMILY(free)(clean);
    }
}

CASE(calloc, product_of_both_factors) {
    for (size_t count = 1; count <= 33; count += 4) {
        for (size_t each_bytes = 1; each_bytes <= 4096; each_bytes = each_bytes * 3 + 1) {
            void *block = FAMILY(calloc)(count, each_bytes);
            require_block(block, count * each_bytes, "calloc");
            require_zero(block, count * each_bytes, "calloc");
            fill_block(block, count * each_bytes, count);
            require_contents(block, count * each_bytes, count, "writing all of it");
            FAMILY(free)(block);
        }
    }
}
