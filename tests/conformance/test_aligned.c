/* SPDX-License-Identifier: MIT */
/* aligned_alloc(), posix_memalign(), memalign(), valloc(), pvalloc(). */
#include "family.h"
#include "support.h"

enum { OS_PAGE_BYTES = 4096 };

/* Sizes around an alignment: where "size equals alignment" went wrong in
 * other allocators, both neighbours, and multiples. */
static void walk_sizes(size_t alignment_bytes, struct window *window) {
    const size_t around[] = {alignment_bytes - 1, alignment_bytes,         alignment_bytes + 1,
                             alignment_bytes * 2, alignment_bytes * 3 + 1, alignment_bytes / 2};
    for (size_t i = 0; i < sizeof around / sizeof around[0]; i++) {
        void *block = FAMILY(aligned_alloc)(alignment_bytes, around[i]);
        require_aligned(block, alignment_bytes, around[i]);
        window_add(window, block, around[i]);
    }
    for (size_t i = 0; i < boundary_size_count; i++) {
        void *block = FAMILY(aligned_alloc)(alignment_bytes, boundary_sizes[i]);
        require_aligned(block, alignment_bytes, boundary_sizes[i]);
        window_add(window, block, boundary_sizes[i]);
    }
}

CASE(aligned_alloc, every_power_of_two_to_1_mib) {
    static struct window window;
    for (size_t alignment_bytes = 1; alignment_bytes <= MIB; alignment_bytes *= 2) {
        walk_sizes(alignment_bytes, &window);
    }
    window_drain(&window);
}

CASE(aligned_alloc, every_small_size_at_every_alignment_to_4_kib) {
    static struct window window;
    for (size_t alignment_bytes = 1; alignment_bytes <= 4 * KIB; alignment_bytes *= 2) {
        for (size_t size_bytes = 0; size_bytes <= 1100; size_bytes++) {
            void *block = FAMILY(aligned_alloc)(alignment_bytes, size_bytes);
            require_aligned(block, alignment_bytes, size_bytes);
            window_add(&window, block, size_bytes);
        }
    }
    window_drain(&window);
}

CASE(aligned_alloc, above_1_mib) {
    static struct window window;
    for (size_t alignment_bytes = 2 * MIB; alignment_bytes <= 64 * MIB; alignment_bytes *= 2) {
        static const size_t sizes[] = {1, 100, 40000, 300000, 2 * 1024 * 1024, 5 * 1024 * 1024};
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            void *block = FAMILY(aligned_alloc)(alignment_bytes, sizes[i]);
            require_aligned(block, alignment_bytes, sizes[i]);
            window_add(&window, block, sizes[i]);
        }
    }
    window_drain(&window);
}

CASE(aligned_alloc, not_a_power_of_two) {
    static const size_t bad[] = {0,  3,   5,    6,    7,    12,       24,
                                 48, 100, 1000, 4095, 4097, SIZE_MAX, SIZE_MAX / 2};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        errno = 0;
        void *block = FAMILY(aligned_alloc)(opaque_size(bad[i]), 64);
        if (family_is_glibc) { /* difference 1 of family.h */
            FAMILY(free)(block);
            continue;
        }
        REQUIRE(block == NULL, "aligned_alloc(%zu, 64) gave %p", bad[i], block);
        REQUIRE(errno == EINVAL, "aligned_alloc(%zu, 64) left errno at %d", bad[i], errno);
    }
}

CASE(aligned_alloc, impossible_sizes_give_enomem) {
    for (size_t alignment_bytes = 8; alignment_bytes <= MIB; alignment_bytes *= 4) {
        for (size_t i = 0; i < impossible_size_count; i++) {
            errno = 0;
            void *block = FAMILY(aligned_alloc)(alignment_bytes, opaque_size(impossible_sizes[i]));
            REQUIRE(block == NULL, "aligned_alloc(%zu, %zu) gave %p", alignment_bytes,
                    impossible_sizes[i], block);
            REQUIRE(errno == ENOMEM, "aligned_alloc(%zu, %zu) left errno at %d", alignment_bytes,
                    impossible_sizes[i], errno);
        }
    }
}

/* 2^48 and above: more than the address space, up to the last power of two. The
 * alignment is one, so what is wrong is that memory has run out. */
