/* SPDX-License-Identifier: MIT */
/* The memory half of the OS contract, on the real kernel. */
#include "os/os_memory.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/constants.h"
#include "support/expect.h"
#include "unit/os/pages.h"

static bool reads_zero(const char *p, size_t size_bytes) {
    for (size_t i = 0; i < size_bytes; i++) {
        if (p[i] != 0) {
            return false;
        }
    }
    return true;
}

Test(os_memory, reserve_is_aligned_zero_writable_and_untouched) {
    for (size_t alignment = PAGE; alignment <= 64 * HAK_MIB; alignment *= 2) {
        for (size_t size = PAGE; size <= 4 * HAK_MIB; size *= 8) {
            char *p = hak_os_reserve(size, alignment);
            expect(p != NULL && (uintptr_t)p % alignment == 0, "size %zu alignment %zu: %p", size,
                   alignment, (void *)p);
            expect(!is_resident(p), "new memory is resident");
            expect(reads_zero(p, PAGE) && reads_zero(p + size - PAGE, PAGE), "not zero");
            p[0] = p[size - 1] = 1;
            hak_os_release(p, size);
            expect(!is_mapped(p) && !is_mapped(p + size - PAGE), "still mapped");
        }
    }
}

/* What map_and_trim cuts off must go back: the address space around is free. */
Test(os_memory, reserve_leaves_nothing_beside_what_it_gives) {
    enum { COUNT = 50 };
    char *blocks[COUNT];
    const size_t size = 3 * PAGE, alignment = 2 * HAK_MIB;
    for (int i = 0; i < COUNT; i++) {
        blocks[i] = hak_os_reserve(size, alignment);
        cr_assert_not_null(blocks[i]);
    }
    for (int i = 1; i + 1 < COUNT; i++) { /* between two of ours */
        expect(!is_mapped(blocks[i] + size), "block %d is followed by %p", i,
               (void *)(blocks[i] + size));
    }
    for (int i = 0; i < COUNT; i++) {
        hak_os_release(blocks[i], size);
    }
}

Test(os_memory, impossible_sizes_give_null_and_keep_errno) {
    errno = EXDEV;
    cr_assert_null(hak_os_reserve((size_t)1 << 62, PAGE));
    cr_assert_null(hak_os_reserve((size_t)1 << 46, (size_t)1 << 62));
    cr_assert_null(hak_os_reserve_sparse((size_t)1 << 62));
    cr_assert_eq(errno, EXDEV);
}

Test(os_memory, sparse_reads_zero_and_takes_writes_far_apart) {
    const size_t size = (size_t)8 << 30;
    char *p = hak_os_reserve_sparse(size);
    cr_assert_not_null(p);
    for (size_t at = 0; at < size; at += size / 16) {
        expect(p[at] == 0, "at %zu", at);
        p[at] = 1;
    }
    cr_assert(is_resident(p));
    cr_assert_not(is_resident(p + 64 * PAGE));
    hak_os_release(p, size);
}

Test(os_memory, purge_gives_memory_back_and_reads_zero) {
    char *p = hak_os_reserve(16 * PAGE, PAGE);
    memset(p, 7, 16 * PAGE);
    errno = EXDEV;
    hak_os_purge(p + 4 * PAGE, 8 * PAGE);
    cr_assert_eq(errno, EXDEV);
    for (int i = 0; i < 16; i++) {
        expect(is_resident(p + i * PAGE) == (i < 4 || i >= 12), "page %d", i);
    }
    cr_assert(reads_zero(p + 4 * PAGE, 8 * PAGE));
    cr_assert_eq(p[4 * PAGE - 1], 7);
    cr_assert_eq(p[12 * PAGE], 7);
    p[5 * PAGE] = 1; /* ours still */
}

Test(os_memory, resize_shrinks_in_place_and_gives_the_end_back) {
    char *p = hak_os_reserve(8 * PAGE, PAGE);
    memset(p, 7, 8 * PAGE);
    cr_assert(hak_os_resize(p, 8 * PAGE, 3 * PAGE));
    cr_assert(is_mapped(p + 2 * PAGE));
    cr_assert_not(is_mapped(p + 3 * PAGE));
    cr_assert_eq(p[3 * PAGE - 1], 7);
}

