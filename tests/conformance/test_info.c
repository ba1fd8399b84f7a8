/* SPDX-License-Identifier: MIT */
/* malloc_usable_size(), malloc_trim(), mallinfo2(), free_sized(),
 * free_aligned_sized(). */
#include "family.h"
#include "support.h"

#include <string.h>

CASE(malloc_usable_size, null_is_zero) {
    REQUIRE(FAMILY(malloc_usable_size)(NULL) == 0, "malloc_usable_size(NULL) is %zu",
            FAMILY(malloc_usable_size)(NULL));
}

/* All of it may be written, on neighbours at once; nothing of one reaches
 * into another, and what was asked for is in it. */
CASE(malloc_usable_size, all_of_it_may_be_written) {
    enum { COUNT = 16 };
    for (size_t i = 0; i < boundary_size_count; i++) {
        void *blocks[COUNT];
        size_t usable_bytes[COUNT];
        for (size_t n = 0; n < COUNT; n++) {
            blocks[n] = FAMILY(malloc)(boundary_sizes[i]);
            require_block(blocks[n], boundary_sizes[i], "malloc");
            usable_bytes[n] = FAMILY(malloc_usable_size)(blocks[n]);
            REQUIRE(usable_bytes[n] >= boundary_sizes[i], "usable size %zu of a block of %zu",
                    usable_bytes[n], boundary_sizes[i]);
            fill_block(blocks[n], usable_bytes[n], n);
        }
        for (size_t n = 0; n < COUNT; n++) {
            require_contents(blocks[n], usable_bytes[n], n, "writing all of the neighbours");
            REQUIRE(FAMILY(malloc_usable_size)(blocks[n]) == usable_bytes[n],
                    "the usable size changed by writing");
            FAMILY(free)(blocks[n]);
        }
    }
}

CASE(malloc_trim, gives_memory_back_and_keeps_live_blocks) {
    enum { COUNT = 64 * 1024, SIZE_BYTES = 1000 };
    static void *blocks[COUNT];
    size_t before_bytes = resident_bytes();
    for (size_t i = 0; i < COUNT; i++) {
        blocks[i] = FAMILY(malloc)(SIZE_BYTES);
        require_block(blocks[i], SIZE_BYTES, "malloc");
        fill_block(blocks[i], SIZE_BYTES, i);
    }
    size_t full_bytes = resident_bytes();
    REQUIRE(full_bytes >= before_bytes + 60 * MIB, "64 MB of written blocks, yet %zu to %zu",
            before_bytes, full_bytes);
    for (size_t i = 0; i < COUNT; i++) {
        if (i % 1024 != 0) {
            FAMILY(free)(blocks[i]);
        }
    }
    int result = FAMILY(malloc_trim)(0);
    REQUIRE(result == 0 || result == 1, "malloc_trim(0) returned %d", result);
    size_t trimmed_bytes = resident_bytes();
    REQUIRE(trimmed_bytes + 32 * MIB <= full_bytes,
            "malloc_trim(0) left %zu of %zu bytes resident with 64 small blocks live",
            trimmed_bytes, full_bytes);
    for (size_t i = 0; i < COUNT; i += 1024) {
        require_contents(blocks[i], SIZE_BYTES, i, "malloc_trim");
        FAMILY(free)(blocks[i]);
    }
}

CASE(malloc_trim, harmless_when_repeated_and_with_any_keep) {
    void *block = FAMILY(malloc)(5000);
    require_block(block, 5000, "malloc");
    fill_block(block, 5000, 2);
    static const size_t keeps[] = {0, 1, 4096, 1 << 20, SIZE_MAX / 2, SIZE_MAX};
    for (size_t i = 0; i < sizeof keeps / sizeof keeps[0]; i++) {
        for (int repeat = 0; repeat < 3; repeat++) {
            int result = FAMILY(malloc_trim)(opaque_size(keeps[i]));
            REQUIRE(result == 0 || result == 1, "malloc_trim(%zu) returned %d", keeps[i], result);
        }
    }
    require_contents(block, 5000, 2, "malloc_trim");
    FAMILY(free)(block);
}

/* uordblks counts blocks in use, hblks and hblkhd those with a mapping of
 * their own; glibc does not count the latter in the former. */
static size_t in_use_bytes(struct mallinfo2 info) {
    return info.uordblks + info.hblkhd;
}

