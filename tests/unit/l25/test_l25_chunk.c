/* SPDX-License-Identifier: MIT */
/* One chunk against a plain array of granules. */
#include "l25/l25_chunk.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/check.h"
#include "region/region_map.h"
#include "support/expect.h"
#include "support/os_fault.h"
#include "support/random.h"

enum { COLD = 0, DIRTY = -1 }; /* else: one more than the first granule of its run */

static struct hak_l25_chunk *chunk;
static int granules[HAK_GRANULES_PER_SUPERSLAB];

static void start(void) {
    cr_assert(hak_region_init(true));
    chunk = hak_l25_chunk_create(3);
    cr_assert_not_null(chunk);
}

static bool is_free(uint32_t g) {
    return granules[g] <= 0;
}

static uint32_t longest_free(void) {
    uint32_t longest = 0, length = 0;
    for (uint32_t g = 0; g < HAK_GRANULES_PER_SUPERSLAB; g++) {
        length = is_free(g) ? length + 1 : 0;
        longest = length > longest ? length : longest;
    }
    return longest;
}

static uint32_t find_naively(uint32_t count, uint32_t align) {
    for (int dirty_only = 1; dirty_only >= 0; dirty_only--) {
        for (uint32_t at = 0; at + count <= HAK_GRANULES_PER_SUPERSLAB; at += align) {
            uint32_t fit = 0;
            while (fit < count && (dirty_only ? granules[at + fit] == DIRTY : is_free(at + fit))) {
                fit++;
            }
            if (fit == count) {
                return at;
            }
        }
    }
    return HAK_GRANULES_PER_SUPERSLAB;
}

static void check(void) {
    for (uint32_t g = 0; g < HAK_GRANULES_PER_SUPERSLAB; g++) {
        const char *p = chunk->base + ((size_t)g << HAK_GRANULE_SHIFT);
        bool first = granules[g] == (int)g + 1;
        enum hak_kind kind = is_free(g) ? HAK_KIND_NONE : first ? HAK_KIND_RUN : HAK_KIND_INTERIOR;
        expect((chunk->bitmap >> g & 1) == !is_free(g), "granule %u", g);
        expect((chunk->dirty >> g & 1) == (granules[g] == DIRTY), "granule %u", g);
        expect((chunk->run_length[g] != 0) == first, "granule %u: length %u", g,
               chunk->run_length[g]);
        expect(hak_region_kind(p) == kind, "granule %u: kind %d, not %d", g, hak_region_kind(p),
               kind);
    }
    expect(chunk->largest_free == longest_free(), "%u, not %u", chunk->largest_free,
           longest_free());
    if (HAK_CHECK_LEVEL >= 1) {
        hak_l25_chunk_verify(chunk);
    }
}

static void set(uint32_t first, uint32_t count, int state) {
    for (uint32_t g = first; g < first + count; g++) {
        granules[g] = state;
    }
}

static void take(struct test_random *random) {
    uint32_t count = 1 + test_random_below(random, 16), align = 1u << test_random_below(random, 5);
    uint32_t first = hak_l25_chunk_find(chunk, count, align);
    bool is_zero, all_cold = true;
    expect(first == find_naively(count, align), "%u aligned to %u: %u, not %u", count, align, first,
           find_naively(count, align));
    if (first == HAK_GRANULES_PER_SUPERSLAB) {
        return;
    }
    for (uint32_t g = first; g < first + count; g++) {
        all_cold &= granules[g] == COLD;
    }
    char *run = hak_l25_chunk_take(chunk, first, count, &is_zero);
    expect(run == chunk->base + ((size_t)first << HAK_GRANULE_SHIFT), "%p", (void *)run);
    expect(is_zero == all_cold, "zero %d, untouched %d", is_zero, all_cold);
    for (size_t at = 0; is_zero && at < (size_t)count << HAK_GRANULE_SHIFT; at += 4096) {
        expect(run[at] == 0, "not zero at %zu", at);
    }
    memset(run, 0xEE, 4096);
    run[((size_t)count << HAK_GRANULE_SHIFT) - 1] = 1;
    set(first, count, (int)first + 1);
}

