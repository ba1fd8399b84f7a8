/* SPDX-License-Identifier: MIT */
/* 2 MiB for SuperSlabs and chunks: from the source first, then from the OS. */
#include "region/space.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/constants.h"
#include "os/os_memory.h"
#include "region/region_map.h"
#include "support/os_fault.h"

static char *kept; /* what the source has, once */
static int owner;

static char *take_kept(void) {
    char *base = kept;
    kept = NULL;
    return base;
}

static void keep_one(void) {
    kept = hak_os_reserve(HAK_SUPERSLAB_SIZE_BYTES, HAK_SUPERSLAB_SIZE_BYTES);
    cr_assert_not_null(kept);
    memset(kept, 7, HAK_SUPERSLAB_SIZE_BYTES);
    hak_space_set_source(take_kept);
}

Test(space, is_new_without_a_source) {
    uint32_t dirty = 1;
    cr_assert(hak_region_init(true));
    char *base = hak_space_take(&owner, &dirty);
    cr_assert_not_null(base);
    cr_assert_eq(dirty, 0);
    cr_assert_eq((uintptr_t)base % HAK_SUPERSLAB_SIZE_BYTES, 0);
    cr_assert_eq(hak_region_owner(base + HAK_MIB), &owner);
    int64_t held = test_os_held_bytes();
    hak_space_give(base);
    cr_assert_null(hak_region_owner(base));
    cr_assert_eq(held - test_os_held_bytes(), (int64_t)HAK_SUPERSLAB_SIZE_BYTES);
}

Test(space, is_what_the_source_has_and_then_new) {
    uint32_t dirty = 0;
    cr_assert(hak_region_init(true));
    keep_one();
    char *expected = kept, *base = hak_space_take(&owner, &dirty);
    cr_assert_eq(base, expected);
    cr_assert_eq(dirty, UINT32_MAX);
    cr_assert_eq(base[HAK_MIB], 7, "its memory is used as it is");
    cr_assert_eq(hak_region_owner(base), &owner);
    char *next = hak_space_take(&owner, &dirty);
    cr_assert_neq(next, base);
    cr_assert_eq(dirty, 0);
    cr_assert_eq(next[0], 0);
}

/* Without a leaf of the region map neither can be used; what the source gave is ours. */
Test(space, without_memory_nothing_is_lost) {
    uint32_t dirty;
    cr_assert(hak_region_init(false));
    for (int with_source = 0; with_source < 2; with_source++) {
        int64_t held = test_os_held_bytes();
        if (with_source) {
            keep_one();
        }
        test_os_fail_at(TEST_OS_RESERVE_SPARSE, 1, 0);
        cr_assert_null(hak_space_take(&owner, &dirty));
        cr_assert_eq(test_os_failed_count(), 1);
        cr_assert_eq(test_os_held_bytes(), held);
    }
    test_os_fail_at(TEST_OS_RESERVE, 1, 0);
    cr_assert_null(hak_space_take(&owner, &dirty));
}
