/* SPDX-License-Identifier: MIT */
/* Store buffering (Dekker's handshake): each thread raises its flag and looks at the other's. With
 * relaxed orders both may see nothing, on x86 too; sequential consistency forbids it, by the
 * accesses themselves or by fences between them. */
#include "hunt.h"

#include <stdatomic.h>

static atomic_int flag[2];
static int saw[2];

static void knock(memory_order store, memory_order load) {
    unsigned self = hunt_self();
    atomic_store_explicit(&flag[self], 1, store);
    saw[self] = atomic_load_explicit(&flag[1 - self], load);
}

static void knock_relaxed(void) {
    knock(memory_order_relaxed, memory_order_relaxed);
}

static void knock_release_acquire(void) {
    knock(memory_order_release, memory_order_acquire);
}

static void knock_seq_cst(void) {
    knock(memory_order_seq_cst, memory_order_seq_cst);
}

static void knock_fenced(void) {
    unsigned self = hunt_self();
    atomic_store_explicit(&flag[self], 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
    saw[self] = atomic_load_explicit(&flag[1 - self], memory_order_relaxed);
}

static void one_saw_the_other(void) {
    hunt_check(saw[0] != 0 || saw[1] != 0, "neither thread saw the other's flag");
}

HUNT_SCENARIO(store_buffering) = {.name = "store-buffering",
                                  .summary = "Dekker's handshake with relaxed orders",
                                  .flags = HUNT_PLANTED,
                                  .body = {knock_relaxed, knock_relaxed},
                                  .quiescent_invariant = one_saw_the_other};

HUNT_SCENARIO(store_buffering_acquire) = {
    .name = "store-buffering-acquire",
    .summary = "Dekker's handshake with release and acquire: not enough",
    .flags = HUNT_PLANTED,
    .body = {knock_release_acquire, knock_release_acquire},
    .quiescent_invariant = one_saw_the_other};

HUNT_SCENARIO(store_buffering_seq_cst) = {.name = "store-buffering-seq-cst",
                                          .summary = "Dekker's handshake, sequentially consistent",
                                          .body = {knock_seq_cst, knock_seq_cst},
                                          .quiescent_invariant = one_saw_the_other};

HUNT_SCENARIO(store_buffering_fenced) = {.name = "store-buffering-fenced",
                                         .summary = "Dekker's handshake with fences",
                                         .body = {knock_fenced, knock_fenced},
                                         .quiescent_invariant = one_saw_the_other};
