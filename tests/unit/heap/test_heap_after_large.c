/* SPDX-License-Identifier: MIT */
/* Small blocks after large ones lie where those lay: the memory that the BigCache keeps
 * counts as the process's, and beside as much for small blocks it may be too much. */
#include "unit/heap/heaps.h"

#include "base/constants.h"

enum { LARGE_MIB = 64, LIVE_MIB = 60, SPARE_MIB = 10 };

/* Blocks of `size_bytes`, each written, and with every mebibyte a look at what is mapped. */
static void expect_no_more_than_before(size_t size_bytes) {
    char *large = hak_malloc(LARGE_MIB * HAK_MIB);
    cr_assert_not_null(large);
    memset(large, 1, LARGE_MIB * HAK_MIB);
    hak_free(large);
    size_t before = stats_now().mapped_bytes, most = 0;
    for (size_t live = 0; live < LIVE_MIB * HAK_MIB; live += HAK_MIB) {
        for (size_t at = 0; at < HAK_MIB; at += size_bytes) {
            char *block = hak_malloc(size_bytes - 32);
            cr_assert_not_null(block);
            memset(block, 2, size_bytes - 32);
        }
        size_t mapped = stats_now().mapped_bytes;
        most = mapped > most ? mapped : most;
    }
    cr_assert_geq(before, LARGE_MIB * HAK_MIB, "the large block was not kept: nothing is tested");
    cr_assert_leq(most, before + SPARE_MIB * HAK_MIB, "%zu bytes for %zu", most, before);
}

Test(heap_after_large, small_blocks_lie_where_it_lay) {
    expect_no_more_than_before(1024);
}

Test(heap_after_large, runs_lie_where_it_lay) {
    expect_no_more_than_before(2 * HAK_GRANULE_SIZE_BYTES);
}

/* Its memory is not zero. */
Test(heap_after_large, calloc_is_zero_there) {
    static const size_t sizes[] = {100, 5000, 100000, 400000};
    char *large = hak_malloc(LARGE_MIB * HAK_MIB);
    memset(large, 1, LARGE_MIB * HAK_MIB);
    hak_free(large);
    for (size_t i = 0; i < 400; i++) {
        size_t size = sizes[i % 4];
        char *block = hak_calloc(1, size);
        cr_assert_not_null(block);
        for (size_t at = 0; at < size; at++) {
            cr_assert(block[at] == 0, "byte %zu of %zu", at, size);
        }
    }
    hak_heap_check();
}
