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

static void expect_taken(size_t cached, size_t asked, bool taken) {
    hak_mapping_free(alloc(cached));
    struct hak_mapping *mapping = hak_big_cache_take(asked);
    expect((mapping != NULL) == taken, "cached %zu for %zu", cached, asked);
    hak_big_cache_trim();
    if (mapping != NULL) {
        expect(mapping->size_bytes == cached, "size %zu", mapping->size_bytes);
        hak_mapping_destroy(mapping);
    }
}

/* Steps of an eighth from 2 MiB on, of 2 MiB from 4 MiB on. */
Test(big_cache, a_request_takes_its_size_or_up_to_three_eighths_more, .init = start) {
    for (size_t k = 0; k <= 5; k++) {
        expect_taken(2 * HAK_MIB + k * HAK_MIB / 4, 2 * HAK_MIB, k <= 3);
    }
    for (size_t size = 6 * HAK_MIB; size <= 40 * HAK_MIB; size += 2 * HAK_MIB) {
        expect_taken(size, 6 * HAK_MIB, size <= 8 * HAK_MIB);
        expect_taken(size < 32 * HAK_MIB ? size : 32 * HAK_MIB, 16 * HAK_MIB,
                     size >= 16 * HAK_MIB && size <= 22 * HAK_MIB);
    }
    expect_taken(2 * HAK_MIB - HAK_MIB / 8, 2 * HAK_MIB, false);
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

/* Nothing of the size is cached, but something else is. */
Test(big_cache, pages_of_another_size_serve_and_stay_resident, .init = start) {
    const size_t asked = 6 * HAK_MIB;
    hak_mapping_free(alloc(HAK_MIB)); /* the first descriptor maps room for all */
    hak_big_cache_trim();
    for (size_t size = HAK_MIB; size <= 24 * HAK_MIB; size += HAK_MIB / 2) {
        bool is_zero;
        int64_t held = test_os_held_bytes();
        char *first = alloc(size);
        size_t cached = hak_mapping_size_bytes(first);
        memset(first, 1, cached);
        hak_mapping_free(first);
        char *block = hak_mapping_alloc(asked, 8, &is_zero);
        verify();
        bool as_it_is = cached >= asked && cached <= 8 * HAK_MIB;
        size_t given = as_it_is ? cached : asked, kept = cached < asked ? cached : asked;
        expect(!is_zero, "cached %zu: said to be zero", cached);
        expect(resident_bytes(block, asked) == kept, "cached %zu: %zu resident", cached,
               resident_bytes(block, asked));
        expect(hak_mapping_size_bytes(block) == given, "cached %zu: size %zu", cached,
               hak_mapping_size_bytes(block));
        expect(counts().cached_bytes == cached - (as_it_is ? cached : kept), "cached %zu: %zu left",
               cached, counts().cached_bytes);
        expect(counts().entry_count == (counts().cached_bytes > 0), "cached %zu", cached);
        memset(block, 2, given);
        hak_mapping_free(block);
        hak_big_cache_trim();
        expect(test_os_held_bytes() == held, "cached %zu: address space is lost", cached);
    }
}

/* Cached in this order: the first full of 'a', the next of 'b', ... */
static void cache_many(char **blocks, int count, size_t size_bytes) {
    for (int i = 0; i < count; i++) {
        blocks[i] = alloc(size_bytes);
        memset(blocks[i], 'a' + i, size_bytes);
    }
    for (int i = 0; i < count; i++) {
        hak_mapping_free(blocks[i]);
    }
}

/* The oldest go first, and each is used up before the next; the last is cut. */
Test(big_cache, pages_come_from_the_oldest, .init = start) {
    enum { COUNT = 5 };
    char *blocks[COUNT];
    bool is_zero;
    cache_many(blocks, COUNT, 4 * HAK_MIB);
    char *block = hak_mapping_alloc(10 * HAK_MIB, 8, &is_zero);
    verify();
    cr_assert_not(is_zero);
    const char expected[] = "aabbc";
    for (size_t at = 0; at < 10 * HAK_MIB; at += HAK_OS_PAGE_SIZE_BYTES) {
        expect(block[at] == expected[at / (2 * HAK_MIB)], "at %zu: %d", at, block[at]);
    }
    cr_assert_eq(counts().entry_count, 3);
    cr_assert_eq(counts().cached_bytes, 10 * HAK_MIB);
    for (int i = 0; i < COUNT; i++) {
        expect((hak_region_owner(blocks[i]) != NULL) == (i >= 2), "block %d", i);
    }
    cr_assert_eq(alloc(2 * HAK_MIB), blocks[2], "what is left of it is still found");
}

/* No piece begins anywhere but at a multiple of 2 MiB: what a small request leaves of the
 * 2 MiB that it cuts off goes back to the OS. */
Test(big_cache, a_small_request_cuts_two_mebibytes_off, .init = start) {
    bool is_zero;
    char *large = alloc(6 * HAK_MIB);
    memset(large, 1, 6 * HAK_MIB);
    int64_t held = test_os_held_bytes();
    hak_mapping_free(large);
    char *small = hak_mapping_alloc(3 * HAK_MIB / 2, 8, &is_zero);
    verify();
    cr_assert_not(is_zero);
    cr_assert_eq(resident_bytes(small, 3 * HAK_MIB / 2), 3 * HAK_MIB / 2);
    cr_assert_eq(counts().cached_bytes, 4 * HAK_MIB);
    cr_assert_eq(held - test_os_held_bytes(), (int64_t)HAK_MIB / 2);
    cr_assert_not_null(hak_region_owner(large), "what it keeps is cached still");
}

/* So many pieces at most; and nothing for what may be large because little of it is used. */
Test(big_cache, pages_come_from_so_many_and_for_so_much_only, .init = start) {
    enum { COUNT = 40 };
    char *blocks[COUNT];
    bool is_zero;
    cache_many(blocks, COUNT, 2 * HAK_MIB);
    char *too_large = hak_mapping_alloc(66 * HAK_MIB, 8, &is_zero);
    cr_assert(too_large != NULL && is_zero);
    cr_assert_eq(counts().entry_count, COUNT);
    char *large = hak_mapping_alloc(64 * HAK_MIB, 8, &is_zero);
    cr_assert(large != NULL && !is_zero);
    cr_assert_eq(counts().entry_count, COUNT - 16);
    char *aligned = hak_mapping_alloc(10 * HAK_MIB, 4 * HAK_MIB, &is_zero);
    cr_assert(aligned != NULL && is_zero);
    cr_assert_eq(counts().entry_count, COUNT - 16);
}

/* 16 GiB of pieces and no more, or the program would run out of areas (vm.max_map_count);
 * again when the mappings are gone. */
Test(big_cache, pieces_are_limited_in_all, .init = start) {
    enum { COUNT = HAK_GRAFTED_BYTES_MAX / (64 * HAK_MIB) };
    static char *blocks[COUNT];
    bool is_zero;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < COUNT; i++) {
            char *first = alloc(32 * HAK_MIB), *second = alloc(32 * HAK_MIB);
            hak_mapping_free(first);
            hak_mapping_free(second);
            blocks[i] = hak_mapping_alloc(64 * HAK_MIB, 8, &is_zero);
            expect(blocks[i] != NULL && !is_zero, "round %d, mapping %d", round, i);
        }
        expect(counts().entry_count == 0, "%zu are left over", counts().entry_count);
        hak_mapping_free(alloc(40 * HAK_MIB));
        char *plain = hak_mapping_alloc(64 * HAK_MIB, 8, &is_zero);
        expect(plain != NULL && is_zero, "one too many");
        hak_mapping_free(plain);
        for (int i = 0; i < COUNT; i++) {
            hak_mapping_free(blocks[i]);
        }
        hak_big_cache_trim();
    }
}

