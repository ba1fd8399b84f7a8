/* SPDX-License-Identifier: MIT */
/* src/front/malloc.c: realloc when memory has run out. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/size_class.h"
#include "hakmem.h"
#include "support/os_fault.h"

enum { FILLERS = 100000 };

/* Takes what the slabs at hand have left: all granules of a class that needs one a slab. */
static void fill(void) {
    static void *fillers[FILLERS];
    uint32_t count = 0;
    while (count < FILLERS && (fillers[count] = hak_malloc(8192)) != NULL) {
        count++;
    }
    cr_assert_lt(count, FILLERS, "memory does not run out");
}

/* The size asked for has blocks left in its class, the size with room for more has none. */
Test(realloc_full, growth_does_without_room_when_there_is_none) {
    enum { OLD = 64, NEW = 65 };
    cr_assert_neq(hak_class_of(NEW), hak_class_of(OLD + OLD / 8 * 3));
    char *block = hak_malloc(OLD), *keeps_slab = hak_malloc(NEW);
    memset(block, 5, OLD);
    test_os_fail_at(TEST_OS_ALL, 1, 1);
    fill();
    errno = EXDEV;
    char *grown = hak_realloc(block, NEW);
    int said = errno;
    test_os_recover();
    cr_assert_not_null(grown);
    cr_assert_eq(said, EXDEV, "errno became %d", said);
    cr_assert_eq(hak_malloc_usable_size(grown), hak_malloc_usable_size(keeps_slab));
    cr_assert(grown[0] == 5 && grown[OLD - 1] == 5);
}

Test(realloc_full, growth_that_finds_nothing_leaves_the_block) {
    char *block = hak_malloc(64);
    memset(block, 5, 64);
    test_os_fail_at(TEST_OS_ALL, 1, 1);
    fill();
    errno = 0;
    cr_assert_null(hak_realloc(block, 65));
    cr_assert_eq(errno, ENOMEM);
    test_os_recover();
    cr_assert(block[0] == 5 && block[63] == 5);
    hak_free(block);
}
