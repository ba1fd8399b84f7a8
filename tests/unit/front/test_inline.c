/* SPDX-License-Identifier: MIT */
/* hakmem_inline.h: the same blocks, classes and ends as through the functions. */
#include "hakmem_inline.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "base/size_class.h"
#include "region/region_map.h"
#include "support/expect.h"
#include "support/random.h"
#include "support/threads.h"

Test(inline, kinds_are_the_classes_of_every_size) {
    for (size_t size = 0; size <= HAK_INLINE_CLASS_MAX_BYTES; size++) {
        size_t expected = hak_class_of(size) + HAK_KIND_CLASS_FIRST;
        expect(hak_inline_kind(size) == expected, "size %zu: kind %zu, not %zu", size,
               hak_inline_kind(size), expected);
    }
}

/* The size is a constant where it is called. */
#define EXPECT_CONSTANT(size)                                                                      \
    do {                                                                                           \
        unsigned char *block = hak_malloc_inline(size);                                            \
        cr_assert_not_null(block);                                                                 \
        cr_assert_eq(hak_region_kind(block),                                                       \
                     (size) <= HAK_CLASS_SIZE_MAX_BYTES ? hak_class_of(size) + 1 : HAK_KIND_RUN);  \
        memset(block, 0x5A, (size));                                                               \
        hak_free_inline(block);                                                                    \
        cr_assert_eq(hak_malloc_inline(size), block, "the block freed last comes first");          \
        hak_free_inline(block);                                                                    \
    } while (0)

Test(inline, constant_sizes) {
    EXPECT_CONSTANT(0);
    EXPECT_CONSTANT(1);
    EXPECT_CONSTANT(8);
    EXPECT_CONSTANT(9);
    EXPECT_CONSTANT(64);
    EXPECT_CONSTANT(128);
    EXPECT_CONSTANT(129);
    EXPECT_CONSTANT(1024);
    EXPECT_CONSTANT(1025);
    EXPECT_CONSTANT(32768);
    EXPECT_CONSTANT(32769);
}

Test(inline, what_has_no_cache_goes_to_the_functions) {
    volatile size_t too_large = PTRDIFF_MAX;
    hak_free_inline(NULL);
    errno = 0;
    cr_assert_null(hak_malloc_inline(too_large + 1));
    cr_assert_eq(errno, ENOMEM);
    for (size_t size = 1; size < (size_t)8 << 20; size = size * 3 + 1) {
        unsigned char *block = hak_malloc_inline(size);
        cr_assert_not_null(block);
        block[0] = block[size - 1] = 1;
        hak_free_inline(block);
    }
}

/* Blocks of either kind of call, freed by the other, in threads of their own and
 * each other's; every byte of each is verified. */
enum { THREADS = 4, SLOT_COUNT = 500, ROUNDS = 50000 };

static _Atomic(unsigned char *) slots[SLOT_COUNT];
static _Atomic uint32_t damaged_count;

static unsigned char *fill(unsigned char *block, size_t size_bytes) {
    block[0] = (unsigned char)size_bytes;
    block[1] = (unsigned char)(size_bytes >> 8);
    for (size_t i = 2; i < size_bytes; i++) {
        block[i] = (unsigned char)(size_bytes + i);
    }
    return block;
}

static void verify(const unsigned char *block) {
    size_t size = block == NULL ? 0 : (size_t)block[0] | (size_t)block[1] << 8;
    for (size_t i = 2; i < size; i++) {
        damaged_count += block[i] != (unsigned char)(size + i);
    }
}

static void mix(void *unused, uint32_t index) {
    struct test_random random;
    (void)unused;
    test_random_init(&random, index);
    for (int round = 0; round < ROUNDS; round++) {
        size_t size = 2 + test_random_below(&random, 1500);
        bool is_inline = test_random_below(&random, 2) != 0;
        unsigned char *block = is_inline ? hak_malloc_inline(size) : hak_malloc(size);
        uint32_t slot = test_random_below(&random, SLOT_COUNT);
        block = atomic_exchange(&slots[slot], fill(block, size));
        verify(block);
        if (is_inline) {
            hak_free(block);
        } else {
            hak_free_inline(block);
        }
    }
}

Test(inline, both_kinds_of_calls_mix_across_threads) {
    test_threads_run(THREADS, mix, NULL);
    for (int i = 0; i < SLOT_COUNT; i++) {
        verify(slots[i]);
        hak_free_inline(slots[i]);
    }
    cr_assert_eq(damaged_count, 0);
}
