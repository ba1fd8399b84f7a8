/* SPDX-License-Identifier: MIT */
/* BigCache: a give that doubles the table, a take, and an eviction at once. The build lets the
 * table start with two buckets (CMakeLists.txt). */
#include "support.h"

#include "big/big_cache.h"
#include "big/mapping.h"

enum { SIZE = 5 << 18, OTHER_SIZE = 3 << 19, NEAR_SIZE = 7 << 18, FAR_SIZE = 33 << 20 };

static void *mine[2];

static void *map(size_t size_bytes) {
    bool is_zero;
    void *block = hak_mapping_alloc(size_bytes, 1, &is_zero);
    return got_large(block, size_bytes, HAK_SUPERSLAB_SIZE_BYTES, is_zero);
}

static void unmap(void *block) {
    held_remove(block);
    hak_mapping_free(block);
}

/* Two mappings cached, which is what two buckets may hold; two more to give. */
static void setup(void) {
    hak_heap_start();
    void *cached[] = {map(SIZE), map(OTHER_SIZE)};
    mine[0] = map(SIZE);
    mine[1] = map(OTHER_SIZE);
    unmap(cached[0]);
    unmap(cached[1]);
}

static void gives(void) {
    unmap(mine[0]);
}

/* One that the cache may have, one that it may have nearly, and one that only the kernel has. */
static void takes(void) {
    static const size_t sizes[] = {SIZE, NEAR_SIZE, FAR_SIZE};
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        hunt_check(map(sizes[i]) != NULL || hunt_faults() != 0,
                   "out of memory, but no call failed");
}

static void evicts(void) {
    hak_big_cache_set_bounds(4 << 20, HAK_BIG_CACHE_AGE_MAX_NS);
    unmap(mine[1]);
}

static void quiescent(void) {
    hak_big_cache_verify();
    large_quiescent();
    hak_big_cache_trim();
    hak_big_cache_verify();
    large_quiescent();
}

HUNT_SCENARIO(big_cache) = {.name = "big-cache",
                            .summary = "BigCache: resize, take and evict at once",
                            .fault_max = 1,
                            .setup = setup,
                            .body = {gives, takes, evicts},
                            .step_invariant = modules_step,
                            .quiescent_invariant = quiescent};
