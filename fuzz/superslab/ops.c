/* SPDX-License-Identifier: MIT */
/* The operations of fuzz_superslab; see ops.h. */
#include "ops.h"

#include <string.h>

#include "harness/arena.h"
#include "harness/checked.h"
#include "harness/fault.h"
#include "harness/run.h"
#include "harness/target.h"
#include "heap/heap_start.h"
#include "model.h"
#include "superslab/chain.h"
#include "superslab/pool.h"

enum { HELD_MAX = 8192, TAKE_MAX = 2048, TAGGED_MAX = 16, CEILING = 32 };
enum { EXIT_LIMIT = 192 }; /* granules that a heap may keep for the next thread */
enum { EXPANSIONS = 4, BLOCKS = 128, BLOCKS_FEW = 16 }; /* rations: may_expand(), ration_of() */

static struct hak_chain chains[SUPERSLAB_CHAIN_COUNT];
static void *held[MODEL_CLASS_COUNT][HELD_MAX];
static uint32_t held_count[MODEL_CLASS_COUNT];
static uint64_t now_ns;
static size_t expansion_count, blocks_left;

/* --- Contents: a word in some blocks, so that memory shared or purged shows ------ */

static void tag(void *block) {
    uint64_t word = (uint64_t)(uintptr_t)block * 31;
    memcpy(block, &word, sizeof word);
    hak_fuzz_arena_wrote(block, sizeof word);
}

static void compare_tag(const void *block) {
    uint64_t word, expected = (uint64_t)(uintptr_t)block * 31;
    memcpy(&word, block, sizeof word);
    if (word != expected) {
        hak_fuzz_fail("contents: held block %p lost its word: 0x%llx", block,
                      (unsigned long long)word);
    }
}

/* Only the first blocks of a slab's first granule are touched: a page a slab. */
static bool is_tagged(const void *block) {
    return (uintptr_t)block % 65536 < 4096;
}

/* --- Taking ---------------------------------------------------------------------- */

static bool is_one_slab(void *const *blocks, uint32_t count) {
    return model_slab_at(blocks[0]) == model_slab_at(blocks[count - 1]);
}

/* Blocks collected meanwhile come after those that were there. */
static void take_in(size_t chain, uint32_t c, void *const *blocks, uint32_t count,
                    bool was_collected) {
    for (uint32_t i = 0; i < count; i++) {
        model_take(blocks[i], c, &chains[chain]);
        held[c][held_count[c]++] = blocks[i];
        if (is_tagged(blocks[i])) {
            tag(blocks[i]);
        }
    }
    if (!was_collected && is_one_slab(blocks, count) && blocks[0] < blocks[count - 1]) {
        hak_fuzz_fail("take: popping from the end of %u blocks gives falling addresses", count);
    }
    hak_fuzz_tally(OUTCOME_taken);
}

static uint32_t take_once(size_t chain, uint32_t c, uint32_t wanted) {
    void *blocks[TAKE_MAX];
    bool can_serve = model_can_serve(&chains[chain], c);
    bool has_pending = hak_load_relaxed(&chains[chain].pending) != NULL;
    uint64_t hits = hak_fuzz_fault_hits();
    uint32_t got = hak_chain_take_owned(&chains[chain], c, blocks, wanted);
    if (got > wanted) {
        hak_fuzz_fail("take: %u blocks of %u wanted", got, wanted);
    }
    if (got > 0 && !can_serve && !has_pending) { /* what is collected may empty slabs */
        hak_fuzz_fail("take: %u blocks of class %u from a chain that has none", got, c);
    }
    /* What is collected may also empty a SuperSlab, which then is the pool's. */
    if (got == 0 && can_serve && wanted > 0 && hits == hak_fuzz_fault_hits() &&
        model_can_serve(&chains[chain], c)) {
        hak_fuzz_fail("take: no block of class %u from a chain that has some", c);
    }
    if (got > 0) {
        take_in(chain, c, blocks, got, has_pending);
    }
    return got;
}

/* Whether the model has room for another SuperSlab, and, while fuzzing, the input for
 * another expansion: many of them are for whole inputs (harness/run.h). */
static bool may_expand(void) {
    return model_superslab_count() < MODEL_SUPERSLAB_MAX - 8 &&
           (expansion_count < EXPANSIONS || hak_fuzz_is_whole());
}

