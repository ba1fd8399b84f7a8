/* SPDX-License-Identifier: MIT */
/* Heaps without memory for their own structures: NULL and ENOMEM, nothing lost,
 * and all works on once there is memory again. */
#include <errno.h>

#include "unit/heap/heaps.h"

static bool meta_is_out;

void *__real_hak_meta_alloc(size_t size_bytes);
void *__wrap_hak_meta_alloc(size_t size_bytes);
void *__wrap_hak_meta_alloc(size_t size_bytes) {
    return meta_is_out ? NULL : __real_hak_meta_alloc(size_bytes);
}

static void expect_enomem(size_t size_bytes) {
    errno = 0;
    cr_assert_null(hak_malloc(size_bytes), "%zu bytes", size_bytes);
    cr_assert_eq(errno, ENOMEM);
}

Test(heap_memory, no_heap_can_be_made) {
    meta_is_out = true;
    expect_enomem(100);
    expect_enomem(20000);
    expect_enomem(100000);
    expect_enomem(3000000);
    meta_is_out = false;
    void *block = hak_malloc(100);
    cr_assert_not_null(block);
    hak_free(block);
    cr_assert_eq(live_bytes_after_trim(), 0);
}

/* No slots for the class's cache: blocks come one by one, past it. */
Test(heap_memory, no_slots_can_be_made) {
    void *blocks[100];
    hak_free(hak_malloc(request_of(64)));
    meta_is_out = true;
    /* the slab of 64 bytes exists: its cache is the only thing that is not there */
    struct hak_heap *heap = hak_heap_current();
    hak_tcache_flush_all_owned(&heap->tcache, &heap->chain);
    hak_tcache_init(&heap->tcache);
    for (int i = 0; i < 100; i++) {
        blocks[i] = hak_malloc(request_of(64));
        cr_assert_not_null(blocks[i]);
        memset(blocks[i], i, request_of(64));
    }
    cr_assert_eq(hak_tcache_capacity(&heap->tcache, 4), 0);
    for (int i = 0; i < 50; i++) {
        cr_assert_eq(((unsigned char *)blocks[i])[5], i);
        hak_free(blocks[i]);
    }
    meta_is_out = false;
    for (int i = 50; i < 100; i++) {
        cr_assert_eq(((unsigned char *)blocks[i])[5], i);
        hak_free(blocks[i]);
    }
    cr_assert_gt(hak_tcache_capacity(&heap->tcache, 4), 0);
    cr_assert_eq(live_bytes_after_trim(), 0);
}

static void *allocate_without(void *unused) {
    expect_enomem(100);
    return unused;
}

/* A thread that got nothing still ends well, and leaves nothing. */
Test(heap_memory, thread_that_got_nothing_leaves_nothing) {
    hak_free(hak_malloc(10));
    meta_is_out = true;
    run_thread(allocate_without, NULL);
    meta_is_out = false;
    cr_assert_eq(hak_heap_count(), 1);
    cr_assert_eq(live_bytes_after_trim(), 0);
}
