/* SPDX-License-Identifier: MIT */
/* src/check/guard.c: what a correct program sees of it (tests/misuse/ has what
 * an incorrect one sees). */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>

#include "base/size_class.h"
#include "check/guard.h"
#include "hakmem.h"
#include "heap/heap.h"
#include "misuse/outcome.h"
#include "region/region_map.h"

/* Around every boundary of the tiers, and some in between. */
static const size_t sizes[] = {
    0,     1,     7,     8,      15,      16,      17,      47,      48,      63,      64,
    65,    112,   128,   129,    1007,    1008,    1009,    1024,    4096,    32751,   32752,
    32753, 32768, 65520, 131072, 1048559, 1048560, 1048561, 1048576, 3000000, 5000000,
};
enum { SIZE_COUNT = sizeof sizes / sizeof sizes[0] };

static const char *bytes_of(const void *block) {
    return block;
}

static bool is_all(const void *block, size_t length, unsigned char value) {
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)bytes_of(block)[i] != value) {
            return false;
        }
    }
    return true;
}

Test(guard, usable_size_is_what_was_asked_for_and_all_of_it_may_be_written) {
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        void *block = hak_malloc(sizes[i]);
        cr_assert_eq(hak_malloc_usable_size(block), sizes[i]);
        memset(block, 0xEE, sizes[i]);
        hak_free(block);
    }
    hak_heap_check();
}

/* The + 1 that a 64-byte request once missed: the guard counts before the
 * class is chosen. */
Test(guard, request_of_a_whole_stride_gets_a_larger_class) {
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
        size_t stride = hak_class_infos[c].stride_bytes;
        void *block = hak_malloc(stride);
        size_t given = hak_heap_block_size(block, "test");
        cr_assert(given >= stride + HAK_GUARD_SIZE_BYTES, "%zu for %zu", given, stride);
        hak_free(block);
    }
}

Test(guard, tail_is_canary) {
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        void *block = hak_malloc(sizes[i]);
        size_t tail = hak_heap_block_size(block, "test") - sizes[i];
        size_t length = tail < HAK_GUARD_CANARY_MAX_BYTES ? tail : HAK_GUARD_CANARY_MAX_BYTES;
        cr_assert(length >= HAK_GUARD_SIZE_BYTES);
        cr_assert(is_all(bytes_of(block) + sizes[i], length, HAK_GUARD_CANARY), "size %zu",
                  sizes[i]);
        hak_free(block);
    }
}

/* Classes stay mapped when they are freed: the fill can be looked at. */
Test(guard, freed_block_is_filled) {
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        void *volatile block = hak_malloc(sizes[i]);
        size_t length = hak_heap_block_size(block, "test");
        memset(block, 0xEE, sizes[i]);
        hak_free(block);
        if (length <= HAK_CLASS_SIZE_MAX_BYTES) {
            cr_assert(is_all(block, length, HAK_GUARD_FILL), "size %zu", sizes[i]);
        }
    }
}

Test(guard, calloc_of_a_used_block_is_zero) {
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        void *used = hak_malloc(sizes[i]);
        memset(used, 0xEE, sizes[i]);
        hak_free(used);
        void *block = hak_calloc(1, sizes[i]);
        cr_assert(is_all(block, sizes[i], 0), "size %zu", sizes[i]);
        hak_free(block);
    }
}

/* Every size to every size: contents kept, size exact, canary behind it. */
Test(guard, realloc_guards_the_new_size) {
    for (size_t from = 1; from < SIZE_COUNT; from++) {
        for (size_t to = 1; to < SIZE_COUNT; to++) {
            size_t kept = sizes[from] < sizes[to] ? sizes[from] : sizes[to];
            void *block = hak_malloc(sizes[from]);
            memset(block, 0x5A, sizes[from]);
            block = hak_realloc(block, sizes[to]);
            cr_assert(is_all(block, kept, 0x5A), "%zu to %zu", sizes[from], sizes[to]);
            cr_assert_eq(hak_malloc_usable_size(block), sizes[to]);
            cr_assert(is_all(bytes_of(block) + sizes[to], HAK_GUARD_SIZE_BYTES, HAK_GUARD_CANARY));
            hak_free(block);
        }
    }
    hak_heap_check();
}

