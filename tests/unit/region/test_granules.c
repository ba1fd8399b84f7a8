/* SPDX-License-Identifier: MIT */
/* Purging groups of granules: exactly those of the mask, group by group. */
#include "region/granules.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/constants.h"
#include "os/os_memory.h"
#include "support/expect.h"
#include "support/os_fault.h"
#include "support/random.h"

static char *base;

static void map_superslab(void) {
    base = hak_os_reserve(HAK_SUPERSLAB_SIZE_BYTES, HAK_SUPERSLAB_SIZE_BYTES);
    cr_assert_not_null(base);
}

static char *granule(uint32_t g, size_t offset) {
    return base + ((size_t)g << HAK_GRANULE_SHIFT) + offset;
}

static uint32_t groups_of(uint32_t mask) {
    return hak_bit_count32(mask & ~(mask << 1)); /* bits that begin a group */
}

static void check_mask(uint32_t mask) {
    for (uint32_t g = 0; g < HAK_GRANULES_PER_SUPERSLAB; g++) {
        *granule(g, 0) = *granule(g, HAK_GRANULE_SIZE_BYTES - 1) = 7;
    }
    uint64_t calls = test_os_purge_call_count();
    uint64_t counted = hak_purged_granule_count(), bytes = test_os_purged_bytes();
    hak_purge_granules(base, mask);
    expect(test_os_purge_call_count() - calls == groups_of(mask), "mask 0x%08x: %lu calls", mask,
           test_os_purge_call_count() - calls);
    uint64_t expected = hak_bit_count32(mask);
    expect(hak_purged_granule_count() - counted == expected, "mask 0x%08x: counted %lu", mask,
           hak_purged_granule_count() - counted);
    expect(test_os_purged_bytes() - bytes == expected << HAK_GRANULE_SHIFT,
           "mask 0x%08x: %lu bytes", mask, test_os_purged_bytes() - bytes);
    for (uint32_t g = 0; g < HAK_GRANULES_PER_SUPERSLAB; g++) {
        char kept = (mask >> g & 1) != 0 ? 0 : 7;
        expect(*granule(g, 0) == kept && *granule(g, HAK_GRANULE_SIZE_BYTES - 1) == kept,
               "mask 0x%08x granule %u", mask, g);
    }
}

Test(granules, purges_exactly_the_mask, .init = map_superslab) {
    struct test_random random;
    test_random_init(&random, 1);
    check_mask(0);
    check_mask(UINT32_MAX);
    check_mask(0x80000001u);
    check_mask(0xAAAAAAAAu);
    for (uint32_t g = 0; g < 32; g++) {
        check_mask(1u << g);
        check_mask(UINT32_MAX << g);
    }
    for (int i = 0; i < 200; i++) {
        check_mask((uint32_t)test_random_next(&random));
    }
}
