/* SPDX-License-Identifier: MIT */
/* src/tcache/tcache_resize.c: growing, shrinking, and when either happens. */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>

#include "base/size_class.h"
#include "meta/meta.h"
#include "superslab/pool.h"
#include "unit/tcache/cache.h"
#include "unit/tcache/reference.h"

static struct test_cache cache;

static void remember(uint32_t class_index, void **blocks) {
    memcpy(blocks, cache.tcache.classes[class_index].slots + 1,
           test_cache_count(&cache, class_index) * sizeof *blocks);
}

static void expect_same(uint32_t class_index, void *const *blocks, uint32_t count) {
    cr_assert_eq(test_cache_count(&cache, class_index), count);
    cr_assert_eq(
        memcmp(blocks, cache.tcache.classes[class_index].slots + 1, count * sizeof *blocks), 0);
}

/* --- Growing ------------------------------------------------------------- */

/* Doubles to the maximum, keeps every block where it was, then refuses. */
static void grow_to_the_end(uint32_t class_index) {
    void *before[2048];
    uint32_t most = hak_class_infos[class_index].capacity_max, grown = 0;
    for (;;) {
        uint32_t capacity = test_cache_capacity(&cache, class_index);
        test_cache_fill(&cache, class_index, capacity);
        remember(class_index, before);
        bool done = hak_grow_tls_cache(&cache.tcache, class_index);
        cr_assert_eq(done, capacity < most);
        expect_same(class_index, before, capacity);
        if (!done) {
            break;
        }
        grown++;
        cr_assert_eq(test_cache_capacity(&cache, class_index), 2 * capacity);
        cr_assert_eq(cache.tcache.classes[class_index].sizing.grow_count, grown);
    }
    cr_assert_eq(test_cache_capacity(&cache, class_index), most);
    cr_assert_eq(test_cache_live_count(&cache, class_index), most);
}

Test(grow, doubles_every_class_up_to_its_maximum) {
    test_cache_init(&cache, 0);
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
        test_cache_open(&cache, c, hak_class_infos[c].capacity_max);
        grow_to_the_end(c);
    }
    test_cache_verify(&cache);
}

Test(grow, makes_room_for_exactly_as_many_more) {
    void *block = NULL;
    test_cache_init(&cache, 16);
    test_cache_open(&cache, CLASS_64, ENOUGH);
    test_cache_fill(&cache, CLASS_64, 16);
    cr_assert(hak_grow_tls_cache(&cache.tcache, CLASS_64));
    test_cache_fill(&cache, CLASS_64, 32);
    hak_chain_take_owned(&cache.chain, CLASS_64, &block, 1);
    cr_assert_not(hak_tcache_push(&cache.tcache, KIND_64, block));
}

/* --- Shrinking ----------------------------------------------------------- */

/* From a capacity and a count: half of the slots, the newest blocks, and the
 * others back in their slabs. */
static void expect_shrink(uint32_t capacity, uint32_t count) {
    void *before[2048];
    uint32_t half = capacity / 2, kept = count < half ? count : half;
    test_cache_init(&cache, capacity);
    test_cache_open(&cache, CLASS_64, capacity);
    test_cache_fill(&cache, CLASS_64, count);
    remember(CLASS_64, before);
    bool done = hak_shrink_tls_cache(&cache.tcache, &cache.chain, CLASS_64);
    cr_assert_eq(done, capacity > 16, "capacity %u", capacity);
    kept = done ? kept : count;
    cr_assert_eq(test_cache_capacity(&cache, CLASS_64), done ? half : capacity);
    expect_same(CLASS_64, before + (count - kept), kept);
    cr_assert_eq(test_cache_live_count(&cache, CLASS_64), kept, "%zu of %u live, %u kept",
                 test_cache_live_count(&cache, CLASS_64), count, kept);
    test_cache_verify(&cache);
    hak_tcache_flush_all_owned(&cache.tcache, &cache.chain);
    hak_chain_trim_owned(&cache.chain, false);
}

Test(shrink, conserves_blocks_at_every_capacity_and_count) {
    for (uint32_t capacity = 16; capacity <= 2048; capacity *= 2) {
        uint32_t step = capacity <= 64 ? 1 : capacity / 32 + 1;
        for (uint32_t count = 0; count <= capacity; count += step) {
            expect_shrink(capacity, count);
        }
        expect_shrink(capacity, capacity / 2 - 1);
        expect_shrink(capacity, capacity / 2);
        expect_shrink(capacity, capacity / 2 + 1);
        expect_shrink(capacity, capacity);
    }
}

