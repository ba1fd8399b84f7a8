/* SPDX-License-Identifier: MIT */
/* HAKMEM_PREWARM_TLS: a thread that got its heap has the hot classes' caches
 * filled, so that its first allocations take no slow path. */
#include "base/config.h"
#include "base/size_class.h"
#include "unit/heap/heaps.h"

/* Refills that one allocation of each hot class costs a thread with a heap. */
struct first_touch {
    uint64_t refills;
    uint32_t filled_classes; /* when the thread had allocated once */
};

static void *touch_hot_classes(void *touch_out) {
    struct first_touch *touch = touch_out;
    hak_free(hak_malloc(30000)); /* gives the thread its heap */
    const struct hak_heap *heap = hak_heap_current();
    for (uint32_t c = hak_class_of(16); c <= hak_class_of(256); c++) {
        touch->filled_classes += hak_tcache_count(&heap->tcache, c) > 0;
    }
    uint64_t before = heap->tcache.refill_count;
    for (uint32_t c = hak_class_of(32); c <= hak_class_of(256); c++) {
        hak_free(hak_malloc(request_of(hak_class_infos[c].stride_bytes)));
    }
    touch->refills = heap->tcache.refill_count - before;
    return NULL;
}

static struct first_touch touch_in_a_thread(bool prewarm) {
    struct first_touch touch = {0};
    hak_config.prewarm_tls = prewarm;
    run_thread(touch_hot_classes, &touch);
    hak_heap_check();
    return touch;
}

enum { HOT_CLASSES = 12 }; /* 16 to 256 bytes */

Test(prewarm, on_fills_the_hot_classes) {
    struct first_touch touch = touch_in_a_thread(true);
    cr_assert_eq(touch.filled_classes, HOT_CLASSES);
    cr_assert_eq(touch.refills, 0);
}

Test(prewarm, off_fills_nothing) {
    struct first_touch touch = touch_in_a_thread(false);
    cr_assert_eq(touch.filled_classes, 0);
    cr_assert_eq(touch.refills, HOT_CLASSES - 1);
}

/* An adopted heap is prewarmed like a new one. */
Test(prewarm, on_fills_adopted_heaps_too) {
    touch_in_a_thread(false);
    struct first_touch touch = touch_in_a_thread(true);
    cr_assert_eq(hak_heap_count(), 1);
    cr_assert_eq(touch.filled_classes, HOT_CLASSES);
    cr_assert_eq(touch.refills, 0);
}

/* To half of the capacity, whatever the last thread left: the rest is for frees. */
Test(prewarm, leaves_half_of_an_adopted_cache_free) {
    touch_in_a_thread(false);
    touch_in_a_thread(true);
    const struct hak_heap *heap = hak_heap_first();
    for (uint32_t c = hak_class_of(32); c <= hak_class_of(256); c++) {
        cr_assert_eq(hak_tcache_count(&heap->tcache, c), hak_tcache_capacity(&heap->tcache, c) / 2);
    }
}

/* An abandoned heap is filled again for the next thread, always with the same; a
 * thread without prewarming gives it all back. */
Test(prewarm, keeps_blocks_whole_and_gives_them_back) {
    touch_in_a_thread(true);
    uint64_t kept_bytes = stats_now().live_bytes;
    cr_assert_gt(kept_bytes, 0);
    for (int thread = 0; thread < 10; thread++) {
        touch_in_a_thread(true);
        cr_assert_eq(stats_now().live_bytes, kept_bytes);
    }
    touch_in_a_thread(false);
    cr_assert_lt(stats_now().live_bytes, kept_bytes); /* no more than first refills */
    cr_assert_eq(live_bytes_after_trim(), 0);
}
