/* SPDX-License-Identifier: MIT */
/* Remote free against refill: two threads free blocks of a slab that its owner takes from. */
#include "support.h"

static struct hak_chain chain;
static void *blocks[SMALL_COUNT];

static void setup(void) {
    chain_setup(&chain, blocks);
}

static void owner(void) {
    void *block;
    for (int i = 0; i < 2; i++) {
        if (hak_chain_take_owned(&chain, SMALL_CLASS, &block, 1) == 1)
            got(block, SMALL_SIZE);
        chain_left(&chain);
    }
}

static void free_first(void) {
    free_remotely(blocks[0]);
}

static void free_second(void) {
    free_remotely(blocks[1]);
}

static void step(void) {
    chain_step(&chain);
    hak_slab_verify(&chain.first->slabs[0]);
}

static void quiescent(void) {
    chain_quiescent(&chain);
}

HUNT_SCENARIO(remote_refill) = {.name = "remote-refill",
                                .summary = "remote free against refill",
                                .setup = setup,
                                .body = {owner, free_first, free_second},
                                .step_invariant = step,
                                .quiescent_invariant = quiescent};
