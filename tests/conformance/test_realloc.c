/* SPDX-License-Identifier: MIT */
/* realloc() and reallocarray() in all their forms. */
#include "family.h"
#include "support.h"

static void *filled(size_t size_bytes, uint64_t seed) {
    void *block = FAMILY(malloc)(size_bytes);
    require_block(block, size_bytes, "malloc");
    fill_block(block, size_bytes, seed);
    return block;
}

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

CASE(realloc, null_is_malloc) {
    void *block = FAMILY(realloc)(NULL, 100);
    require_block(block, 100, "realloc");
    fill_block(block, 100, 1);
    FAMILY(free)(block);
    void *empty = FAMILY(realloc)(NULL, opaque_size(0));
    REQUIRE(empty != NULL, "realloc(NULL, 0) gave NULL; malloc(0) gives a block");
    FAMILY(free)(empty);
}

/* glibc: "If size is 0 and ptr is not NULL, the call is free(ptr)". That it
 * frees shows in memory that does not grow. */
CASE(realloc, size_zero_frees_and_returns_null) {
    for (size_t i = 0; i < boundary_size_count; i++) {
        void *block = filled(boundary_sizes[i], i);
        void *result = FAMILY(realloc)(block, opaque_size(0));
        REQUIRE(result == NULL, "realloc(block of %zu, 0) gave %p", boundary_sizes[i], result);
    }
    size_t before_bytes = resident_bytes();
    for (int round = 0; round < 400; round++) {
        void *block = filled(256 * KIB, 7);
        REQUIRE(FAMILY(realloc)(block, opaque_size(0)) == NULL, "realloc(block, 0) gave a block");
    }
    size_t grown_bytes = resident_bytes() - before_bytes;
    REQUIRE(resident_bytes() < before_bytes || grown_bytes < 32 * MIB,
            "realloc(block, 0) of 100 MiB in turn left %zu bytes resident: nothing is freed",
            grown_bytes);
}

/* Every boundary size to every other: each tier to each tier, both ways. */
CASE(realloc, between_all_pairs_of_boundaries) {
    for (size_t from = 0; from < boundary_size_count; from++) {
        for (size_t to = 0; to < boundary_size_count; to++) {
            size_t old_bytes = boundary_sizes[from];
            size_t new_bytes = boundary_sizes[to];
            void *block = filled(old_bytes, from + 1);
            void *moved = FAMILY(realloc)(block, new_bytes);
            require_block(moved, new_bytes, "realloc");
            require_contents(moved, smaller(old_bytes, new_bytes), from + 1, "realloc");
            size_t usable_bytes = FAMILY(malloc_usable_size)(moved);
            REQUIRE(usable_bytes >= new_bytes, "usable size %zu after realloc from %zu to %zu",
                    usable_bytes, old_bytes, new_bytes);
            fill_block(moved, usable_bytes, to + 1);
            require_contents(moved, usable_bytes, to + 1, "writing all of a resized block");
            FAMILY(free)(moved);
        }
    }
}

/* Neighbours must not notice: a copy of the rounded old size into a smaller
 * new block would run over them. */
CASE(realloc, neighbours_stay_untouched) {
    enum { COUNT = 64 };
    void *blocks[COUNT];
    for (size_t size_bytes = 1; size_bytes <= 1100; size_bytes += 3) {
        for (size_t i = 0; i < COUNT; i++) {
            blocks[i] = filled(size_bytes, i);
        }
        for (size_t i = 0; i < COUNT; i += 2) {
            size_t new_bytes = i % 4 == 0 ? size_bytes / 2 + 1 : size_bytes + size_bytes / 4 + 1;
            blocks[i] = FAMILY(realloc)(blocks[i], new_bytes);
            require_block(blocks[i], new_bytes, "realloc");
            require_contents(blocks[i], smaller(size_bytes, new_bytes), i, "realloc");
            fill_block(blocks[i], new_bytes, i);
        }
        for (size_t i = 0; i < COUNT; i++) {
            size_t now_bytes = i % 2 == 1   ? size_bytes
                               : i % 4 == 0 ? size_bytes / 2 + 1
                                            : size_bytes + size_bytes / 4 + 1;
            require_contents(blocks[i], now_bytes, i, "realloc of the neighbours");
            FAMILY(free)(blocks[i]);
        }
    }
}

/* Shrunk blocks land in holes between live ones of the new size. */
CASE(realloc, shrinking_into_holes) {
    enum { COUNT = 64 };
    void *small[COUNT];
    for (size_t size_bytes = 16; size_bytes <= 4096; size_bytes += 48) {
        for (size_t i = 0; i < COUNT; i++) {
            small[i] = filled(size_bytes, i);
        }
        for (size_t i = 0; i < COUNT; i += 2) {
            FAMILY(free)(small[i]);
        }
        for (size_t i = 0; i < COUNT; i += 2) {
            small[i] = FAMILY(realloc)(filled(size_bytes * 3, i), size_bytes);
            require_block(small[i], size_bytes, "realloc");
        }
        for (size_t i = 0; i < COUNT; i++) {
            require_contents(small[i], size_bytes, i, "shrinking of other blocks");
            FAMILY(free)(small[i]);
        }
    }
}

