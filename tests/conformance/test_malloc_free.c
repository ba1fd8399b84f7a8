/* SPDX-License-Identifier: MIT */
/* malloc() and free(): zero sizes, distinct blocks, errno. */
#include "family.h"
#include "support.h"

/* malloc(3): "If size is 0, then malloc() returns a unique pointer value that
 * can later be successfully passed to free()". */
CASE(malloc, zero_size_gives_blocks_of_their_own) {
    enum { COUNT = 1000 };
    static void *blocks[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        blocks[i] = FAMILY(malloc)(0);
        require_block(blocks[i], 0, "malloc");
        for (size_t other = 0; other < i; other++) {
            REQUIRE(blocks[i] != blocks[other], "malloc(0) number %zu equals number %zu", i, other);
        }
    }
    for (size_t i = 0; i < COUNT; i++) {
        FAMILY(free)(blocks[i]);
    }
}

CASE(malloc, blocks_keep_their_contents) {
    enum { COUNT = 3000 };
    static void *blocks[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        size_t size_bytes = boundary_sizes[i % 40];
        blocks[i] = FAMILY(malloc)(size_bytes);
        require_block(blocks[i], size_bytes, "malloc");
        fill_block(blocks[i], size_bytes, i);
    }
    /* Every third first, so that holes are filled between live neighbours. */
    for (size_t i = 0; i < COUNT; i += 3) {
        size_t size_bytes = boundary_sizes[i % 40];
        require_contents(blocks[i], size_bytes, i, "other calls of malloc");
        FAMILY(free)(blocks[i]);
        blocks[i] = FAMILY(malloc)(size_bytes);
        require_block(blocks[i], size_bytes, "malloc");
        fill_block(blocks[i], size_bytes, i);
    }
    for (size_t i = 0; i < COUNT; i++) {
        require_contents(blocks[i], boundary_sizes[i % 40], i, "freeing and filling of holes");
        FAMILY(free)(blocks[i]);
    }
}

CASE(malloc, hundred_thousand_live_blocks) {
    enum { COUNT = 100000 };
    static uint64_t *blocks[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        blocks[i] = FAMILY(malloc)(sizeof **blocks * (1 + i % 8));
        require_block(blocks[i], sizeof **blocks, "malloc");
        *blocks[i] = i;
    }
    for (size_t i = 0; i < COUNT; i++) {
        REQUIRE(*blocks[i] == i, "block %zu was given out twice: holds %lu", i,
                (unsigned long)*blocks[i]);
        FAMILY(free)(blocks[i]);
    }
}

CASE(malloc, impossible_sizes_give_enomem) {
    for (size_t i = 0; i < impossible_size_count; i++) {
        errno = 0;
        void *block = FAMILY(malloc)(opaque_size(impossible_sizes[i]));
        REQUIRE(block == NULL, "malloc(%zu) gave %p", impossible_sizes[i], block);
        REQUIRE(errno == ENOMEM, "malloc(%zu) left errno at %d", impossible_sizes[i], errno);
    }
}

CASE(malloc, every_size_near_the_top_is_refused) {
    for (size_t below = 0; below <= 70000; below++) {
        void *block = FAMILY(malloc)(opaque_size(SIZE_MAX - below));
        REQUIRE(block == NULL, "malloc(SIZE_MAX - %zu) gave %p", below, block);
        block = FAMILY(malloc)(opaque_size((size_t)PTRDIFF_MAX + 1 + below));
        REQUIRE(block == NULL, "malloc(PTRDIFF_MAX + 1 + %zu) gave %p", below, block);
    }
}

CASE(free, null_does_nothing) {
    errno = EDOM;
    FAMILY(free)(NULL);
    REQUIRE(errno == EDOM, "free(NULL) changed errno to %d", errno);
}

/* POSIX 2024: "The free() function shall not modify errno if ptr is a null
 * pointer or a pointer previously returned ... and not yet deallocated". */
CASE(free, keeps_errno_at_every_size) {
    for (size_t i = 0; i < boundary_size_count; i++) {
        void *blocks[8];
        for (size_t n = 0; n < 8; n++) {
            blocks[n] = FAMILY(malloc)(boundary_sizes[i]);
            require_block(blocks[n], boundary_sizes[i], "malloc");
        }
        for (size_t n = 0; n < 8; n++) {
            errno = EXDEV;
            FAMILY(free)(blocks[n]);
            REQUIRE(errno == EXDEV, "free of %zu bytes changed errno to %d", boundary_sizes[i],
                    errno);
        }
    }
}

CASE(free, keeps_errno_over_many_blocks) {
    enum { COUNT = 20000 };
    static void *blocks[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        blocks[i] = FAMILY(malloc)(200);
        require_block(blocks[i], 200, "malloc");
    }
    errno = EXDEV;
    for (size_t i = 0; i < COUNT; i++) {
        FAMILY(free)(blocks[i]);
        REQUIRE(errno == EXDEV, "free number %zu changed errno to %d", i, errno);
    }
}
