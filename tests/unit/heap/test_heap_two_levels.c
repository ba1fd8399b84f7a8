/* SPDX-License-Identifier: MIT */
/* Where address space is limited, and the region map has two levels, a free still goes to
 * the cache without a look at the heap. */
#include "unit/heap/heaps.h"

#include "region/region_map.h"

/* Whoever wants the heap's lock meanwhile waits until the test is ended. */
Test(heap_two_levels, a_free_to_a_cache_with_room_takes_no_lock, .timeout = 20) {
    char *blocks[8];
    cr_assert(hak_region_init(false));
    cr_assert_eq(hak_region_map.flat_limit, 0);
    for (size_t i = 0; i < 8; i++) {
        blocks[i] = hak_malloc(request_of(64));
        cr_assert_not_null(blocks[i]);
    }
    struct hak_heap *heap = hak_heap_current();
    uint32_t before = cached_count(heap);
    hak_lock_acquire(&heap->lock);
    for (size_t i = 0; i < 8; i++) {
        hak_free(blocks[i]);
    }
    hak_lock_release(&heap->lock);
    cr_assert_eq(cached_count(heap), before + 8);
    cr_assert_eq(live_bytes_after_trim(), 0);
}
