/* SPDX-License-Identifier: MIT */
/* Short questions about heaps, for the tests of this folder. */
#ifndef TESTS_HEAP_HEAPS_H
#define TESTS_HEAP_HEAPS_H

#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>

#include "base/check.h"
#include "check/guard.h"
#include "hakmem.h"
#include "heap/heap.h"

static inline struct hak_stats stats_now(void) {
    struct hak_stats stats;
    hak_stats_read(&stats);
    return stats;
}

/* What to ask for to get a block of `stride_bytes`. */
static inline size_t request_of(size_t stride_bytes) {
    return stride_bytes - (HAK_CHECK_LEVEL >= 1 ? HAK_GUARD_SIZE_BYTES : 0);
}

/* Runs one thread to its end. */
static inline void run_thread(void *(*body)(void *), void *argument) {
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, body, argument), 0);
    cr_assert_eq(pthread_join(thread, NULL), 0);
}

static inline uint32_t cached_count(const struct hak_heap *heap) {
    uint32_t count = 0;
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
        count += hak_tcache_count(&heap->tcache, c);
    }
    return count;
}

/* Gives all caches and free memory back and looks at everything, where there are
 * checks; what is live afterwards is held by the program. */
static inline size_t live_bytes_after_trim(void) {
    hak_malloc_trim(0);
    hak_heap_check();
    return stats_now().live_bytes;
}

#endif