CASE(aligned_alloc, impossible_alignments_give_enomem) {
    for (int shift = 48; shift < 64; shift++) {
        size_t alignment_bytes = opaque_size((size_t)1 << shift);
        char mark;
        void *block = &mark;
        int result = FAMILY(posix_memalign)(&block, alignment_bytes, 64);
        REQUIRE(result == ENOMEM && block == &mark, "posix_memalign(2^%d, 64) returned %d, %p",
                shift, result, block);
        errno = 0;
        block = FAMILY(aligned_alloc)(alignment_bytes, 64);
        REQUIRE(block == NULL && errno == ENOMEM, "aligned_alloc(2^%d, 64): %p, errno %d", shift,
                block, errno);
        errno = 0;
        block = FAMILY(memalign)(alignment_bytes, 64);
        REQUIRE(block == NULL && errno == ENOMEM, "memalign(2^%d, 64): %p, errno %d", shift, block,
                errno);
        errno = 0; /* rounded up to it */
        block = FAMILY(memalign)(alignment_bytes - 1, 64);
        REQUIRE(block == NULL && errno == ENOMEM, "memalign(2^%d - 1, 64): %p, errno %d", shift,
                block, errno);
    }
}

CASE(posix_memalign, every_power_of_two_to_1_mib) {
    static struct window window;
    for (size_t alignment_bytes = sizeof(void *); alignment_bytes <= MIB; alignment_bytes *= 2) {
        for (size_t i = 0; i < boundary_size_count; i++) {
            void *block = NULL;
            int result = FAMILY(posix_memalign)(&block, alignment_bytes, boundary_sizes[i]);
            REQUIRE(result == 0, "posix_memalign(%zu, %zu) returned %d", alignment_bytes,
                    boundary_sizes[i], result);
            require_aligned(block, alignment_bytes, boundary_sizes[i]);
            window_add(&window, block, boundary_sizes[i]);
        }
    }
    window_drain(&window);
}

/* POSIX: EINVAL when the alignment is not a power of two multiple of
 * sizeof(void *). The manual: *memptr is not modified on failure. */
CASE(posix_memalign, bad_alignment_gives_einval) {
    static const size_t bad[] = {0, 1, 2, 3, 4, 6, 7, 9, 12, 20, 24, 40, 100, 4095, SIZE_MAX};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char mark;
        void *block = &mark;
        errno = EXDEV;
        int result = FAMILY(posix_memalign)(&block, opaque_size(bad[i]), 64);
        REQUIRE(result == EINVAL, "posix_memalign(%zu, 64) returned %d", bad[i], result);
        REQUIRE(block == &mark, "posix_memalign(%zu, 64) failed and yet wrote %p", bad[i], block);
        REQUIRE(errno == EXDEV, "posix_memalign(%zu, 64) set errno to %d", bad[i], errno);
    }
}

CASE(posix_memalign, impossible_sizes_give_enomem) {
    for (size_t alignment_bytes = 8; alignment_bytes <= MIB; alignment_bytes *= 2) {
        for (size_t i = 0; i < impossible_size_count; i++) {
            char mark;
            void *block = &mark;
            errno = EXDEV;
            int result =
                FAMILY(posix_memalign)(&block, alignment_bytes, opaque_size(impossible_sizes[i]));
            REQUIRE(result == ENOMEM, "posix_memalign(%zu, %zu) returned %d", alignment_bytes,
                    impossible_sizes[i], result);
            REQUIRE(block == &mark, "posix_memalign failed and yet wrote %p", block);
            REQUIRE(family_is_glibc || errno == EXDEV, /* difference 2 of family.h */
                    "posix_memalign(%zu, %zu) set errno to %d", alignment_bytes,
                    impossible_sizes[i], errno);
        }
    }
}

CASE(posix_memalign, success_leaves_errno_alone) {
    for (size_t i = 0; i < boundary_size_count; i++) {
        void *block = NULL;
        errno = EXDEV;
        int result = FAMILY(posix_memalign)(&block, 64, boundary_sizes[i]);
        REQUIRE(result == 0, "posix_memalign(64, %zu) returned %d", boundary_sizes[i], result);
        REQUIRE(errno == EXDEV, "posix_memalign(64, %zu) set errno to %d", boundary_sizes[i],
                errno);
        FAMILY(free)(block);
    }
}

