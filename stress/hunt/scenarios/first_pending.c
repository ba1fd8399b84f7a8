/* SPDX-License-Identifier: MIT */
/* The first remote free of a slab, which pushes it, against the owner's take of the pending stack:
 * nothing may be lost between "somebody pushed it" and "the owner took it". */
#include "support.h"

static struct hak_chain chain;
static void *blocks[SMALL_COUNT];
static struct hak_slab *slab;

static void setup(void) {
    chain_setup(&chain, blocks);
    slab = &chain.first->slabs[0];
}

static void owner(void) {
    hak_chain_collect_owned(&chain);
    chain_left(&chain);
    hak_chain_collect_owned(&chain);
    chain_left(&chain);
}

static void give(unsigned index) {
    held_remove(blocks[index]);
    uint64_t bit = (uint64_t)1 << hak_slab_index_of(slab, blocks[index]);
    hunt_check(hak_slab_give_remote(slab, 0, bit) == 0);
    hak_slab_announce_remote(slab, 1);
}

static void free_two(void) {
    give(0);
    give(1);
}

static void free_one(void) {
    give(2);
}

static bool is_pending(void) {
    for (struct hak_slab *s = hak_load_relaxed(&chain.pending); s != NULL; s = s->pending_next)
        if (s == slab)
            return true;
    return false;
}

static void step(void) {
    chain_step(&chain);
    hak_slab_verify(slab);
}

static void quiescent(void) {
    bool announced = hak_load_relaxed(&slab->remote_count) != 0;
    hunt_check(announced == is_pending(), "announced %d, pending %d", announced, is_pending());
    chain_quiescent(&chain);
    hunt_check(held_count(HELD_IN_SLAB) == SMALL_COUNT - 3);
}

HUNT_SCENARIO(first_pending) = {.name = "first-pending",
                                .summary = "first remote free against the owner's pending take",
                                .setup = setup,
                                .body = {owner, free_two, free_one},
                                .step_invariant = step,
                                .quiescent_invariant = quiescent};
