/* SPDX-License-Identifier: MIT */
/* A slab that remote frees empty is released by its owner, and its granule and bitmaps are used for
 * another class: whoever freed last must not touch it any more. */
#include "support.h"

static struct hak_chain chain;
static void *blocks[SMALL_COUNT];

enum { OTHER_SIZE = 7168, OTHER_CLASS = SMALL_CLASS - 1 };

/* Two blocks of the first slab are left, and a second slab of the class has room. */
static void setup(void) {
    void *spare;
    chain_setup(&chain, blocks);
    hunt_check(hak_chain_take_owned(&chain, SMALL_CLASS, &spare, 1) == 1);
    hak_chain_give_owned(&chain, SMALL_KIND, &spare, 1);
    for (unsigned i = 2; i < SMALL_COUNT; i++)
        held_remove(blocks[i]);
    hak_chain_give_owned(&chain, SMALL_KIND, blocks + 2, SMALL_COUNT - 2);
}

static void owner(void) {
    void *block;
    hak_chain_collect_owned(&chain);
    chain_left(&chain);
    if (hak_chain_take_owned(&chain, OTHER_CLASS, &block, 1) == 1)
        held_remove(got(block, OTHER_SIZE));
    chain_left(&chain);
    hak_chain_give_owned(&chain, (enum hak_kind)(OTHER_CLASS + HAK_KIND_CLASS_FIRST), &block, 1);
    chain_left(&chain);
    hak_chain_collect_owned(&chain);
    chain_left(&chain);
}

static void free_first(void) {
    free_remotely(blocks[0]);
}

static void free_second(void) {
    free_remotely(blocks[1]);
}

static void step(void) {
    chain_step(&chain);
}

static void quiescent(void) {
    chain_quiescent(&chain);
}

HUNT_SCENARIO(release_slab) = {.name = "release-slab",
                               .summary = "release of a slab against the last remote frees",
                               .setup = setup,
                               .body = {owner, free_first, free_second},
                               .step_invariant = step,
                               .quiescent_invariant = quiescent};
