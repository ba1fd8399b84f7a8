/* SPDX-License-Identifier: MIT */
/* The metadata arena: alignment, zeroes, reuse, running out, threads. */
#include "meta/meta.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

#include "base/constants.h"
#include "support/expect.h"
#include "support/os_fault.h"
#include "support/random.h"
#include "support/threads.h"

static bool is_all(const unsigned char *p, size_t size_bytes, unsigned char value) {
    for (size_t i = 0; i < size_bytes; i++) {
        if (p[i] != value) {
            return false;
        }
    }
    return true;
}

static unsigned char *alloc_checked(size_t size_bytes) {
    unsigned char *p = hak_meta_alloc(size_bytes);
    expect(p != NULL, "size %zu", size_bytes);
    expect((uintptr_t)p % HAK_CACHE_LINE_BYTES == 0, "size %zu: %p", size_bytes, (void *)p);
    expect(is_all(p, size_bytes, 0), "size %zu is not zero", size_bytes);
    return p;
}

Test(meta, aligned_zero_and_reused_for_the_same_size_at_every_size) {
    for (size_t size = 1; size <= HAK_META_SIZE_MAX_BYTES; size += size < 5000 ? 1 : 997) {
        unsigned char *p = alloc_checked(size);
        memset(p, 0xAB, size);
        hak_meta_free(p, size);
        unsigned char *again = alloc_checked(size);
        expect(again == p, "size %zu: %p, not %p", size, (void *)again, (void *)p);
        hak_meta_free(again, size);
    }
}

Test(meta, the_largest_size) {
    unsigned char *p = alloc_checked(HAK_META_SIZE_MAX_BYTES);
    memset(p, 1, HAK_META_SIZE_MAX_BYTES);
}

Test(meta, more_than_the_largest_size_is_refused) {
    size_t mapped = hak_meta_mapped_bytes();
    cr_expect_null(hak_meta_alloc(HAK_META_SIZE_MAX_BYTES + 1));
    cr_expect_null(hak_meta_alloc(SIZE_MAX));
    cr_expect_eq(hak_meta_mapped_bytes(), mapped);
}

Test(meta, freed_memory_is_reused_before_new_is_taken) {
    void *blocks[1000];
    for (int i = 0; i < 1000; i++) {
        blocks[i] = hak_meta_alloc(192);
    }
    size_t mapped = hak_meta_mapped_bytes();
    for (int round = 0; round < 100; round++) {
        for (int i = 0; i < 1000; i++) {
            hak_meta_free(blocks[i], 192);
        }
        for (int i = 0; i < 1000; i++) {
            blocks[i] = hak_meta_alloc(192);
        }
    }
    cr_assert_eq(hak_meta_mapped_bytes(), mapped);
}

/* Random sizes: nothing overlaps, nothing changes by itself. */
Test(meta, live_memory_never_overlaps) {
    enum { LIVE = 500, ROUNDS = 30000 };
    static struct {
        unsigned char *p;
        size_t size;
        unsigned char mark;
    } live[LIVE];
    struct test_random random;
    test_random_init(&random, 7);
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t at = test_random_below(&random, LIVE);
        if (live[at].p != NULL) {
            expect(is_all(live[at].p, live[at].size, live[at].mark), "block %u changed", at);
            hak_meta_free(live[at].p, live[at].size);
        }
        live[at].size = 1 + test_random_below(&random, test_random_below(&random, 20) ? 600 : 9000);
        live[at].p = alloc_checked(live[at].size);
        live[at].mark = (unsigned char)(1 + test_random_below(&random, 255));
        memset(live[at].p, live[at].mark, live[at].size);
    }
}

Test(meta, mapped_bytes_are_what_the_os_gave) {
    int64_t held = test_os_held_bytes();
    size_t mapped = hak_meta_mapped_bytes();
    for (int i = 0; i < 3000; i++) {
        alloc_checked(4096);
    }
    cr_assert_eq(test_os_held_bytes() - held, (int64_t)(hak_meta_mapped_bytes() - mapped));
    cr_assert_geq(hak_meta_mapped_bytes() - mapped, 3000u * 4096);
    cr_assert_leq(hak_meta_mapped_bytes() - mapped, 3000u * 4096 + 2 * HAK_MIB);
}

Test(meta, without_memory_null_and_usable_afterwards) {
    test_os_fail_at(TEST_OS_RESERVE, 1, 1);
    for (size_t size = 64; size <= HAK_META_SIZE_MAX_BYTES; size *= 2) {
        expect(hak_meta_alloc(size) == NULL, "size %zu", size);
    }
    cr_assert_eq(hak_meta_mapped_bytes(), 0);
    test_os_recover();
    alloc_checked(64);
}

Test(meta, takes_what_it_needs_where_a_whole_chunk_does_not_fit) {
    test_os_fail_at(TEST_OS_RESERVE, 1, 0);
    alloc_checked(100);
    cr_assert_eq(hak_meta_mapped_bytes(), HAK_OS_PAGE_SIZE_BYTES);
    for (int i = 1; i < HAK_OS_PAGE_SIZE_BYTES / 128; i++) {
        alloc_checked(100); /* the page is used up before more is asked for */
    }
    cr_assert_eq(hak_meta_mapped_bytes(), HAK_OS_PAGE_SIZE_BYTES);
}

Test(meta, running_out_keeps_what_is_there) {
    unsigned char *p = alloc_checked(300);
    memset(p, 5, 300);
    test_os_fail_at(TEST_OS_RESERVE, 1, 1);
    int got = 0;
    while (hak_meta_alloc(1024) != NULL) { /* the rest of the chunk */
        got++;
    }
    cr_assert_leq(got, 1024);
    cr_assert(is_all(p, 300, 5));
    hak_meta_free(p, 300);
    cr_assert_eq(alloc_checked(300), p, "what was freed is there without the OS");
}

/* --- Threads -------------------------------------------------------------- */

static _Atomic uint32_t wrong;

static void alloc_and_verify(void *unused, uint32_t index) {
    enum { LIVE = 64 };
    unsigned char *blocks[LIVE] = {NULL}, mark = (unsigned char)(index + 1);
    struct test_random random;
    (void)unused;
    test_random_init(&random, index);
    for (int i = 0; i < 20000; i++) {
        uint32_t at = test_random_below(&random, LIVE);
        size_t size = 64 + 64 * (at % 8);
        if (blocks[at] != NULL) {
            wrong += !is_all(blocks[at], size, mark);
            hak_meta_free(blocks[at], size);
            blocks[at] = NULL;
        } else {
            blocks[at] = hak_meta_alloc(size);
            wrong += blocks[at] == NULL || !is_all(blocks[at], size, 0);
            memset(blocks[at], mark, size);
        }
    }
}

Test(meta, threads_share_it, .timeout = 120) {
    test_threads_run(6, alloc_and_verify, NULL);
    cr_assert_eq(wrong, 0);
}

Test(meta, lock_and_reset_leave_it_usable) {
    hak_meta_lock();
    hak_meta_unlock();
    hak_meta_lock();
    hak_meta_reset_in_child();
    alloc_checked(64);
}
