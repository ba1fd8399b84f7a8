/* SPDX-License-Identifier: MIT */
/* The region map in both modes, against a plain list. Nothing is mapped at the
 * addresses: the map must not touch them. */
#include "region/region_map.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include "support/expect.h"
#include "support/os_fault.h"
#include "support/random.h"
#include "support/threads.h"

enum { RANGES_MAX = 256, ROUNDS = 20000 };

#define ADDRESS_END ((uintptr_t)1 << HAK_ADDRESS_BITS)

/* What is registered, as the test believes. */
struct range {
    uintptr_t start;
    uint32_t granules; /* with a kind */
    void *owner;
    uint8_t kinds[HAK_GRANULES_PER_SUPERSLAB];
};

static struct range ranges[RANGES_MAX];
static uint32_t range_count;

static const bool both_modes[] = {true, false};

ParameterizedTestParameters(region_map, against_a_list) {
    return cr_make_param_array(const bool, (void *)(uintptr_t)both_modes, 2);
}

ParameterizedTestParameters(region_map, any_address_may_be_asked) {
    return cr_make_param_array(const bool, (void *)(uintptr_t)both_modes, 2);
}

static struct range *find_range(uintptr_t address) {
    uintptr_t start = address & ~(HAK_SUPERSLAB_SIZE_BYTES - 1);
    for (uint32_t i = 0; i < range_count; i++) {
        if (ranges[i].start == start) {
            return &ranges[i];
        }
    }
    return NULL;
}

static void check_address(uintptr_t address) {
    const struct range *range = find_range(address);
    uint32_t g = (uint32_t)(address >> HAK_GRANULE_SHIFT) % HAK_GRANULES_PER_SUPERSLAB;
    enum hak_kind kind = range != NULL ? (enum hak_kind)range->kinds[g] : HAK_KIND_NONE;
    void *owner = range != NULL ? range->owner : NULL;
    const void *p = (const void *)address;
    expect(hak_region_kind(p) == kind, "%p: kind %d, not %d", p, hak_region_kind(p), kind);
    expect(hak_region_kind_slow(p) == kind, "%p, slow: %d", p, hak_region_kind_slow(p));
    expect(hak_region_owner(p) == owner, "%p: owner %p, not %p", p, hak_region_owner(p), owner);
    expect(hak_region_owner_slow(p) == owner, "%p, slow: %p", p, hak_region_owner_slow(p));
}

static void check_around(uintptr_t start) {
    static const intptr_t offsets[] = {-1, 0, 1, 0xFFFF, 0x10000, 0x1FFFFF, 0x200000};
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        check_address(start + (uintptr_t)offsets[i]);
    }
    check_address(start + 0x55555);
}

/* Clustered, so that neighbours, leaves' edges and both ends come up. */
static uintptr_t random_start(struct test_random *random) {
    static const uintptr_t bases[] = {0, (uintptr_t)1 << 30, ((uintptr_t)1 << 40) - 8 * 0x200000,
                                      ADDRESS_END - 16 * 0x200000};
    uintptr_t base = bases[test_random_below(random, 4)];
    return base + (uintptr_t)test_random_below(random, 16) * HAK_SUPERSLAB_SIZE_BYTES;
}

static void add_range(struct test_random *random, uintptr_t start) {
    struct range *range = &ranges[range_count++];
    *range = (struct range){.start = start, .owner = (void *)(start + 8 + range_count)};
    cr_assert(hak_region_register((void *)start, HAK_SUPERSLAB_SIZE_BYTES, range->owner));
    for (uint32_t g = 0; g < HAK_GRANULES_PER_SUPERSLAB;) {
        uint32_t count = 1 + test_random_below(random, 4);
        count = count < 32 - g ? count : 32 - g;
        uint8_t kind =
            (uint8_t)(test_random_below(random, 3) == 0 ? 0 : 1 + test_random_below(random, 63));
        hak_region_set_kind((void *)(start + ((uintptr_t)g << HAK_GRANULE_SHIFT)), count, kind);
        for (; count > 0; count--) {
            range->kinds[g++] = kind;
        }
    }
}

static void remove_range(struct range *range) {
    hak_region_set_kind((void *)range->start, HAK_GRANULES_PER_SUPERSLAB, HAK_KIND_NONE);
    hak_region_unregister((void *)range->start);
    *range = ranges[--range_count];
}