Test(os_memory, resize_grows_into_free_space_only) {
    char *p = hak_os_reserve(8 * PAGE, PAGE);
    memset(p, 7, 2 * PAGE);
    hak_os_release(p + 4 * PAGE, 4 * PAGE);
    cr_assert(hak_os_resize(p, 4 * PAGE, 6 * PAGE));
    cr_assert(p[PAGE] == 7 && reads_zero(p + 4 * PAGE, 2 * PAGE));
    void *wall =
        mmap(p + 6 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    cr_assert_neq(wall, MAP_FAILED);
    errno = EXDEV;
    cr_assert_not(hak_os_resize(p, 6 * PAGE, 7 * PAGE));
    cr_assert_eq(errno, EXDEV);
    cr_assert_eq(p[PAGE], 7);
}

Test(os_memory, move_takes_the_memory_to_the_target) {
    char *to = hak_os_reserve(8 * PAGE, 2 * HAK_MIB), *from = hak_os_reserve(4 * PAGE, PAGE);
    memset(from, 7, 4 * PAGE);
    memset(to, 9, 8 * PAGE);
    cr_assert(hak_os_move(from, 4 * PAGE, to, 8 * PAGE));
    cr_assert_not(is_mapped(from));
    /* Changes nothing; Valgrind 3.19 takes the grown end of a moved mapping for
     * unmapped until it is told again. */
    cr_assert_eq(mprotect(to, 8 * PAGE, PROT_READ | PROT_WRITE), 0);
    for (int i = 0; i < 4 * PAGE; i++) {
        expect(to[i] == 7, "byte %d: %d", i, to[i]);
    }
    cr_assert(reads_zero(to + 4 * PAGE, 4 * PAGE), "the target's own memory is lost");
}

Test(os_memory, failed_move_leaves_the_source) {
    char *from = hak_os_reserve(4 * PAGE, PAGE), *to = hak_os_reserve(4 * PAGE, PAGE);
    from[0] = 7;
    errno = EXDEV;
    cr_assert_not(hak_os_move(from, 4 * PAGE, to + 1, 4 * PAGE)); /* not on a page */
    cr_assert_eq(errno, EXDEV);
    cr_assert_eq(from[0], 7);
}

/* Two pieces of 3 MiB in one target of 7: each part as it was, zeroes after them, and
 * nothing left where they came from. */
Test(os_memory, graft_takes_pieces_to_one_target) {
    const size_t piece = 3 * HAK_MIB, unit = 2 * HAK_MIB;
    char *to = hak_os_reserve(7 * HAK_MIB, unit), *from[2];
    memset(to, 9, 7 * HAK_MIB);
    size_t reserved = hak_os_reserved_bytes();
    for (int i = 0; i < 2; i++) {
        from[i] = hak_os_reserve(piece, unit);
        memset(from[i], 1 + i, piece);
        size_t at = (size_t)i * 2 * unit;
        errno = EXDEV;
        cr_assert_eq(hak_os_graft(from[i], piece, to + at, 7 * HAK_MIB - at), piece);
        cr_assert_eq(errno, EXDEV);
        cr_assert_not(is_mapped(from[i]));
        cr_assert_not(is_mapped(from[i] + piece - PAGE));
        /* As in move_takes_the_memory_to_the_target, for Valgrind. */
        cr_assert_eq(mprotect(to, 7 * HAK_MIB, PROT_READ | PROT_WRITE), 0);
        for (size_t k = 0; k < piece; k += PAGE) {
            expect(to[at + k] == 1 + i, "piece %d at %zu: %d", i, k, to[at + k]);
        }
    }
    cr_assert(reads_zero(to + piece, HAK_MIB), "up to the next multiple");
    cr_assert_eq(hak_os_reserved_bytes(), reserved);
    /* Each 2 MiB can go on alone, whatever it was put together from. */
    char *next = hak_os_reserve(7 * HAK_MIB, unit);
    cr_assert_eq(hak_os_graft(to, 7 * HAK_MIB, next, 7 * HAK_MIB), 7 * HAK_MIB);
    cr_assert(next[0] == 1 && next[piece] == 0 && next[2 * unit] == 2);
}

/* Advice on the second 2 MiB split them: the first are moved, what follows is as it was. */
Test(os_memory, graft_stops_at_what_the_kernel_will_not_move) {
    const size_t unit = 2 * HAK_MIB;
    char *from = hak_os_reserve(3 * unit, unit), *to = hak_os_reserve(3 * unit, unit);
    memset(from, 7, 3 * unit);
    memset(to, 9, 3 * unit);
    cr_assert_eq(madvise(from + unit + 5 * PAGE, PAGE, MADV_DONTDUMP), 0);
    errno = EXDEV;
    cr_assert_eq(hak_os_graft(from, 3 * unit, to, 3 * unit), unit);
    cr_assert_eq(errno, EXDEV);
    cr_assert_not(is_mapped(from));
    cr_assert(to[0] == 7 && to[unit - 1] == 7);
    for (size_t k = unit; k < 3 * unit; k++) {
        expect(from[k] == 7 && to[k] == 9, "at %zu: %d, %d", k, from[k], to[k]);
    }
}

Test(os_memory, this_kernel_can_graft) {
    cr_assert(hak_os_can_graft());
}

/* The kernel refuses to drop locked pages; the promise of zeroes holds. */
Test(os_memory, purged_locked_memory_reads_zero) {
    char *p = hak_os_reserve(4 * PAGE, PAGE);
    memset(p, 7, 4 * PAGE);
    cr_assert_eq(mlock(p, 4 * PAGE), 0);
    errno = EXDEV;
    hak_os_purge(p + PAGE, 2 * PAGE);
    cr_assert_eq(errno, EXDEV);
    cr_assert(reads_zero(p + PAGE, 2 * PAGE));
    cr_assert(p[PAGE - 1] == 7 && p[3 * PAGE] == 7);
}

Test(os_memory, reserved_bytes_follow_every_call) {
    size_t before = hak_os_reserved_bytes();
    char *a = hak_os_reserve(8 * PAGE, PAGE), *b = hak_os_reserve(6 * PAGE, 2 * HAK_MIB);
    cr_assert_eq(hak_os_reserved_bytes() - before, 14 * PAGE);
    cr_assert_null(hak_os_reserve((size_t)1 << 62, PAGE));
    cr_assert_eq(hak_os_reserved_bytes() - before, 14 * PAGE);
    cr_assert(hak_os_resize(a, 8 * PAGE, 4 * PAGE));
    cr_assert_eq(hak_os_reserved_bytes() - before, 10 * PAGE);
    hak_os_purge(b, 6 * PAGE);
    cr_assert(hak_os_move(a, 4 * PAGE, b, 6 * PAGE));
    cr_assert_eq(hak_os_reserved_bytes() - before, 6 * PAGE);
    hak_os_release(b, 6 * PAGE);
    cr_assert_eq(hak_os_reserved_bytes(), before);
}

static void expect_limit(int resource, size_t limit_bytes) {
    struct rlimit before, now;
    cr_assert_eq(getrlimit(resource, &before), 0);
    now = before;
    now.rlim_cur = limit_bytes;
    cr_assert_eq(setrlimit(resource, &now), 0);
    errno = EXDEV;
    size_t found = hak_os_space_limit_bytes();
    int errno_after = errno;
    cr_assert_eq(setrlimit(resource, &before), 0);
    cr_assert_eq(found, limit_bytes);
    cr_assert_eq(errno_after, EXDEV);
}

Test(os_memory, space_limit_is_the_least_there_is) {
    struct rlimit limit;
    cr_assert_eq(getrlimit(RLIMIT_AS, &limit), 0);
    size_t before = hak_os_space_limit_bytes();
    cr_assert_leq(before, limit.rlim_cur);
    expect_limit(RLIMIT_AS, HAK_MIB);
    expect_limit(RLIMIT_DATA, HAK_MIB);
    cr_assert_eq(hak_os_space_limit_bytes(), before);
}
