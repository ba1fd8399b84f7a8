/* SPDX-License-Identifier: MIT */
/* Flush against collect: batches over two slabs, announced once a slab, while the owner drains. */
#include "support.h"

static struct hak_chain chain;
static void *blocks[2 * SMALL_COUNT];

static void setup(void) {
    chain_setup(&chain, blocks);
    hunt_check(hak_chain_take_owned(&chain, SMALL_CLASS, blocks + SMALL_COUNT, SMALL_COUNT) ==
               SMALL_COUNT);
    for (unsigned i = SMALL_COUNT; i < 2 * SMALL_COUNT; i++)
        held_add(blocks[i], SMALL_SIZE, ALIGNMENT);
}

static void flush(unsigned first) {
    void *batch[] = {blocks[first], blocks[first + 1], blocks[SMALL_COUNT + first]};
    for (unsigned i = 0; i < 3; i++)
        held_remove(batch[i]);
    hunt_check(hak_chain_give_owned(NULL, SMALL_KIND, batch, 3) == 3);
}

static void flush_first(void) {
    flush(0);
}

static void flush_second(void) {
    flush(2);
}

static void owner(void) {
    uint32_t credited = hak_chain_collect_owned(&chain);
    chain_left(&chain);
    credited += hak_chain_collect_owned(&chain);
    chain_left(&chain);
    hunt_check(credited <= 6, "%u credited", credited);
}

static void step(void) {
    chain_step(&chain);
    hak_slab_verify(&chain.first->slabs[0]);
    hak_slab_verify(&chain.first->slabs[1]);
}

static void quiescent(void) {
    chain_quiescent(&chain);
    hunt_check(held_count(HELD_IN_SLAB) == 2 * SMALL_COUNT - 6);
}

HUNT_SCENARIO(flush_collect) = {.name = "flush-collect",
                                .summary = "flush of batches against the owner's collection",
                                .setup = setup,
                                .body = {owner, flush_first, flush_second},
                                .step_invariant = step,
                                .quiescent_invariant = quiescent};