static void overflow_after_realloc(void *argument) {
    const size_t *pair = argument;
    volatile char *block = hak_realloc(hak_malloc(pair[0]), pair[1]);
    block[pair[1]] = 0;
    hak_free((void *)(uintptr_t)block);
}

Test(guard, overflow_after_realloc_is_found) {
    static size_t pairs[][2] = {
        {100, 90},       {100, 4000},        {4000, 100},
        {70000, 150000}, {2000000, 9000000}, {9000000, 2000000},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        const struct test_child *child = outcome_of(overflow_after_realloc, pairs[i]);
        cr_assert(child->signal == SIGABRT && outcome_said(child, "invariant GUARD_CANARY broken"),
                  "%zu to %zu: " OUTCOME_FORMAT, pairs[i][0], pairs[i][1], OUTCOME_VALUES(child));
    }
}

/* Memory that was given back to the OS reads as zero, not as fill: its records
 * must not say otherwise. */
Test(guard, no_false_alarm_after_purge_and_reuse) {
    enum { COUNT = 600 };
    static void *blocks[COUNT];
    for (int round = 0; round < 4; round++) {
        for (size_t i = 0; i < COUNT; i++) {
            blocks[i] = hak_malloc(sizes[i % SIZE_COUNT]);
            memset(blocks[i], 0xEE, sizes[i % SIZE_COUNT] < 4096 ? sizes[i % SIZE_COUNT] : 4096);
        }
        for (size_t i = 0; i < COUNT; i++) {
            hak_free(blocks[i]);
        }
        hak_malloc_trim(0);
        hak_heap_check();
    }
}

/* A run shrinks, its tail becomes a run of its own, dies, and is taken back. */
Test(guard, no_false_alarm_for_runs_that_share_granules) {
    char *first = hak_malloc(8 * HAK_GRANULE_SIZE_BYTES - HAK_GUARD_SIZE_BYTES);
    memset(first, 0xEE, 8 * HAK_GRANULE_SIZE_BYTES - HAK_GUARD_SIZE_BYTES);
    for (size_t granules = 1; granules < 8; granules++) {
        first = hak_realloc(first, granules * HAK_GRANULE_SIZE_BYTES - HAK_GUARD_SIZE_BYTES);
        char *second = hak_malloc(HAK_GRANULE_SIZE_BYTES - HAK_GUARD_SIZE_BYTES);
        hak_free(second);
        first = hak_realloc(first, 8 * HAK_GRANULE_SIZE_BYTES - HAK_GUARD_SIZE_BYTES);
        memset(first, 0xEE, 8 * HAK_GRANULE_SIZE_BYTES - HAK_GUARD_SIZE_BYTES);
    }
    hak_free(first);
    hak_heap_check();
}

Test(guard, sized_frees_that_are_right_pass) {
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        hak_free_sized(hak_malloc(sizes[i]), sizes[i]);
        hak_free_sized(hak_calloc(1, sizes[i]), sizes[i]);
        hak_free_aligned_sized(hak_aligned_alloc(4096, sizes[i]), 4096, sizes[i]);
    }
    hak_free_sized(NULL, 5);
    hak_free_aligned_sized(NULL, 64, 5);
}

Test(guard, heap_check_counts_what_it_looked_at) {
    size_t before = hak_heap_check();
    void *blocks[64];
    for (size_t i = 0; i < 64; i++) {
        blocks[i] = hak_malloc(30000); /* 16 blocks a SuperSlab at most: several SuperSlabs */
    }
    cr_assert_gt(hak_heap_check(), before);
    for (size_t i = 0; i < 64; i++) {
        hak_free(blocks[i]);
    }
}