/* Down to 16 and up again, with the program holding blocks all the time. */
Test(shrink, and_grow_conserve_what_the_program_holds) {
    enum { HELD = 500 };
    void *held[HELD];
    test_cache_init(&cache, 0);
    test_cache_open(&cache, CLASS_64, ENOUGH);
    cr_assert_eq(hak_chain_take_owned(&cache.chain, CLASS_64, held, HELD), HELD);
    for (int round = 0; round < 5; round++) {
        while (hak_grow_tls_cache(&cache.tcache, CLASS_64)) {
            test_cache_fill(&cache, CLASS_64, test_cache_capacity(&cache, CLASS_64));
            cr_assert_eq(test_cache_live_count(&cache, CLASS_64),
                         HELD + test_cache_count(&cache, CLASS_64));
        }
        while (hak_shrink_tls_cache(&cache.tcache, &cache.chain, CLASS_64)) {
            cr_assert_eq(test_cache_live_count(&cache, CLASS_64),
                         HELD + test_cache_count(&cache, CLASS_64));
        }
        cr_assert_eq(test_cache_capacity(&cache, CLASS_64), 16);
        cr_assert_eq(test_cache_count(&cache, CLASS_64), 16);
    }
    hak_chain_give_owned(&cache.chain, KIND_64, held, HELD);
    hak_tcache_flush_all_owned(&cache.tcache, &cache.chain);
    cr_assert_eq(test_cache_live_count(&cache, CLASS_64), 0);
    test_cache_verify(&cache);
}

/* What a shrink gives back can leave the process: resident memory, counted by
 * the kernel, falls. Classes of 16 to 256 bytes, each full at its maximum. */
enum { CLASSES_FROM = 1, CLASSES_TO = 12, BASES_MAX = 64 };

static size_t resident_bytes(char *const *bases, size_t base_count) {
    static unsigned char vector[HAK_SUPERSLAB_SIZE_BYTES / HAK_OS_PAGE_SIZE_BYTES];
    size_t pages = 0;
    for (size_t b = 0; b < base_count; b++) {
        if (mincore(bases[b], HAK_SUPERSLAB_SIZE_BYTES, vector) != 0) {
            continue; /* unmapped: none of it */
        }
        for (size_t i = 0; i < sizeof vector; i++) {
            pages += vector[i] & 1;
        }
    }
    return pages * HAK_OS_PAGE_SIZE_BYTES;
}

static void fill_and_touch(uint32_t class_index) {
    uint32_t most = hak_class_infos[class_index].capacity_max;
    test_cache_open(&cache, class_index, most);
    while (hak_grow_tls_cache(&cache.tcache, class_index)) {
    }
    test_cache_fill(&cache, class_index, most);
    for (uint32_t i = 1; i <= most; i++) {
        memset(cache.tcache.classes[class_index].slots[i], 0x5A,
               hak_class_infos[class_index].stride_bytes);
    }
}

/* Metadata is reused for the same size only: an array that goes back under
 * another size is lost for good, in whole or in part. */
Test(shrink, and_grow_use_the_same_arrays_again) {
    size_t mapped_bytes = 0;
    test_cache_init(&cache, 0);
    test_cache_open(&cache, CLASS_64, 0);
    while (hak_grow_tls_cache(&cache.tcache, CLASS_64)) {
    }
    for (uint32_t cycle = 0; cycle < 1000; cycle++) {
        cr_assert(hak_shrink_tls_cache(&cache.tcache, &cache.chain, CLASS_64));
        cr_assert(hak_grow_tls_cache(&cache.tcache, CLASS_64));
        mapped_bytes = cycle == 1 ? hak_meta_mapped_bytes() : mapped_bytes;
    }
    cr_assert_eq(test_cache_capacity(&cache, CLASS_64), TLS_CACHE_MAX_CAPACITY);
    cr_assert_eq(hak_meta_mapped_bytes(), mapped_bytes);
}

