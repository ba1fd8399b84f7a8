/* SPDX-License-Identifier: MIT */
/* SuperSlabs: life, granules against a plain array, the region map, no memory. */
#include "superslab/superslab.h"

#include <criterion/criterion.h>
#include <string.h>

#include "region/region_map.h"
#include "support.h"
#include "support/expect.h"
#include "support/os_fault.h"
#include "support/random.h"

enum granule_state { COLD, DIRTY, USED };

static struct hak_superslab *s;
static struct hak_chain chain;
static enum granule_state granules[HAK_GRANULES_PER_SUPERSLAB];

static void start_superslab(void) {
    start_region_map();
    hak_chain_init(&chain);
    s = hak_superslab_create();
    cr_assert_not_null(s);
    s->chain = &chain;
}

static void check(void) {
    for (uint32_t g = 0; g < HAK_GRANULES_PER_SUPERSLAB; g++) {
        const char *p = s->base + ((size_t)g << HAK_GRANULE_SHIFT);
        bool used = (s->bitmap >> g & 1) != 0, dirty = (s->dirty >> g & 1) != 0;
        expect(used == (granules[g] == USED), "granule %u: used %d, state %d", g, used,
               granules[g]);
        expect(dirty == (granules[g] == DIRTY), "granule %u: dirty %d, state %d", g, dirty,
               granules[g]);
        expect((hak_region_kind(p) != HAK_KIND_NONE) == used, "granule %u: kind %d", g,
               hak_region_kind(p));
        expect(hak_region_owner(p) == s, "granule %u: owner", g);
        if (used) {
            struct hak_slab *slab = hak_superslab_slab_of(s, p + 100);
            expect(slab->kind == hak_region_kind(p), "granule %u: slab of kind %u", g, slab->kind);
            expect(g >= slab->granule_first && g < slab->granule_first + slab->granule_count,
                   "granule %u is not in its slab", g);
            expect(hak_superslab_of_slab(slab) == s, "granule %u: the way back", g);
        }
    }
}

/* The lowest group, dirty granules before all free ones. */
static uint32_t find_naively(uint32_t count) {
    for (int dirty_only = 1; dirty_only >= 0; dirty_only--) {
        for (uint32_t at = 0; at + count <= HAK_GRANULES_PER_SUPERSLAB; at++) {
            uint32_t fit = 0;
            while (fit < count &&
                   (granules[at + fit] == DIRTY || (!dirty_only && granules[at + fit] == COLD))) {
                fit++;
            }
            if (fit == count) {
                return at;
            }
        }
    }
    return HAK_GRANULES_PER_SUPERSLAB;
}

static void carve_random(struct test_random *random) {
    uint32_t class_index = test_random_below(random, HAK_CLASS_COUNT);
    uint32_t count = hak_class_infos[class_index].granule_count;
    uint32_t first = hak_superslab_find_granules_owned(s, count);
    expect(first == find_naively(count), "%u granules at %u, not %u", count, first,
           find_naively(count));
    if (first == HAK_GRANULES_PER_SUPERSLAB) {
        return;
    }
    struct hak_slab *slab = hak_superslab_carve_owned(s, class_index, first);
    expect(slab != NULL && slab->start == s->base + ((size_t)first << HAK_GRANULE_SHIFT) &&
               slab->block_count == hak_class_infos[class_index].block_count &&
               slab->chain == &chain && slab->live_count == 0,
           "slab of class %u", class_index);
    for (uint32_t g = first; g < first + count; g++) {
        granules[g] = USED;
    }
}

static void uncarve_random(struct test_random *random) {
    struct hak_slab *slab = &s->slabs[test_random_below(random, HAK_GRANULES_PER_SUPERSLAB)];
    if (slab->kind == HAK_KIND_NONE) {
        return;
    }
    for (uint32_t g = slab->granule_first; g < slab->granule_first + slab->granule_count; g++) {
        granules[g] = DIRTY;
    }
    hak_superslab_uncarve_owned(s, slab);
}

