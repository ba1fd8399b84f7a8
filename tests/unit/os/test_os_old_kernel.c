/* SPDX-License-Identifier: MIT */
/* Moving memory on kernels before 6.17: this kernel, with an mremap() that unmaps the
 * target of a move before it finds out whether it will move anything. And under filters
 * that let nobody call it. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/constants.h"
#include "os/os_memory.h"

enum { PAGE = HAK_OS_PAGE_SIZE_BYTES, NOBODY = 65534 };

static const size_t unit = HAK_SUPERSLAB_SIZE_BYTES;
static size_t most_grown_bytes; /* that any call asked for */
static int refusal, late_refusal; /* errno of every call; of moves, which come after a look */

static void *refuse(int reason) {
    errno = reason;
    return MAP_FAILED;
}

void *__real_mremap(void *address, size_t old_size, size_t new_size, int flags, ...);
void *__wrap_mremap(void *address, size_t old_size, size_t new_size, int flags, ...);
void *__wrap_mremap(void *address, size_t old_size, size_t new_size, int flags, ...) {
    if (new_size > old_size && new_size - old_size > most_grown_bytes) {
        most_grown_bytes = new_size - old_size;
    }
    if (refusal != 0) {
        return refuse(refusal);
    }
    if ((flags & MREMAP_FIXED) == 0) {
        return __real_mremap(address, old_size, new_size, flags);
    }
    va_list rest;
    va_start(rest, flags);
    void *target = va_arg(rest, void *);
    va_end(rest);
    if (late_refusal != 0) {
        return refuse(late_refusal);
    }
    munmap(target, new_size);
    return __real_mremap(address, old_size, new_size, flags, target);
}

/* mincore fails with ENOMEM where nothing is mapped. */
static bool is_mapped(char *address, size_t size_bytes) {
    unsigned char states[4 * HAK_SUPERSLAB_SIZE_BYTES / PAGE];
    return mincore(address, size_bytes, states) == 0;
}

/* Moves as much as is said and leaves the rest in both places. */
static void expect_moved(char *from, size_t size_bytes, size_t moved_bytes) {
    char *to = hak_os_reserve(4 * unit, unit);
    memset(to, 9, 4 * unit);
    cr_assert_eq(hak_os_graft(from, size_bytes, to, 4 * unit), moved_bytes);
    cr_assert(is_mapped(to, 4 * unit), "the target has a hole");
    for (size_t at = 0; at < size_bytes; at += PAGE) {
        cr_assert_eq(to[at], at < moved_bytes ? 7 : 9, "%d at %zu", to[at], at);
    }
    if (moved_bytes < size_bytes) {
        cr_assert(is_mapped(from + moved_bytes, size_bytes - moved_bytes));
        cr_assert_eq(from[size_bytes - 1], 7);
    }
}

static char *reserve_filled(size_t size_bytes) {
    char *p = hak_os_reserve(size_bytes, unit);
    cr_assert_not_null(p);
    memset(p, 7, size_bytes);
    return p;
}

Test(os_old_kernel, what_is_one_area_moves) {
    expect_moved(reserve_filled(2 * unit + unit / 2), 2 * unit + unit / 2, 2 * unit + unit / 2);
}

Test(os_old_kernel, a_split_range_leaves_no_hole) {
    char *from = reserve_filled(3 * unit);
    cr_assert_eq(madvise(from + unit + PAGE * 16, PAGE * 16, MADV_DONTDUMP), 0);
    expect_moved(from, 3 * unit, unit);
}

/* The last part grows to 2 MiB when it moves, and the program may lock no more. 64 KiB it
 * may on any system. */
Test(os_old_kernel, a_locked_range_leaves_no_hole) {
    const size_t size = HAK_GRANULE_SIZE_BYTES;
    struct rlimit limit;
    char *from = reserve_filled(size);
    cr_assert_eq(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
    limit.rlim_cur = size;
    cr_assert_eq(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
    uid_t before = geteuid();
    cr_assert(before != 0 || seteuid(NOBODY) == 0, "root may lock what it likes");
    cr_assert_eq(syscall(SYS_mlock, from, size), 0); /* sanitizers' mlock() does nothing */
    expect_moved(from, size, 0);
    cr_assert_eq(seteuid(before), 0);
    prctl(PR_SET_DUMPABLE, 1); /* or LeakSanitizer cannot look at this process */
}

/* Older kernels charge what a call asks for to the commit limit of the whole system (with
 * vm.overcommit_memory=2) before they see that it does not fit. */
Test(os_old_kernel, no_more_is_asked_for_than_could_be_had) {
    char *from = reserve_filled(3 * unit);
    most_grown_bytes = 0;
    expect_moved(from, 3 * unit, 3 * unit);
    cr_assert_leq(most_grown_bytes, unit);
}

/* --- Whole reservations, which hak_os_move() moves or leaves ------------------------ */

/* The target's address space is ours no more, and nobody else's either. */
static void expect_left(char *from, size_t size_bytes, bool is_given_back) {
    char *to = hak_os_reserve(4 * unit, unit);
    cr_assert_not_null(to);
    size_t reserved = hak_os_reserved_bytes();
    errno = EDOM;
    cr_assert_not(hak_os_move(from, size_bytes, to, 4 * unit));
    cr_assert_eq(errno, EDOM);
    cr_assert_eq(from[0], 7);
    cr_assert_eq(from[size_bytes - 1], 7);
    cr_assert_eq(reserved - hak_os_reserved_bytes(), 4 * unit);
    if (is_given_back) {
        cr_assert_not(is_mapped(to, PAGE), "the target stays mapped, and nobody knows it");
        cr_assert_not(is_mapped(to + 4 * unit - PAGE, PAGE));
    }
}

Test(os_old_kernel, a_whole_reservation_moves) {
    char *from = reserve_filled(2 * unit), *to = hak_os_reserve(4 * unit, unit);
    size_t reserved = hak_os_reserved_bytes();
    cr_assert(hak_os_move(from, 2 * unit, to, 4 * unit));
    cr_assert_eq(to[2 * unit - 1], 7);
    cr_assert_eq(reserved - hak_os_reserved_bytes(), 2 * unit);
}

Test(os_old_kernel, a_split_reservation_is_not_moved_and_the_target_goes_back) {
    char *from = reserve_filled(2 * unit);
    cr_assert_eq(madvise(from + unit / 2, PAGE * 16, MADV_DONTDUMP), 0);
    expect_left(from, 2 * unit, true);
}

Test(os_old_kernel, where_mremap_is_forbidden_the_target_goes_back) {
    static const int reasons[] = {EPERM, ENOSYS, EACCES};
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        char *from = reserve_filled(unit);
        refusal = reasons[i];
        expect_left(from, unit, true);
        cr_assert_eq(hak_os_graft(from, unit, hak_os_reserve(unit, unit), unit), 0);
        refusal = 0;
    }
}

/* Whether it was unmapped nobody can tell. */
Test(os_old_kernel, a_late_refusal_leaves_the_target_to_the_kernel) {
    char *from = reserve_filled(unit);
    late_refusal = ENOMEM;
    expect_left(from, unit, false);
    late_refusal = 0;
}
