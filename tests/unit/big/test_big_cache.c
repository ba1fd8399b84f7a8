/* SPDX-License-Identifier: MIT */
/* The BigCache, one thread: what it keeps, what it gives, what it evicts. */
#include "big/big_cache.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/check.h"
#include "base/constants.h"
#include "os/os_thread.h"
#include "region/region_map.h"
#include "support/expect.h"
#include "support/os_fault.h"

#define LONG_NS ((uint64_t)3600 * 1000 * 1000 * 1000)

static void start(void) {
    cr_assert(hak_region_init(true));
    hak_big_cache_init();
    hak_big_cache_set_bounds((size_t)1 << 40, LONG_NS);
}

static void verify(void) {
    if (HAK_CHECK_LEVEL >= 1) {
        hak_big_cache_verify();
    }
}

/* Through the front: the only maker of descriptors. */
static char *alloc(size_t size_bytes) {
    bool is_zero;
    char *block = hak_mapping_alloc(size_bytes, 8, &is_zero);
    cr_assert_not_null(block);
    return block;
}

static struct hak_big_cache_counts counts(void) {
    struct hak_big_cache_counts c;
    hak_big_cache_count(&c);
    return c;
}

Test(big_cache, a_freed_mapping_serves_the_next_request_of_its_size, .init = start) {
    bool is_zero;
    char *block = alloc(3 * HAK_MIB);
    hak_mapping_free(block);
    verify();
    cr_assert_eq(counts().entry_count, 1);
    cr_assert_eq(counts().cached_bytes, 3 * HAK_MIB);
    cr_assert_eq(hak_region_kind(block), HAK_KIND_NONE, "cached is not handed out");
    char *again = hak_mapping_alloc(3 * HAK_MIB, 8, &is_zero);
    cr_assert_eq(again, block);
    cr_assert_not(is_zero, "it was used before");
    cr_assert_eq(counts().entry_count, 0);
    cr_assert_eq(counts().cached_bytes, 0);
}

/* Steps of an eighth from 4 MiB on: 4.0, 4.5, 5.0, 5.5, ... */
Test(big_cache, a_request_takes_its_size_or_the_next_two_steps_only, .init = start) {
    const size_t step = HAK_MIB / 2, asked = 4 * HAK_MIB;
    for (size_t k = 0; k <= 5; k++) {
        hak_mapping_free(alloc(asked + k * step));
        struct hak_mapping *mapping = hak_big_cache_take(asked);
        expect((mapping != NULL) == (k <= 2), "cached %zu for %zu", asked + k * step, asked);
        expect(mapping == NULL || mapping->size_bytes == asked + k * step, "size %zu",
               mapping->size_bytes);
        hak_big_cache_trim();
        if (mapping != NULL) {
            hak_mapping_destroy(mapping);
        }
    }
    hak_mapping_free(alloc(asked - step / 2));
    cr_assert_null(hak_big_cache_take(asked), "a smaller one is never given");
}

/* Bytes of a block that are resident. */
static size_t resident_bytes(char *block, size_t size_bytes) {
    static unsigned char pages[(size_t)64 << 20 >> 12];
    size_t count = 0, page_count = size_bytes >> 12;
    cr_assert_leq(page_count, sizeof pages);
    cr_assert_eq(mincore(block, size_bytes, pages), 0);
    for (size_t i = 0; i < page_count; i++) {
        count += pages[i] & 1;
    }
    return count << 12;
}

/* From half of what is asked for to about twice as much. */
Test(big_cache, a_near_mapping_is_resized_and_stays_resident, .init = start) {
    const size_t asked = 8 * HAK_MIB;
    hak_mapping_free(alloc(HAK_MIB)); /* the first descriptor maps room for all */
    hak_big_cache_trim();
    for (size_t size = 3 * HAK_MIB; size <= 24 * HAK_MIB; size += HAK_MIB) {
        bool is_zero, is_near = size >= 4 * HAK_MIB && size <= 20 * HAK_MIB;
        bool as_it_is = size >= asked && size <= 10 * HAK_MIB;
        int64_t held = test_os_held_bytes();
        char *first = alloc(size);
        memset(first, 1, size);
        hak_mapping_free(first);
        char *block = hak_mapping_alloc(asked, 8, &is_zero);
        verify();
        size_t kept = size < asked ? size : asked, given = as_it_is ? size : asked;
        expect(is_zero == !is_near, "cached %zu: zero %d", size, is_zero);
        expect(resident_bytes(block, asked) == (is_near ? kept : 0), "cached %zu: %zu resident",
               size, resident_bytes(block, asked));
        expect(hak_mapping_size_bytes(block) == given, "cached %zu: size %zu", size,
               hak_mapping_size_bytes(block));
        expect(counts().entry_count == !is_near, "cached %zu", size);
        memset(block, 2, given);
        hak_mapping_free(block);
        hak_big_cache_trim();
        expect(test_os_held_bytes() == held, "cached %zu: address space is lost", size);
    }
}

/* Resizing fails at each of its calls, and nothing else can be had: the mapping is
 * cached as before. One of them failing only is survived. */
Test(big_cache, what_cannot_be_resized_stays, .init = start) {
    const size_t sizes[] = {5 * HAK_MIB, 12 * HAK_MIB};
    for (int i = 0; i < 2; i++) {
        for (uint32_t calls = 1; calls <= TEST_OS_ALL; calls++) {
            bool is_zero;
            char *cached = alloc(sizes[i]);
            hak_mapping_free(cached);
            test_os_fail_at(calls, 1, 1);
            char *block = hak_mapping_alloc(8 * HAK_MIB, 8, &is_zero);
            test_os_recover();
            verify();
            expect(block != NULL || calls != TEST_OS_MOVE, "calls %u", calls);
            expect(block == NULL || hak_mapping_size_bytes(block) == 8 * HAK_MIB, "calls %u", calls);
            expect(counts().entry_count == (block == NULL || is_zero), "calls %u", calls);
            if (block != NULL) {
                block[0] = block[8 * HAK_MIB - 1] = 1;
                hak_mapping_free(block);
            }
            hak_big_cache_trim();
        }
    }
}