CASE(posix_memalign, zero_size_gives_a_block) {
    for (size_t alignment_bytes = 8; alignment_bytes <= MIB; alignment_bytes *= 2) {
        void *first = NULL;
        void *second = NULL;
        REQUIRE(FAMILY(posix_memalign)(&first, alignment_bytes, 0) == 0, "first of two failed");
        REQUIRE(FAMILY(posix_memalign)(&second, alignment_bytes, 0) == 0, "second of two failed");
        require_aligned(first, alignment_bytes, 0);
        require_aligned(second, alignment_bytes, 0);
        REQUIRE(first != second, "posix_memalign(%zu, 0) gave one block twice", alignment_bytes);
        FAMILY(free)(first);
        FAMILY(free)(second);
    }
}

/* glibc's memalign() takes any alignment and rounds it up. */
CASE(memalign, rounds_the_alignment_up) {
    static struct window window;
    for (size_t alignment_bytes = 0; alignment_bytes <= 5000; alignment_bytes++) {
        size_t rounded_bytes = 1;
        while (rounded_bytes < alignment_bytes) {
            rounded_bytes *= 2;
        }
        size_t size_bytes = alignment_bytes % 300;
        void *block = FAMILY(memalign)(opaque_size(alignment_bytes), size_bytes);
        require_aligned(block, rounded_bytes, size_bytes);
        window_add(&window, block, size_bytes);
    }
    window_drain(&window);
}

CASE(memalign, impossible_requests_fail) {
    for (size_t i = 0; i < impossible_size_count; i++) {
        errno = 0;
        void *block = FAMILY(memalign)(64, opaque_size(impossible_sizes[i]));
        REQUIRE(block == NULL && errno == ENOMEM, "memalign(64, %zu): %p, errno %d",
                impossible_sizes[i], block, errno);
        errno = 0;
        block = FAMILY(memalign)(opaque_size(impossible_sizes[i]), 64);
        REQUIRE(block == NULL, "memalign(%zu, 64) gave %p", impossible_sizes[i], block);
        /* Above 2^63 there is no power of two to round the alignment up to. */
        int expected = impossible_sizes[i] > SIZE_MAX / 2 + 1 ? EINVAL : ENOMEM;
        REQUIRE(errno == expected, "memalign(%zu, 64) left errno at %d, not %d",
                impossible_sizes[i], errno, expected);
    }
}

CASE(valloc, aligned_to_os_pages) {
    static struct window window;
    for (size_t i = 0; i < boundary_size_count; i++) {
        void *block = FAMILY(valloc)(boundary_sizes[i]);
        require_aligned(block, OS_PAGE_BYTES, boundary_sizes[i]);
        window_add(&window, block, boundary_sizes[i]);
    }
    void *empty = FAMILY(valloc)(0);
    require_aligned(empty, OS_PAGE_BYTES, 0);
    window_add(&window, empty, 0);
    window_drain(&window);
    for (size_t i = 0; i < impossible_size_count; i++) {
        errno = 0;
        void *block = FAMILY(valloc)(opaque_size(impossible_sizes[i]));
        REQUIRE(block == NULL && errno == ENOMEM, "valloc(%zu): %p, errno %d", impossible_sizes[i],
                block, errno);
    }
}

CASE(pvalloc, whole_os_pages) {
    static struct window window;
    for (size_t i = 0; i < boundary_size_count; i++) {
        void *block = FAMILY(pvalloc)(boundary_sizes[i]);
        require_aligned(block, OS_PAGE_BYTES, boundary_sizes[i]);
        size_t rounded_bytes =
            (boundary_sizes[i] + OS_PAGE_BYTES - 1) / OS_PAGE_BYTES * OS_PAGE_BYTES;
        window_add(&window, block, rounded_bytes);
    }
    void *empty = FAMILY(pvalloc)(0);
    require_aligned(empty, OS_PAGE_BYTES, 0);
    window_add(&window, empty, 0);
    window_drain(&window);
    for (size_t i = 0; i < impossible_size_count; i++) {
        errno = 0;
        void *block = FAMILY(pvalloc)(opaque_size(impossible_sizes[i]));
        REQUIRE(block == NULL && errno == ENOMEM, "pvalloc(%zu): %p, errno %d", impossible_sizes[i],
                block, errno);
    }
}
