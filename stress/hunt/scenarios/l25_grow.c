/* SPDX-License-Identifier: MIT */
/* L2.5: the shards double while runs of one to three granules are allocated and freed. The build
 * lets one contended acquisition be enough (CMakeLists.txt). */
#include "support.h"

#include "l25/l25.h"

static void *take(unsigned granules, unsigned aligned_granules, uint32_t seed) {
    bool is_zero;
    size_t size = granules * HAK_GRANULE_SIZE_BYTES - HAK_OS_PAGE_SIZE_BYTES; /* is rounded up */
    size_t alignment = aligned_granules * HAK_GRANULE_SIZE_BYTES;
    void *run = hak_l25_alloc(size, alignment, seed, &is_zero);
    hunt_check(run != NULL || hunt_faults() != 0, "out of memory, but no call failed");
    return got_large(run, size, alignment, is_zero);
}

static void give(void *run) {
    if (run == NULL)
        return;
    held_remove(run);
    hak_l25_free(run);
}

/* The first granule has been somebody's. */
static void setup(void) {
    hak_heap_start();
    give(take(1, 1, 0));
}

static void first_shard(void) {
    give(take(3, 1, 0));
}

/* Before and after the growth that its first call may cause. */
static void second_shard(void) {
    void *run = take(1, 1, 1);
    void *aligned = take(2, 2, 1);
    give(run);
    give(aligned);
}

static void quiescent(void) {
    hak_l25_verify();
    large_quiescent();
    hunt_check(held_count(HELD_RUN) == 0);
}

HUNT_SCENARIO(l25_grow) = {.name = "l25-grow",
                           .summary = "L2.5: shards double against alloc and free",
                           .fault_max = 1,
                           .setup = setup,
                           .body = {first_shard, second_shard},
                           .step_invariant = modules_step,
                           .quiescent_invariant = quiescent};