ParameterizedTest(const bool *flat, region_map, against_a_list) {
    struct test_random random;
    test_random_init(&random, 5);
    cr_assert(hak_region_init(*flat));
    for (int i = 0; i < ROUNDS; i++) {
        uintptr_t start = random_start(&random);
        struct range *range = find_range(start);
        if (range != NULL) {
            remove_range(range);
        } else {
            add_range(&random, start);
        }
        check_around(start);
        check_around(random_start(&random));
    }
    while (range_count > 0) {
        uintptr_t start = ranges[0].start;
        remove_range(&ranges[0]);
        check_around(start);
    }
}

ParameterizedTest(const bool *flat, region_map, any_address_may_be_asked) {
    struct test_random random;
    test_random_init(&random, 6);
    cr_assert(hak_region_init(*flat));
    static const uintptr_t addresses[] = {0,
                                          1,
                                          4095,
                                          ADDRESS_END - 1,
                                          ADDRESS_END,
                                          ADDRESS_END + 1,
                                          (uintptr_t)1 << 48,
                                          0x8000000000000000u,
                                          0xFFFF800000000000u,
                                          (uintptr_t)INTPTR_MAX,
                                          UINTPTR_MAX - 1,
                                          UINTPTR_MAX};
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        check_address(addresses[i]);
    }
    for (unsigned shift = 0; shift < 64; shift++) {
        check_address((uintptr_t)1 << shift);
        check_address(UINTPTR_MAX << shift);
    }
    for (int i = 0; i < ROUNDS; i++) {
        check_address(test_random_next(&random) >> test_random_below(&random, 40));
    }
}

Test(region_map, nothing_is_ours_before_init) {
    check_address(0);
    check_address((uintptr_t)&range_count);
    check_address(UINTPTR_MAX);
}

Test(region_map, falls_back_to_two_levels_when_the_tables_do_not_fit) {
    test_os_fail_at(TEST_OS_RESERVE_SPARSE, 1, 0);
    cr_assert(hak_region_init(true));
    cr_assert_eq(hak_region_map.flat_limit, 0);
    cr_assert(hak_region_register((void *)HAK_SUPERSLAB_SIZE_BYTES, HAK_SUPERSLAB_SIZE_BYTES,
                                  &range_count));
    cr_assert_eq(hak_region_owner((void *)(HAK_SUPERSLAB_SIZE_BYTES + 5)), &range_count);
}

static size_t limit_bytes; /* 0: what the system says */

size_t __real_hak_os_space_limit_bytes(void);
size_t __wrap_hak_os_space_limit_bytes(void);
size_t __wrap_hak_os_space_limit_bytes(void) {
    return limit_bytes != 0 ? limit_bytes : __real_hak_os_space_limit_bytes();
}

/* Flat tables count in full against a limit, so they are for those only that hardly notice. */
Test(region_map, a_limit_on_address_space_makes_two_levels) {
    const size_t tables = ((size_t)1 << (HAK_ADDRESS_BITS - HAK_GRANULE_SHIFT)) +
                          ((size_t)8 << (HAK_ADDRESS_BITS - HAK_SUPERSLAB_SHIFT));
    int64_t before = test_os_held_bytes();
    limit_bytes = 32 * tables - 1;
    cr_assert(hak_region_init(true));
    cr_assert_eq(hak_region_map.flat_limit, 0);
    cr_assert_leq(test_os_held_bytes() - before, 4 * (int64_t)HAK_MIB);
    limit_bytes = 32 * tables;
    cr_assert(hak_region_init(true));
    cr_assert_gt(hak_region_map.flat_limit, 0);
}

Test(region_map, init_tells_when_not_even_the_root_fits) {
    test_os_fail_at(TEST_OS_RESERVE_SPARSE, 1, 1);
    cr_assert_not(hak_region_init(true));
    cr_assert_eq(test_os_failed_count(), 2);
    check_address((uintptr_t)&range_count); /* still safe */
}

Test(region_map, two_levels_cost_little_before_the_first_range) {
    int64_t before = test_os_held_bytes();
    cr_assert(hak_region_init(false));
    cr_assert_leq(test_os_held_bytes() - before, 4 * (int64_t)HAK_MIB);
}

