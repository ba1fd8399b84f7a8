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
    return hak_mapping_alloc(size_bytes, 1, &is_zero);
}

/* Two mappings cached, which is what two buckets may hold; two more to give. */
static void setup(void) {
    hak_heap_start();
    void *cached[] = {map(SIZE), map(OTHER_SIZE)};
    mine[0] = map(SIZE);
    mine[1] = map(OTHER_SIZE);
    hak_mapping_free(cached[0]);
    hak_mapping_free(cached[1]);
    held_add(mine[0]);
    held_add(mine[1]);
}

static void gives(void) {
    giving(mine[0]);
    hak_mapping_free(mine[0]);
}

/* One that the cache may have, one that it may have nearly, and one that only the kernel has. */
static void takes(void) {
    static const size_t sizes[] = {SIZE, NEAR_SIZE, FAR_SIZE};
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        void *block = got(map(sizes[i]));
        hunt_check(block != NULL ? hak_mapping_size_bytes(block) >= sizes[i] : hunt_faults() != 0);
    }
}

static void evicts(void) {
    giving(mine[1]);
    hak_big_cache_set_bounds(4 << 20, HAK_BIG_CACHE_AGE_MAX_NS);
    hak_mapping_free(mine[1]);
}

static void quiescent(void) {
    struct hak_mapping_counts counts;
    hak_big_cache_verify();
    hak_mapping_count(&counts);
    hunt_check(counts.live_count == held_count(), "%zu live", (size_t)counts.live_count);
    hak_big_cache_trim();
    hak_big_cache_verify();
}

HUNT_SCENARIO(big_cache) = {.name = "big-cache",
                            .summary = "BigCache: resize, take and evict at once",
                            .fault_max = 1,
                            .setup = setup,
                            .body = {gives, takes, evicts},
                            .quiescent_invariant = quiescent};