static uint32_t length_of(uint32_t first) {
    uint32_t count = 0;
    while (first + count < HAK_GRANULES_PER_SUPERSLAB &&
           granules[first + count] == (int)first + 1) {
        count++;
    }
    return count;
}

static void give(uint32_t first) {
    uint32_t count = length_of(first);
    if (count > 0) {
        expect(chunk->run_length[first] == count, "%u, not %u", chunk->run_length[first], count);
        hak_l25_chunk_give(chunk, first);
        set(first, count, DIRTY);
    }
}

static void resize(uint32_t first, uint32_t new_count) {
    uint32_t count = length_of(first);
    if (count == 0) {
        return;
    }
    bool fits = first + new_count <= HAK_GRANULES_PER_SUPERSLAB;
    for (uint32_t g = first + count; fits && g < first + new_count; g++) {
        fits = is_free(g);
    }
    bool done = hak_l25_chunk_resize(chunk, first, new_count);
    expect(done == fits, "%u to %u at %u: %d", count, new_count, first, done);
    if (done) {
        set(first, count, DIRTY);
        set(first, new_count, (int)first + 1);
    }
}

static void purge(uint32_t mask) {
    uint32_t expected = 0;
    for (uint32_t g = 0; g < HAK_GRANULES_PER_SUPERSLAB; g++) {
        if (granules[g] == DIRTY && (mask >> g & 1) != 0) {
            granules[g] = COLD;
            expected++;
        }
    }
    uint32_t purged = hak_l25_chunk_purge(chunk, mask);
    expect(purged == expected, "%u, not %u", purged, expected);
}

Test(l25_chunk, random_operations, .init = start, .timeout = 120) {
    struct test_random random;
    test_random_init(&random, 11);
    for (int i = 0; i < 10000; i++) {
        uint32_t what = test_random_below(&random, 20);
        uint32_t g = test_random_below(&random, HAK_GRANULES_PER_SUPERSLAB);
        if (what < 7) {
            take(&random);
        } else if (what < 14) {
            give(g);
        } else if (what < 19) {
            resize(g, 1 + test_random_below(&random, 16));
        } else {
            purge((uint32_t)test_random_next(&random));
        }
        check();
    }
}

Test(l25_chunk, new_one_is_registered_and_destroyed_one_is_gone, .init = start) {
    check();
    cr_assert_eq(chunk->shard, 3);
    cr_assert_eq((uintptr_t)chunk->base % HAK_SUPERSLAB_SIZE_BYTES, 0);
    cr_assert_eq(hak_region_owner(chunk->base), chunk);
    const char *base = chunk->base;
    int64_t held = test_os_held_bytes();
    hak_l25_chunk_destroy(chunk);
    cr_assert_null(hak_region_owner(base));
    cr_assert_eq(held - test_os_held_bytes(), (int64_t)HAK_SUPERSLAB_SIZE_BYTES);
}

Test(l25_chunk, create_without_memory_loses_nothing) {
    cr_assert(hak_region_init(false)); /* a leaf can be missing too */
    int64_t held = test_os_held_bytes();
    test_os_fail_at(TEST_OS_ALL, 1, 1);
    cr_assert_null(hak_l25_chunk_create(0), "no metadata");
    cr_assert_eq(test_os_held_bytes(), held);
    test_os_fail_at(TEST_OS_RESERVE, 2, 0); /* the arena's chunk, then the address space */
    cr_assert_null(hak_l25_chunk_create(0));
    cr_assert_eq(test_os_failed_count(), 1);
    cr_assert_eq(test_os_held_bytes() - held, (int64_t)HAK_MIB, "the arena's chunk only");
    test_os_fail_at(TEST_OS_RESERVE_SPARSE, 1, 0); /* the region map's leaf */
    cr_assert_null(hak_l25_chunk_create(0));
    cr_assert_eq(test_os_failed_count(), 1);
    cr_assert_eq(test_os_held_bytes() - held, (int64_t)HAK_MIB, "the arena's chunk only");
    cr_assert_not_null(hak_l25_chunk_create(0));
}
