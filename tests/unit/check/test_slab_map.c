/* SPDX-License-Identifier: MIT */
/* src/check/slab_map.c: every block is shown once, where it is. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/bitmap.h"
#include "check/slab_map.h"
#include "hakmem.h"
#include "heap/heap.h"
#include "support/threads.h"

enum { SIZE_BYTES = 1000, COUNT = 300, FREED_HERE = 20, FREED_THERE = 70 };

/* What the visits of one map added up to, over slabs of SIZE_BYTES's class. */
struct sum {
    uint32_t counts[HAK_BLOCK_PLACE_COUNT];
    uint32_t superslab_count, slab_count, bitmap, granules;
};

static void note_superslab(const struct hak_superslab_view *view, void *context) {
    struct sum *sum = context;
    cr_assert_eq(sum->granules, sum->bitmap, "the slabs of the last one fill its bitmap");
    sum->superslab_count++;
    sum->bitmap = view->bitmap;
    sum->granules = 0;
}

static void note_slab(const struct hak_slab_view *view, void *context) {
    struct sum *sum = context;
    uint32_t counts[HAK_BLOCK_PLACE_COUNT] = {0}, mask;
    mask = hak_mask32(view->granule_first, view->granule_count);
    cr_assert_eq(sum->granules & mask, 0u, "slabs overlap");
    sum->granules |= mask;
    sum->slab_count++;
    for (uint32_t i = 0; i < view->block_count; i++) {
        counts[view->places[i]]++;
    }
    cr_assert_eq(memcmp(counts, view->counts, sizeof counts), 0);
    if (view->stride_bytes == 1024) { /* 1000 and its guard */
        for (unsigned i = 0; i < HAK_BLOCK_PLACE_COUNT; i++) {
            sum->counts[i] += counts[i];
        }
    }
}

static struct sum look(void) {
    struct sum sum = {0};
    const struct hak_slab_map_visitor visitor = {note_superslab, note_slab, &sum};
    size_t slab_count = hak_slab_map_visit(&visitor);
    cr_assert_eq(slab_count, sum.slab_count);
    cr_assert_eq(sum.granules, sum.bitmap);
    return sum;
}

static void free_some(void *argument, uint32_t index) {
    void **blocks = argument;
    (void)index;
    for (unsigned i = 0; i < FREED_THERE; i++) {
        hak_free(blocks[i]);
    }
}

Test(slab_map, nothing_at_the_start) {
    struct sum sum = look();
    cr_assert_eq(sum.superslab_count, 0);
    cr_assert_eq(sum.slab_count, 0);
}

Test(slab_map, held_cached_and_remote_blocks_are_told_apart) {
    void *blocks[COUNT];
    for (unsigned i = 0; i < COUNT; i++) {
        blocks[i] = hak_malloc(SIZE_BYTES);
    }
    struct sum all_held = look();
    cr_assert_eq(all_held.counts[HAK_BLOCK_HELD], COUNT);
    cr_assert_eq(all_held.counts[HAK_BLOCK_REMOTE], 0);

    for (unsigned i = 0; i < FREED_HERE; i++) {
        hak_free(blocks[i]);
    }
    struct sum some_cached = look();
    cr_assert_eq(some_cached.counts[HAK_BLOCK_HELD], COUNT - FREED_HERE);
    cr_assert_eq(some_cached.counts[HAK_BLOCK_CACHED],
                 all_held.counts[HAK_BLOCK_CACHED] + FREED_HERE);
    cr_assert_eq(some_cached.counts[HAK_BLOCK_FREE], all_held.counts[HAK_BLOCK_FREE]);

    /* Another thread frees: when it has ended its cache is flushed, into our slabs. */
    test_threads_run(1, free_some, blocks + FREED_HERE);
    hak_heap_flush_abandoned();
    struct sum some_remote = look();
    cr_assert_eq(some_remote.counts[HAK_BLOCK_REMOTE], FREED_THERE);
    cr_assert_eq(some_remote.counts[HAK_BLOCK_HELD], COUNT - FREED_HERE - FREED_THERE);
    cr_assert_eq(some_remote.counts[HAK_BLOCK_CACHED], some_cached.counts[HAK_BLOCK_CACHED]);

    for (unsigned i = FREED_HERE + FREED_THERE; i < COUNT; i++) {
        hak_free(blocks[i]);
    }
    cr_assert_eq(look().counts[HAK_BLOCK_HELD], 0);
    hak_malloc_trim(0); /* collects and flushes */
    struct sum none = look();
    cr_assert_eq(none.counts[HAK_BLOCK_REMOTE] + none.counts[HAK_BLOCK_CACHED], 0);
}