CASE(mallinfo2, follows_large_blocks) {
    struct mallinfo2 before = FAMILY(mallinfo2)();
    void *block = FAMILY(malloc)(64 * MIB);
    require_block(block, 64 * MIB, "malloc");
    struct mallinfo2 during = FAMILY(mallinfo2)();
    REQUIRE(in_use_bytes(during) >= in_use_bytes(before) + 64 * MIB,
            "64 MiB more in use, mallinfo2 says %zu, then %zu", in_use_bytes(before),
            in_use_bytes(during));
    REQUIRE(during.hblks >= before.hblks + 1, "no mapping counted: hblks %zu, then %zu",
            before.hblks, during.hblks);
    REQUIRE(during.hblkhd >= before.hblkhd + 64 * MIB, "hblkhd %zu, then %zu", before.hblkhd,
            during.hblkhd);
    FAMILY(free)(block);
    FAMILY(malloc_trim)(0);
    struct mallinfo2 after = FAMILY(mallinfo2)();
    REQUIRE(in_use_bytes(after) < in_use_bytes(before) + MIB,
            "64 MiB were freed, mallinfo2 says %zu in use, before them %zu", in_use_bytes(after),
            in_use_bytes(before));
}

CASE(mallinfo2, follows_small_blocks) {
    enum { COUNT = 8192, SIZE_BYTES = 500 };
    static void *blocks[COUNT];
    struct mallinfo2 before = FAMILY(mallinfo2)();
    for (size_t i = 0; i < COUNT; i++) {
        blocks[i] = FAMILY(malloc)(SIZE_BYTES);
        require_block(blocks[i], SIZE_BYTES, "malloc");
        memset(blocks[i], 1, SIZE_BYTES);
    }
    struct mallinfo2 during = FAMILY(mallinfo2)();
    size_t asked_bytes = (size_t)COUNT * SIZE_BYTES;
    REQUIRE(during.uordblks >= before.uordblks + asked_bytes, "uordblks %zu, then %zu for %zu more",
            before.uordblks, during.uordblks, asked_bytes);
    REQUIRE(during.arena >= during.uordblks, "arena %zu is less than uordblks %zu", during.arena,
            during.uordblks);
    REQUIRE(during.arena >= during.fordblks, "arena %zu is less than fordblks %zu", during.arena,
            during.fordblks);
    for (size_t i = 0; i < COUNT; i++) {
        FAMILY(free)(blocks[i]);
    }
    FAMILY(malloc_trim)(0);
    struct mallinfo2 after = FAMILY(mallinfo2)();
    REQUIRE(after.uordblks + asked_bytes / 2 < during.uordblks,
            "all was freed, uordblks is %zu, was %zu", after.uordblks, during.uordblks);
}

CASE(free_sized, takes_blocks_of_their_size) {
    FAMILY(free_sized)(NULL, 0);
    FAMILY(free_sized)(NULL, 100);
    for (size_t i = 0; i < boundary_size_count; i++) {
        size_t size_bytes = boundary_sizes[i];
        void *blocks[3] = {FAMILY(malloc)(size_bytes), FAMILY(calloc)(1, size_bytes),
                           FAMILY(realloc)(FAMILY(malloc)(3), size_bytes)};
        for (size_t n = 0; n < 3; n++) {
            require_block(blocks[n], size_bytes, "malloc, calloc or realloc");
            errno = EXDEV;
            FAMILY(free_sized)(blocks[n], size_bytes);
            REQUIRE(errno == EXDEV, "free_sized(%zu) changed errno to %d", size_bytes, errno);
        }
    }
    void *empty = FAMILY(malloc)(0);
    FAMILY(free_sized)(empty, 0);
}

/* Freed means reusable: as many bytes in turn as would not fit at once. */
CASE(free_sized, really_frees) {
    size_t before_bytes = resident_bytes();
    for (int round = 0; round < 400; round++) {
        void *block = FAMILY(malloc)(256 * KIB);
        require_block(block, 256 * KIB, "malloc");
        memset(block, 1, 256 * KIB);
        FAMILY(free_sized)(block, 256 * KIB);
        void *aligned = FAMILY(aligned_alloc)(64 * KIB, 256 * KIB);
        require_aligned(aligned, 64 * KIB, 256 * KIB);
        memset(aligned, 1, 256 * KIB);
        FAMILY(free_aligned_sized)(aligned, 64 * KIB, 256 * KIB);
    }
    size_t after_bytes = resident_bytes();
    REQUIRE(after_bytes < before_bytes + 32 * MIB, "resident: %zu, then %zu", before_bytes,
            after_bytes);
}

CASE(free_aligned_sized, takes_blocks_of_their_alignment_and_size) {
    FAMILY(free_aligned_sized)(NULL, 64, 100);
    for (size_t alignment_bytes = 1; alignment_bytes <= MIB; alignment_bytes *= 2) {
        for (size_t i = 0; i < boundary_size_count; i += 3) {
            void *block = FAMILY(aligned_alloc)(alignment_bytes, boundary_sizes[i]);
            require_aligned(block, alignment_bytes, boundary_sizes[i]);
            errno = EXDEV;
            FAMILY(free_aligned_sized)(block, alignment_bytes, boundary_sizes[i]);
            REQUIRE(errno == EXDEV, "free_aligned_sized changed errno to %d", errno);
        }
    }
}