static bool expand_once(size_t chain, uint32_t c) {
    expansion_count++;
    uint64_t hits = hak_fuzz_fault_hits();
    uint32_t pool_before = hak_pool_count(), count_before = chains[chain].superslab_count;
    struct hak_superslab *superslab = hak_chain_expand_owned(&chains[chain], c);
    if (superslab == NULL) {
        if (hits == hak_fuzz_fault_hits()) {
            hak_fuzz_fail("expand: no SuperSlab beyond %u, and no fault was injected",
                          count_before);
        }
        hak_fuzz_tally(OUTCOME_fault_survived);
        return false;
    }
    uint32_t first_slab = (1U << model_granules(c)) - 1;
    if (superslab->bitmap != first_slab) {
        hak_fuzz_fail("expand: bitmap 0x%08x, not 0x%08x", superslab->bitmap, first_slab);
    }
    if (chains[chain].superslab_count != count_before + 1 || chains[chain].first != superslab) {
        hak_fuzz_fail("expand: the chain of %u has %u now", count_before,
                      chains[chain].superslab_count);
    }
    hak_fuzz_tally(hak_pool_count() < pool_before ? OUTCOME_from_pool : OUTCOME_expanded);
    if (count_before >= CEILING) {
        hak_fuzz_tally(OUTCOME_over_32);
    }
    return true;
}

/* How many blocks may be asked for: whole inputs have all, others so many and then few. */
static uint32_t ration_of(uint32_t wanted) {
    return (uint32_t)hak_fuzz_ration(&blocks_left, BLOCKS_FEW, wanted, wanted);
}

static void note_slabs(size_t chain) {
    uint32_t count = 0;
    for (const struct hak_slab *slab = chains[chain].listed[0]; slab != NULL; slab = slab->next) {
        count++;
    }
    if (count > CEILING || chains[chain].slab_count > CEILING) {
        hak_fuzz_tally(OUTCOME_over_32_slabs);
    }
}

void superslab_take(size_t chain, size_t class_index, size_t count) {
    uint32_t c = (uint32_t)class_index, room = HELD_MAX - held_count[c];
    uint32_t wanted = ration_of((uint32_t)count < room ? (uint32_t)count : room);
    if (take_once(chain, c, wanted) == 0 && wanted > 0 && may_expand() && expand_once(chain, c)) {
        uint64_t hits = hak_fuzz_fault_hits();
        if (take_once(chain, c, wanted) == 0 && hits == hak_fuzz_fault_hits()) {
            hak_fuzz_fail("take: nothing of class %u right after expansion", c);
        }
    }
    note_slabs(chain);
}

void superslab_expand(size_t chain, size_t class_index, size_t times) {
    for (size_t i = 0; i < times && may_expand(); i++) {
        if (!expand_once(chain, (uint32_t)class_index)) {
            return;
        }
    }
}

/* --- Giving ---------------------------------------------------------------------- */

static void *remove_held(uint32_t c, uint32_t at) {
    void *block = held[c][at];
    held[c][at] = held[c][--held_count[c]];
    return block;
}

static void purge_excess(struct hak_chain *chain) {
    hak_chain_purge_excess_owned(chain);
    if (chain->dirty_granule_count > chain->purge.dirty_limit) {
        hak_fuzz_fail("purge: %u free granules stay resident, the limit is %u",
                      chain->dirty_granule_count, chain->purge.dirty_limit);
    }
}

static void give(size_t chain, uint32_t c, void **blocks, uint32_t count) {
    struct hak_chain *giver = chain < SUPERSLAB_CHAIN_COUNT ? &chains[chain] : NULL;
    uint32_t remote_expected = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool is_remote = giver == NULL || model_superslab_at(blocks[i])->owner != giver;
        if (is_tagged(blocks[i])) {
            compare_tag(blocks[i]);
        }
        model_give(blocks[i], is_remote);
        remote_expected += is_remote;
    }
    uint32_t remote = hak_chain_give_owned(giver, (enum hak_kind)(c + 1), blocks, count);
    if (remote != remote_expected) {
        hak_fuzz_fail("give: %u of %u blocks were remote, not %u", remote, count, remote_expected);
    }
    if (giver != NULL) {
        purge_excess(giver); /* as every flush does */
    }
}

static void give_some(size_t chain, uint32_t c, uint32_t count, size_t order) {
    void *blocks[HELD_MAX];
    uint32_t given = 0;
    while (given < count && held_count[c] > 0) {
        uint32_t last = held_count[c] - 1;
        uint32_t scattered = (uint32_t)((given * 7919U + order) % held_count[c]);
        blocks[given++] = remove_held(c, order == 0 ? 0 : order == 1 ? last : scattered);
    }
    if (given > 0) {
        give(chain, c, blocks, given);
    }
}

void superslab_give(size_t chain, size_t class_index, size_t order_and_count) {
    give_some(chain, (uint32_t)class_index, (uint32_t)(order_and_count / 4), order_and_count % 4);
}

void superslab_give_all(size_t chain, size_t class_index) {
    give_some(chain, (uint32_t)class_index, HELD_MAX, 1);
}

/* --- Upkeep ------------------------------------------------------------------------ */

void superslab_collect(size_t chain) {
    uint32_t expected = model_remote_count(&chains[chain]);
    uint32_t collected = hak_chain_collect_owned(&chains[chain]);
    if (collected != expected) {
        hak_fuzz_fail("collect: %u blocks, not %u", collected, expected);
    }
}