/* One that others were put together from counts no more. */
Test(big_cache, pieces_taken_on_count_once, .init = start) {
    bool is_zero;
    hak_mapping_free(alloc(10 * HAK_MIB));
    for (size_t bytes = 0; bytes <= 2 * HAK_GRAFTED_BYTES_MAX; bytes += 26 * HAK_MIB) {
        hak_mapping_free(hak_mapping_alloc(16 * HAK_MIB, 8, &is_zero));
        expect(!is_zero, "16 MiB after %zu", bytes);
        hak_mapping_free(hak_mapping_alloc(10 * HAK_MIB, 8, &is_zero));
        expect(!is_zero, "10 MiB after %zu", bytes);
    }
}

/* Whatever is refused: a mapping all the same, of its size, that can be used. */
Test(big_cache, pages_that_cannot_be_had_are_done_without, .init = start) {
    for (uint32_t calls = TEST_OS_GRAFT; calls <= TEST_OS_CAN_GRAFT; calls *= 2) {
        for (uint64_t nth = 1; nth <= 3; nth++) {
            bool is_zero;
            int64_t held = test_os_held_bytes();
            char *first = alloc(6 * HAK_MIB), *second = alloc(4 * HAK_MIB);
            hak_mapping_free(first);
            hak_mapping_free(second);
            test_os_fail_at(calls, nth, 1);
            char *block = hak_mapping_alloc(10 * HAK_MIB, 8, &is_zero);
            test_os_recover();
            verify();
            expect(block != NULL && hak_mapping_size_bytes(block) == 10 * HAK_MIB, "calls %u", calls);
            expect(is_zero == (calls == TEST_OS_CAN_GRAFT && nth == 1), "calls %u: zero %d", calls,
                   is_zero);
            memset(block, 3, 10 * HAK_MIB);
            hak_mapping_free(block);
            hak_big_cache_trim();
            expect(test_os_held_bytes() - held <= (int64_t)HAK_MIB, "address space is lost");
        }
    }
}