Test(shrink, lets_resident_memory_fall) {
    char *bases[BASES_MAX];
    size_t base_count = 0;
    test_cache_init(&cache, 0);
    for (uint32_t c = CLASSES_FROM; c <= CLASSES_TO; c++) {
        fill_and_touch(c);
    }
    for (struct hak_superslab *s = cache.chain.first; s != NULL; s = s->next) {
        cr_assert_lt(base_count, BASES_MAX);
        bases[base_count++] = s->base;
    }
    size_t full = resident_bytes(bases, base_count);
    cr_assert_geq(full, (CLASSES_TO - CLASSES_FROM + 1) * 96 * HAK_KIB, "%zu", full);
    for (uint32_t c = CLASSES_FROM; c <= CLASSES_TO; c++) {
        while (hak_shrink_tls_cache(&cache.tcache, &cache.chain, c)) {
        }
    }
    hak_chain_trim_owned(&cache.chain, true);
    hak_pool_trim();
    size_t shrunk = resident_bytes(bases, base_count);
    cr_assert_lt(shrunk, full * 6 / 10, "%zu of %zu bytes still resident", shrunk, full);
    test_cache_verify(&cache);
}

/* --- Deciding ------------------------------------------------------------ */

/* One decision of the real cache for a mark, a capacity and a class. */
static void expect_decision(uint32_t class_index, uint32_t capacity, uint32_t mark) {
    struct hak_adaptive *sizing = &cache.tcache.classes[class_index].sizing;
    uint32_t most = hak_class_infos[class_index].capacity_max;
    uint32_t expected = reference_capacity_after(mark, capacity, most);
    sizing->high_water_mark = mark;
    sizing->refill_count = 3;
    hak_adapt_tls_cache_size(&cache.tcache, &cache.chain, class_index, 99);
    cr_assert_eq(sizing->capacity, expected, "mark %u of %u, maximum %u: %u, not %u", mark,
                 capacity, most, sizing->capacity, expected);
    cr_assert(sizing->high_water_mark == 0 && sizing->refill_count == 0 &&
              sizing->adapted_ns == 99);
    if (expected > capacity) {
        hak_shrink_tls_cache(&cache.tcache, &cache.chain, class_index);
    } else if (expected < capacity) {
        hak_grow_tls_cache(&cache.tcache, class_index);
    }
}

Test(adapt, does_what_the_reference_says_for_every_class_capacity_and_mark) {
    for (uint32_t capacity = 16; capacity <= 2048; capacity *= 2) {
        test_cache_init(&cache, capacity);
        for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
            if (hak_class_infos[c].capacity_max < capacity) {
                continue;
            }
            cr_assert(hak_tcache_open_owned(&cache.tcache, c));
            for (uint32_t mark = 0; mark <= capacity; mark++) {
                expect_decision(c, capacity, mark);
            }
        }
    }
}

/* Each class's maximum bounds what its cache can hold to 128 KiB, or 16 slots. */
Test(adapt, maxima_are_powers_of_two_that_bound_the_bytes) {
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
        uint32_t most = hak_class_infos[c].capacity_max, stride = hak_class_infos[c].stride_bytes;
        cr_assert(most >= 16 && most <= 2048 && (most & (most - 1)) == 0);
        cr_assert(most == 16 || (size_t)most * stride <= 160 * HAK_KIB, "%u of %u", most, stride);
    }
}

static void pop_all(void) {
    void *block;
    while ((block = hak_tcache_pop(&cache.tcache, KIND_64)) != NULL) {
        hak_chain_give_owned(&cache.chain, KIND_64, &block, 1);
    }
}

/* One refill of `wanted` into an empty cache at a time of the test's own. */
static void refill_at(uint32_t wanted, uint64_t now_ns) {
    pop_all();
    cr_assert_gt(hak_tcache_refill_owned(&cache.tcache, &cache.chain, CLASS_64, wanted, now_ns), 0);
}

Test(adapt, tenth_refill_grows_a_cache_that_is_used) {
    test_cache_init(&cache, 0);
    test_cache_open(&cache, CLASS_64, ENOUGH);
    for (int refill = 1; refill <= 9; refill++) {
        refill_at(52, 1000);
        cr_assert_eq(test_cache_capacity(&cache, CLASS_64), 64, "refill %d", refill);
    }
    refill_at(52, 1000);
    cr_assert_eq(test_cache_capacity(&cache, CLASS_64), 128);
    for (int refill = 1; refill <= 9; refill++) {
        refill_at(110, 1000); /* 85.9 % of 128 */
        cr_assert_eq(test_cache_capacity(&cache, CLASS_64), 128);
    }
    refill_at(110, 1000);
    cr_assert_eq(test_cache_capacity(&cache, CLASS_64), 256);
}