static void purge_random(struct test_random *random) {
    uint32_t mask = (uint32_t)test_random_next(random), expected = 0;
    for (uint32_t g = 0; g < HAK_GRANULES_PER_SUPERSLAB; g++) {
        if ((mask >> g & 1) != 0 && granules[g] == DIRTY) {
            granules[g] = COLD;
            expected++;
        }
    }
    uint32_t purged = hak_superslab_purge_owned(s, mask);
    expect(purged == expected, "purged %u of %u", purged, expected);
}

Test(superslab, random_carving_and_purging, .init = start_superslab) {
    struct test_random random;
    test_random_init(&random, 9);
    for (int i = 0; i < 5000; i++) {
        uint32_t what = test_random_below(&random, 20);
        if (what < 9) {
            carve_random(&random);
        } else if (what < 19) {
            uncarve_random(&random);
        } else {
            purge_random(&random);
        }
        check();
    }
}

Test(superslab, new_one_is_empty_aligned_and_registered, .init = start_superslab) {
    cr_assert_eq((uintptr_t)s->base % HAK_SUPERSLAB_SIZE_BYTES, 0);
    cr_assert(s->bitmap == 0 && s->dirty == 0 && s->aged == 0);
    check();
}

Test(superslab, destroyed_one_leaves_no_trace, .init = start_superslab) {
    const char *base = s->base;
    int64_t held = test_os_held_bytes();
    hak_superslab_destroy(s);
    cr_assert_eq(held - test_os_held_bytes(), (int64_t)HAK_SUPERSLAB_SIZE_BYTES);
    cr_assert_eq(hak_region_kind(base), HAK_KIND_NONE);
    cr_assert_null(hak_region_owner(base));
}

Test(superslab, purging_also_forgets_age, .init = start_superslab) {
    s->dirty = 0xFF00;
    s->aged = 0x0F00;
    cr_assert_eq(hak_superslab_purge_owned(s, 0x0300), 2);
    cr_assert_eq(s->dirty, 0xFC00);
    cr_assert_eq(s->aged, 0x0C00);
}

Test(superslab, carve_without_memory_changes_nothing, .init = start_superslab) {
    struct hak_superslab before = *s;
    fail_meta_alloc_at(1);
    cr_assert_null(hak_superslab_carve_owned(s, 5, 7));
    cr_assert_eq(memcmp(&before, s, sizeof before), 0);
    check();
    cr_assert_not_null(hak_superslab_carve_owned(s, 5, 7));
}

/* Every call that creating makes fails in turn; nothing stays behind. */
Test(superslab, create_without_memory_loses_nothing) {
    cr_assert(hak_region_init(false)); /* two levels, so that a leaf can be missing */
    struct hak_superslab *first = hak_superslab_create();
    cr_assert_not_null(first); /* the metadata arena has its chunk now */
    hak_superslab_destroy(first);
    int64_t held = test_os_held_bytes();
    fail_meta_alloc_at(1);
    cr_assert_null(hak_superslab_create());
    test_os_fail_at(TEST_OS_RESERVE, 1, 0);
    cr_assert_null(hak_superslab_create());
    cr_assert_eq(test_os_failed_count(), 1);
    cr_assert_eq(test_os_held_bytes(), held);
    test_os_recover();
    cr_assert_not_null(hak_superslab_create());
}

Test(superslab, create_without_a_region_leaf_loses_nothing) {
    cr_assert(hak_region_init(false));
    test_os_fail_at(TEST_OS_RESERVE_SPARSE, 1, 0);
    int64_t held = test_os_held_bytes();
    cr_assert_null(hak_superslab_create());
    cr_assert_eq(test_os_failed_count(), 1);
    cr_assert_eq(test_os_held_bytes() - held, (int64_t)HAK_MIB, "only the arena's chunk is held");
    cr_assert_not_null(hak_superslab_create());
}