/* After a trim no slab is empty, no SuperSlab is, and with `purge` none has
 * resident granules free. */
void superslab_trim(size_t chain, size_t purge) {
    hak_chain_trim_owned(&chains[chain], purge != 0);
    for (const struct hak_superslab *s = chains[chain].first; s != NULL; s = s->next) {
        if (s->bitmap == 0 || (purge != 0 && s->dirty != 0)) {
            hak_fuzz_fail("trim: the SuperSlab at %p stays with bitmap 0x%08x, dirty 0x%08x",
                          (void *)s->base, s->bitmap, s->dirty);
        }
    }
    if (model_remote_count(&chains[chain]) != 0) {
        hak_fuzz_fail("trim: %u blocks are still on their way back",
                      model_remote_count(&chains[chain]));
    }
}

void superslab_tick(size_t chain, size_t ns) {
    now_ns += ns;
    hak_chain_tick_owned(&chains[chain], now_ns);
}

void superslab_exit(size_t chain) {
    struct hak_purge_policy *purge = &chains[chain].purge;
    uint32_t before = purge->dirty_limit;
    hak_purge_policy_note_exit(purge, now_ns);
    if (purge->dirty_limit != (before > EXIT_LIMIT ? before : EXIT_LIMIT)) {
        hak_fuzz_fail("exit: a limit of %u granules became %u", before, purge->dirty_limit);
    }
    purge_excess(&chains[chain]);
}

void superslab_pool_trim(void) {
    uint32_t before = hak_pool_count(), trimmed = hak_pool_trim();
    if (trimmed != before || hak_pool_count() != 0) {
        hak_fuzz_fail("pool: %u of %u SuperSlabs given back, %u left", trimmed, before,
                      hak_pool_count());
    }
}

void superslab_busy_tick(size_t ns) {
    uint32_t before = hak_pool_count();
    now_ns += ns;
    hak_fuzz_fault_trylock(1);
    hak_pool_tick(now_ns);
    hak_fuzz_fault_trylock(0);
    if (hak_pool_count() != before) {
        hak_fuzz_fail("pool: a tick without the lock left %u SuperSlabs of %u", hak_pool_count(),
                      before);
    }
}

void superslab_fork(size_t child) {
    uint32_t before = hak_pool_count();
    hak_pool_lock();
    (child != 0 ? hak_pool_reset_in_child : hak_pool_unlock)();
    if (hak_pool_count() != before) { /* hangs when the lock is still taken */
        hak_fuzz_fail("pool: %u SuperSlabs after fork, not %u", hak_pool_count(), before);
    }
}

void superslab_fault(size_t nth, size_t count) {
    static uint64_t hits_seen;
    hak_fuzz_fault_mmap_after(nth, count);
    for (; hits_seen < hak_fuzz_fault_hits(); hits_seen++) {
        hak_fuzz_tally(OUTCOME_fault_hit);
    }
}

/* --- Begin and end ------------------------------------------------------------------- */

void superslab_begin(void) {
    hak_heap_start();
    hak_fuzz_fault_meta(true);
    model_reset();
    memset(held_count, 0, sizeof held_count);
    expansion_count = 0;
    blocks_left = BLOCKS;
    now_ns += UINT64_C(3600) * 1000000000; /* the pool's ticks must not depend on inputs before */
    for (size_t i = 0; i < SUPERSLAB_CHAIN_COUNT; i++) {
        hak_chain_init(&chains[i]);
    }
}

void superslab_verify_all(void) {
    model_compare_all();
    for (size_t i = 0; i < SUPERSLAB_CHAIN_COUNT; i++) {
        size_t bytes = hak_chain_live_bytes_owned(&chains[i]);
        if (bytes != model_live_bytes(&chains[i])) {
            hak_fuzz_fail("chain %zu counts %zu bytes out, not %zu", i, bytes,
                          model_live_bytes(&chains[i]));
        }
        HAK_FUZZ_CHECKED(hak_chain_verify_quiescent(&chains[i]));
    }
    HAK_FUZZ_CHECKED(hak_pool_verify());
}

void superslab_end(void) {
    superslab_fault(0, 0);
    superslab_verify_all();
    for (size_t c = 0; c < MODEL_CLASS_COUNT; c++) {
        superslab_give_all(c % (SUPERSLAB_CHAIN_COUNT + 1), c);
    }
    for (size_t i = 0; i < SUPERSLAB_CHAIN_COUNT; i++) {
        superslab_trim(i, 0);
        if (chains[i].superslab_count != 0 || chains[i].slab_count != 0) {
            hak_fuzz_fail("end: chain %zu keeps %u SuperSlabs and %u slabs of nothing", i,
                          chains[i].superslab_count, chains[i].slab_count);
        }
    }
    superslab_pool_trim(); /* an input is to find the same pool wherever it runs */
    hak_fuzz_fault_meta(false);
}