/* Without memory for the mapping itself the cache stays as it is. */
Test(big_cache, no_pages_are_taken_for_what_cannot_be, .init = start) {
    bool is_zero;
    hak_mapping_free(alloc(4 * HAK_MIB));
    test_os_fail_at(TEST_OS_RESERVE, 1, 1);
    cr_assert_null(hak_mapping_alloc(10 * HAK_MIB, 8, &is_zero));
    test_os_recover();
    cr_assert_eq(counts().cached_bytes, 4 * HAK_MIB);
    verify();
}

/* A program's advice on a part of its block splits the kernel's area where nobody here
 * expects it. */
Test(big_cache, pages_that_the_program_gave_advice_on_are_left_out, .init = start) {
    bool is_zero;
    char *advised = alloc(6 * HAK_MIB), *plain = alloc(4 * HAK_MIB);
    memset(advised, 1, 6 * HAK_MIB);
    memset(plain, 2, 4 * HAK_MIB);
    cr_assert_eq(madvise(advised + 3 * HAK_MIB, HAK_MIB, MADV_DONTDUMP), 0);
    int64_t held = test_os_held_bytes();
    hak_mapping_free(advised);
    hak_mapping_free(plain);
    char *block = hak_mapping_alloc(10 * HAK_MIB, 8, &is_zero);
    verify();
    cr_assert_not(is_zero);
    cr_assert_eq(block[2 * HAK_MIB - 1], 1, "the first 2 MiB are of one area");
    memset(block, 3, 10 * HAK_MIB); /* no hole where the next ones were refused */
    hak_mapping_free(block);
    hak_big_cache_trim();
    cr_assert_eq(held - test_os_held_bytes(), 10 * (int64_t)HAK_MIB);
}

Test(big_cache, the_best_fit_is_taken, .init = start) {
    char *large = alloc(5 * HAK_MIB / 2), *small = alloc(9 * HAK_MIB / 4);
    hak_mapping_free(small);
    hak_mapping_free(large);
    cr_assert_eq(alloc(2 * HAK_MIB), small);
    cr_assert_eq(alloc(2 * HAK_MIB), large);
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
    char *huge = alloc(6 * HAK_MIB);
    hak_mapping_free(alloc(2 * HAK_MIB));
    int64_t held = test_os_held_bytes();
    hak_mapping_free(huge);
    verify();
    cr_assert_eq(held - test_os_held_bytes(), 6 * (int64_t)HAK_MIB);
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

/* A thread may read the clock, and tick only after another has freed. */
Test(big_cache, what_was_freed_after_the_clock_was_read_is_not_old, .init = start) {
    uint64_t now_ns = hak_os_clock_coarse_ns();
    sleep_ms(20);
    hak_mapping_free(alloc(2 * HAK_MIB));
    hak_big_cache_tick(now_ns);
    cr_assert_eq(counts().entry_count, 1);
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