Test(region_map, leaf_without_memory_changes_nothing) {
    const uintptr_t edge = (uintptr_t)5 << 30; /* of two leaves */
    const uintptr_t start = edge - HAK_SUPERSLAB_SIZE_BYTES;
    int owner;
    cr_assert(hak_region_init(false));
    for (uint64_t n = 1; n <= 2; n++) { /* the first leaf, then the second */
        test_os_fail_at(TEST_OS_RESERVE_SPARSE, n, 0);
        cr_assert_not(hak_region_register((void *)start, 2 * HAK_SUPERSLAB_SIZE_BYTES, &owner));
        check_address(start);
        check_address(edge);
        cr_assert_eq(test_os_failed_count(), 1);
    }
    test_os_recover();
    cr_assert(hak_region_register((void *)start, 2 * HAK_SUPERSLAB_SIZE_BYTES, &owner));
    cr_assert_eq(hak_region_owner((void *)start), &owner);
    hak_region_set_kind((void *)start, 2 * HAK_GRANULES_PER_SUPERSLAB, HAK_KIND_RUN);
    cr_assert_eq(hak_region_kind((void *)(edge + 1)), HAK_KIND_RUN);
}

/* --- Threads: each its own ranges, all leaves made at once ---------------- */

static _Atomic uint32_t wrong;

static void use_own_ranges(void *unused, uint32_t index) {
    (void)unused;
    for (uint32_t i = 0; i < 400; i++) {
        uintptr_t start = ((uintptr_t)(i % 100) << 30) + index * HAK_SUPERSLAB_SIZE_BYTES;
        enum hak_kind kind = (enum hak_kind)(1 + index);
        wrong += !hak_region_register((void *)start, HAK_SUPERSLAB_SIZE_BYTES, (void *)(start + 1));
        hak_region_set_kind((void *)start, HAK_GRANULES_PER_SUPERSLAB, kind);
        wrong += hak_region_kind((void *)(start + 77777)) != kind;
        wrong += hak_region_owner((void *)(start + 77777)) != (void *)(start + 1);
        hak_region_set_kind((void *)start, HAK_GRANULES_PER_SUPERSLAB, HAK_KIND_NONE);
        hak_region_unregister((void *)start);
        wrong += hak_region_kind((void *)start) != HAK_KIND_NONE;
    }
}

Test(region_map, threads_make_leaves_together, .timeout = 60) {
    cr_assert(hak_region_init(false));
    test_threads_run(8, use_own_ranges, NULL);
    cr_assert_eq(wrong, 0);
}

/* Of threads that free one block at once exactly one may go on. Each goes through many
 * granules: who is behind finds them taken, which is quicker, and catches up. */
enum { TAKEN_SUPERSLABS = 2048 };

static _Atomic uint32_t takers;

static char *granule_at(uint32_t index) {
    return (char *)(3 * HAK_SUPERSLAB_SIZE_BYTES + index * HAK_GRANULE_SIZE_BYTES);
}

static void take_kinds(void *count, uint32_t index) {
    uint32_t taken = 0;
    (void)index;
    for (uint32_t i = 0; i < *(const uint32_t *)count; i++) {
        taken += hak_region_take_kind(granule_at(i), HAK_KIND_MAPPING);
    }
    takers += taken;
}

Test(region_map, one_of_many_takes_a_kind, .timeout = 60) {
    uint32_t count = TAKEN_SUPERSLABS * HAK_GRANULES_PER_SUPERSLAB;
    cr_assert(hak_region_init(true));
    for (uint32_t i = 0; i < count; i += HAK_GRANULES_PER_SUPERSLAB) {
        cr_assert(hak_region_register(granule_at(i), HAK_SUPERSLAB_SIZE_BYTES, &takers));
    }
    for (uint32_t round = 0; round < 200; round++) {
        takers = 0;
        hak_region_set_kind(granule_at(0), count, HAK_KIND_MAPPING);
        cr_assert_not(hak_region_take_kind(granule_at(0), HAK_KIND_RUN));
        test_threads_run(2 + round % 3, take_kinds, &count);
        cr_assert_eq(takers, count, "%u of %u", takers, count);
        cr_assert_eq(hak_region_kind(granule_at(count - 1)), HAK_KIND_NONE);
    }
}

/* --- fork ---------------------------------------------------------------- */

Test(region_map, lock_and_reset_leave_it_usable) {
    int owner;
    cr_assert(hak_region_init(false));
    hak_region_lock();
    hak_region_unlock();
    hak_region_lock();
    hak_region_reset_in_child();
    cr_assert(hak_region_register((void *)HAK_SUPERSLAB_SIZE_BYTES, 1, &owner));
}