Test(adapt, tenth_refill_shrinks_a_cache_that_is_not) {
    test_cache_init(&cache, 0);
    test_cache_open(&cache, CLASS_64, ENOUGH);
    for (int refill = 1; refill <= 10; refill++) {
        cr_assert_eq(test_cache_capacity(&cache, CLASS_64), 64);
        refill_at(12, 1000);
    }
    cr_assert_eq(test_cache_capacity(&cache, CLASS_64), 32);
}

Test(adapt, one_large_refill_in_the_window_is_enough_to_keep) {
    test_cache_init(&cache, 0);
    test_cache_open(&cache, CLASS_64, ENOUGH);
    refill_at(13, 1000);
    for (int refill = 2; refill <= 10; refill++) {
        refill_at(1, 1000);
    }
    cr_assert_eq(test_cache_capacity(&cache, CLASS_64), 64);
}

/* The mark of one window must not reach into the next. */
Test(adapt, next_window_does_not_remember) {
    test_cache_init(&cache, 0);
    test_cache_open(&cache, CLASS_64, ENOUGH);
    for (int refill = 1; refill <= 10; refill++) {
        refill_at(30, 1000);
    }
    cr_assert_eq(test_cache_capacity(&cache, CLASS_64), 64);
    for (int refill = 1; refill <= 10; refill++) {
        refill_at(5, 1000);
    }
    cr_assert_eq(test_cache_capacity(&cache, CLASS_64), 32);
}

Test(adapt, a_second_ends_the_window_early) {
    const uint64_t second = 1000000000;
    test_cache_init(&cache, 0);
    test_cache_open(&cache, CLASS_64, ENOUGH);
    refill_at(60, 5 * second);
    refill_at(60, 6 * second - 1);
    cr_assert_eq(test_cache_capacity(&cache, CLASS_64), 64);
    refill_at(60, 6 * second);
    cr_assert_eq(test_cache_capacity(&cache, CLASS_64), 128);
    refill_at(60, 7 * second - 1);
    cr_assert_eq(test_cache_capacity(&cache, CLASS_64), 128);
}

/* A thread that only frees: flushes of the full cache are the events. */
Test(adapt, tenth_flush_of_a_full_cache_grows_it) {
    test_cache_init(&cache, 0);
    test_cache_open(&cache, CLASS_64, ENOUGH);
    for (uint32_t flush = 1; flush <= 10; flush++) {
        cr_assert_eq(test_cache_capacity(&cache, CLASS_64), 64);
        test_cache_fill(&cache, CLASS_64, 64);
        hak_tcache_flush_full_owned(&cache.tcache, &cache.chain, CLASS_64, 1000);
    }
    cr_assert_eq(test_cache_capacity(&cache, CLASS_64), 128);
    cr_assert_eq(test_cache_live_count(&cache, CLASS_64), test_cache_count(&cache, CLASS_64));
}

Test(adapt, refills_and_flushes_count_together) {
    test_cache_init(&cache, 0);
    test_cache_open(&cache, CLASS_64, ENOUGH);
    for (int event = 1; event <= 5; event++) {
        refill_at(5, 1000);
        test_cache_fill(&cache, CLASS_64, 64);
        cr_assert_eq(test_cache_capacity(&cache, CLASS_64), 64);
        hak_tcache_flush_full_owned(&cache.tcache, &cache.chain, CLASS_64, 1000);
    }
    cr_assert_eq(test_cache_capacity(&cache, CLASS_64), 128);
}

Test(adapt, fixed_sizing_never_changes_a_capacity) {
    test_cache_init(&cache, 64);
    test_cache_open(&cache, CLASS_64, ENOUGH);
    for (uint64_t event = 1; event <= 200; event++) {
        refill_at(event % 2 == 0 ? 64 : 1, event * 300000000);
        test_cache_fill(&cache, CLASS_64, 64);
        hak_tcache_flush_full_owned(&cache.tcache, &cache.chain, CLASS_64, event * 300000000);
        cr_assert_eq(test_cache_capacity(&cache, CLASS_64), 64);
    }
    cr_assert(cache.tcache.grow_count == 0 && cache.tcache.shrink_count == 0);
}