CASE(realloc, growing_byte_by_byte_keeps_all) {
    void *block = filled(1, 5);
    for (size_t size_bytes = 2; size_bytes <= 6000; size_bytes++) {
        block = FAMILY(realloc)(block, size_bytes);
        require_block(block, size_bytes, "realloc");
        require_contents(block, size_bytes - 1, 5, "growing by one byte");
        fill_block(block, size_bytes, 5);
    }
    for (size_t size_bytes = 6000; size_bytes > 0; size_bytes--) {
        block = FAMILY(realloc)(block, size_bytes);
        require_block(block, size_bytes, "realloc");
        require_contents(block, size_bytes, 5, "shrinking by one byte");
    }
    FAMILY(free)(block);
}

CASE(realloc, doubling_to_64_mib_and_back) {
    size_t size_bytes = 1;
    void *block = filled(size_bytes, 9);
    for (; size_bytes < 64 * MIB; size_bytes *= 2) {
        block = FAMILY(realloc)(block, size_bytes * 2);
        require_block(block, size_bytes * 2, "realloc");
        require_contents(block, size_bytes, 9, "doubling");
        fill_block(block, size_bytes * 2, 9);
    }
    for (; size_bytes > 1; size_bytes /= 2) {
        block = FAMILY(realloc)(block, size_bytes / 2);
        require_block(block, size_bytes / 2, "realloc");
        require_contents(block, size_bytes / 2, 9, "halving");
    }
    FAMILY(free)(block);
}

CASE(realloc, failure_leaves_the_old_block_intact) {
    for (size_t i = 0; i < boundary_size_count; i++) {
        size_t size_bytes = boundary_sizes[i];
        void *block = filled(size_bytes, i);
        for (size_t n = 0; n < impossible_size_count; n++) {
            errno = 0;
            void *result = FAMILY(realloc)(block, opaque_size(impossible_sizes[n]));
            REQUIRE(result == NULL, "realloc(block, %zu) gave %p", impossible_sizes[n], result);
            REQUIRE(errno == ENOMEM, "realloc(block, %zu) left errno at %d", impossible_sizes[n],
                    errno);
        }
        REQUIRE(FAMILY(malloc_usable_size)(block) >= size_bytes, "the old block shrank");
        require_contents(block, size_bytes, i, "realloc calls that failed");
        FAMILY(free)(block);
    }
}

CASE(realloc, keeps_the_contents_of_aligned_blocks) {
    for (size_t alignment_bytes = 16; alignment_bytes <= MIB; alignment_bytes *= 2) {
        for (size_t size_bytes = 24; size_bytes <= 3 * MIB; size_bytes = size_bytes * 9 + 1) {
            void *block = FAMILY(aligned_alloc)(alignment_bytes, size_bytes);
            require_aligned(block, alignment_bytes, size_bytes);
            fill_block(block, size_bytes, alignment_bytes);
            block = FAMILY(realloc)(block, size_bytes * 2 + 1);
            require_block(block, size_bytes * 2 + 1, "realloc");
            require_contents(block, size_bytes, alignment_bytes, "realloc of an aligned block");
            block = FAMILY(realloc)(block, size_bytes / 3 + 1);
            require_block(block, size_bytes / 3 + 1, "realloc");
            require_contents(block, size_bytes / 3 + 1, alignment_bytes, "realloc, smaller");
            FAMILY(free)(block);
        }
    }
}

CASE(reallocarray, multiplies) {
    void *block = FAMILY(reallocarray)(NULL, 10, 20);
    require_block(block, 200, "reallocarray");
    fill_block(block, 200, 3);
    block = FAMILY(reallocarray)(block, 3000, 100);
    require_block(block, 300000, "reallocarray");
    require_contents(block, 200, 3, "reallocarray");
    fill_block(block, 300000, 4);
    block = FAMILY(reallocarray)(block, 5, 10);
    require_block(block, 50, "reallocarray");
    require_contents(block, 50, 4, "reallocarray, smaller");
    void *result = FAMILY(reallocarray)(block, opaque_size(0), 10);
    REQUIRE(result == NULL, "reallocarray(block, 0, 10) gave %p", result);
    block = filled(10, 1);
    result = FAMILY(reallocarray)(block, 10, opaque_size(0));
    REQUIRE(result == NULL, "reallocarray(block, 10, 0) gave %p", result);
}

CASE(reallocarray, overflow_leaves_the_old_block_intact) {
    static const size_t factors[][2] = {
        {SIZE_MAX, SIZE_MAX},    {SIZE_MAX / 2 + 1, 2},
        {SIZE_MAX / 8 + 2, 8}, /* wraps to 8 */
        {8, SIZE_MAX / 8 + 2},   {(size_t)1 << 32, (size_t)1 << 32},
        {SIZE_MAX, 2},           {SIZE_MAX / 4, 4},
        {1, SIZE_MAX},           {(size_t)PTRDIFF_MAX, 1},
        {SIZE_MAX / 64 + 2, 64},
    };
    void *block = filled(333, 6);
    for (size_t i = 0; i < sizeof factors / sizeof factors[0]; i++) {
        for (int with_block = 0; with_block < 2; with_block++) {
            errno = 0;
            void *result = FAMILY(reallocarray)(
                with_block ? block : NULL, opaque_size(factors[i][0]), opaque_size(factors[i][1]));
            REQUIRE(result == NULL, "reallocarray(%zu, %zu) gave %p", factors[i][0], factors[i][1],
                    result);
            REQUIRE(errno == ENOMEM, "reallocarray(%zu, %zu) left errno at %d", factors[i][0],
                    factors[i][1], errno);
        }
    }
    require_contents(block, 333, 6, "reallocarray calls that failed");
    FAMILY(free)(block);
}
