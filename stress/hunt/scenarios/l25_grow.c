/* SPDX-License-Identifier: MIT */
/* L2.5: the shards double while runs are allocated and freed. The build lets one contended
 * acquisition be enough (CMakeLists.txt). */
#include "support.h"

#include "l25/l25.h"

enum { RUN_SIZE = 65536 };

static void setup(void) {
    bool is_zero;
    hak_heap_start();
    hak_l25_free(hak_l25_alloc(RUN_SIZE, 1, 0, &is_zero));
}

static void alloc_and_free(uint32_t seed) {
    bool is_zero;
    void *run = got(hak_l25_alloc(RUN_SIZE, 1, seed, &is_zero));
    hunt_check(run != NULL ? hak_l25_size_bytes(run) == RUN_SIZE : hunt_faults() != 0);
    if (run == NULL)
        return;
    giving(run);
    hak_l25_free(run);
}

static void first_shard(void) {
    alloc_and_free(0);
}

/* Before and after the growth that its first call may cause. */
static void second_shard(void) {
    alloc_and_free(1);
    alloc_and_free(1);
}

static void quiescent(void) {
    struct hak_l25_counts counts;
    hak_l25_verify();
    hak_l25_count(&counts);
    hunt_check(counts.run_count == 0 && counts.live_bytes == 0, "%u runs left", counts.run_count);
}

HUNT_SCENARIO(l25_grow) = {.name = "l25-grow",
                           .summary = "L2.5: shards double against alloc and free",
                           .fault_max = 1,
                           .setup = setup,
                           .body = {first_shard, second_shard},
                           .quiescent_invariant = quiescent};