Test(big_cache, the_best_fit_is_taken, .init = start) {
    char *large = alloc(5 * HAK_MIB), *small = alloc(4 * HAK_MIB + HAK_MIB / 2);
    hak_mapping_free(small);
    hak_mapping_free(large);
    cr_assert_eq(alloc(4 * HAK_MIB), small);
    cr_assert_eq(alloc(4 * HAK_MIB), large);
}

Test(big_cache, what_exceeds_the_bytes_leaves_oldest_first, .init = start) {
    enum { COUNT = 10 };
    char *blocks[COUNT];
    hak_big_cache_set_bounds(6 * 2 * HAK_MIB, LONG_NS);
    for (int i = 0; i < COUNT; i++) {
        blocks[i] = alloc(2 * HAK_MIB);
    }
    int64_t held = test_os_held_bytes();
    for (int i = 0; i < COUNT; i++) {
        hak_mapping_free(blocks[i]);
        verify();
        expect(counts().cached_bytes <= 12 * HAK_MIB, "%zu cached", counts().cached_bytes);
    }
    cr_assert_eq(counts().entry_count, 6);
    cr_assert_eq(held - test_os_held_bytes(), 4 * 2 * (int64_t)HAK_MIB);
    for (int i = 0; i < COUNT; i++) {
        expect((hak_region_owner(blocks[i]) != NULL) == (i >= 4), "block %d", i);
    }
}

Test(big_cache, what_is_larger_than_the_bound_is_never_kept, .init = start) {
    hak_big_cache_set_bounds(4 * HAK_MIB, LONG_NS);
    hak_mapping_free(alloc(2 * HAK_MIB));
    int64_t held = test_os_held_bytes();
    char *huge = alloc(5 * HAK_MIB);
    hak_mapping_free(huge);
    verify();
    cr_assert_eq(test_os_held_bytes(), held);
    cr_assert_eq(counts().entry_count, 1, "and does not drive out what fits");
}

Test(big_cache, special_alignment_is_never_kept, .init = start) {
    bool is_zero;
    int64_t held = test_os_held_bytes();
    char *block = hak_mapping_alloc(2 * HAK_MIB, 8 * HAK_MIB, &is_zero);
    cr_assert_eq((uintptr_t)block % (8 * HAK_MIB), 0);
    int64_t with_block = test_os_held_bytes();
    hak_mapping_free(block);
    cr_assert_eq(counts().entry_count, 0);
    cr_assert_eq(with_block - test_os_held_bytes(), 2 * (int64_t)HAK_MIB);
    cr_assert_leq(test_os_held_bytes() - held, (int64_t)HAK_MIB);
}

static void sleep_ms(long ms) {
    const struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

Test(big_cache, what_is_too_old_leaves_at_a_tick_and_at_the_next_free, .init = start) {
    char *old = alloc(2 * HAK_MIB), *old2 = alloc(2 * HAK_MIB), *young = alloc(2 * HAK_MIB);
    hak_mapping_free(old);
    hak_mapping_free(old2);
    sleep_ms(60);
    hak_big_cache_set_bounds((size_t)1 << 40, 40 * 1000 * 1000);
    hak_mapping_free(young);
    verify();
    cr_assert_eq(counts().entry_count, 1, "both old ones left when a young one came");
    cr_assert_not_null(hak_region_owner(young));
    hak_big_cache_tick(hak_os_clock_coarse_ns());
    cr_assert_eq(counts().entry_count, 1, "the young one is not too old");
    sleep_ms(60);
    hak_big_cache_tick(hak_os_clock_coarse_ns());
    cr_assert_eq(counts().entry_count, 0);
    verify();
}

Test(big_cache, trim_gives_everything_back_and_counts, .init = start) {
    char *blocks[50];
    for (int i = 0; i < 50; i++) {
        blocks[i] = alloc((size_t)(i + 2) * HAK_MIB);
    }
    int64_t held = test_os_held_bytes();
    size_t bytes = 0;
    for (int i = 0; i < 50; i++) {
        bytes += hak_mapping_size_bytes(blocks[i]);
        hak_mapping_free(blocks[i]);
    }
    cr_assert_eq(counts().cached_bytes, bytes);
    cr_assert_eq(hak_big_cache_trim(), 50);
    cr_assert_eq(held - test_os_held_bytes(), (int64_t)bytes);
    cr_assert_eq(hak_big_cache_trim(), 0);
    verify();
}

/* Without memory for more buckets the cache evicts instead of growing chains. */
Test(big_cache, evicts_where_the_table_cannot_grow, .init = start) {
    enum { COUNT = 300 };
    char *blocks[COUNT];
    for (int i = 0; i < COUNT; i++) {
        blocks[i] = alloc(2 * HAK_MIB);
    }
    test_os_fail_at(TEST_OS_RESERVE, 1, 1);
    for (int i = 0; i < COUNT; i++) {
        hak_mapping_free(blocks[i]);
        verify();
    }
    cr_assert_eq(counts().bucket_count, 256);
    cr_assert_eq(counts().entry_count, 256);
    cr_assert_null(hak_region_owner(blocks[0]), "the oldest left");
    cr_assert_not_null(hak_region_owner(blocks[COUNT - 1]));
}
