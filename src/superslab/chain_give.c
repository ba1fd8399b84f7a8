/* SPDX-License-Identifier: MIT */
/* Chain: blocks coming back, from the owner and from other threads. Layer 3. */
#include "superslab/chain.h"

#include "base/check.h"
#include "base/event_ring.h"
#include "base/panic.h"
#include "base/pause.h"
#include "region/region_map.h"
#include "superslab/chain_lists.h"

/* Remote frees whose bits are set and that wait to be announced, by slab: one
 * addition a slab instead of one a word. Direct mapped. A slab's bits are always
 * ORed before they are tallied, so no count is announced before its bits. */
enum { TALLY_LENGTH = 16 };

/* Every field: owner. */
struct tally {
    struct hak_slab *slabs[TALLY_LENGTH];
    uint32_t counts[TALLY_LENGTH];
};

static void tally_add(struct tally *tally, struct hak_slab *slab, uint32_t count) {
    uint32_t at = (uint32_t)((uintptr_t)slab / sizeof *slab) % TALLY_LENGTH;
    if (tally->slabs[at] != slab) {
        if (tally->slabs[at] != NULL) {
            hak_slab_announce_remote(tally->slabs[at], tally->counts[at]);
        }
        tally->slabs[at] = slab;
        tally->counts[at] = 0;
    }
    tally->counts[at] += count;
}

static void tally_announce(struct tally *tally) {
    for (uint32_t i = 0; i < TALLY_LENGTH; i++) {
        if (tally->slabs[i] != NULL) {
            hak_slab_announce_remote(tally->slabs[i], tally->counts[i]);
        }
    }
}

/* The slab that a block of `kind` lies in; ends the program when none does. */
static HAK_NOINLINE struct hak_slab *find_slab(enum hak_kind kind, void *block) {
    struct hak_superslab *superslab = hak_region_owner(block);
    if (hak_unlikely(hak_region_kind(block) != kind || superslab == NULL)) {
        hak_misuse(HAK_MISUSE_DOUBLE_FREE, block, 0, "flush"); /* its slab is gone: all were free */
    }
    return hak_superslab_slab_of(superslab, block);
}

static void fail_double_free(const struct hak_slab *slab, uint32_t index) {
    hak_misuse(HAK_MISUSE_DOUBLE_FREE, slab->start + (size_t)index * slab->stride_bytes,
               slab->stride_bytes, "flush");
}

/* Blocks of one word of a slab, on their way into it. Every field: owner. */
struct group {
    struct hak_slab *slab;
    uint64_t bits;
    uint32_t word, count;
};

static inline uint32_t index_of(const struct hak_slab *slab, const void *block) {
    uint32_t index = hak_slab_index_of(slab, block);
    if (hak_unlikely(index == slab->block_count)) {
        hak_misuse(HAK_MISUSE_INTERIOR_POINTER, block, slab->stride_bytes, "flush");
    }
    return index;
}

/* The first of `blocks` and those after it that share its word: blocks come
 * mostly as they were handed out, neighbours after neighbours. */
static inline struct group gather(struct hak_slab *slab, void *const *blocks, uint32_t count) {
    uint32_t index = index_of(slab, blocks[0]), word = index / 64, n = 0;
    uint64_t bits = 0;
    do {
        uint64_t bit = (uint64_t)1 << (index % 64);
        if (hak_unlikely((bits & bit) != 0)) {
            fail_double_free(slab, index);
        }
        bits |= bit;
        if (++n == count || !hak_slab_contains(slab, blocks[n])) {
            break;
        }
        index = index_of(slab, blocks[n]);
    } while (index / 64 == word);
    return (struct group){.slab = slab, .bits = bits, .word = word, .count = n};
}

static void fail_if_twice(const struct group *group, uint64_t twice) {
    if (hak_unlikely(twice != 0)) {
        fail_double_free(group->slab, group->word * 64 + hak_bit_lowest64(twice));
    }
}

/* False when the slab may be gone afterwards. */
static inline bool give_local(struct hak_chain *chain, const struct group *group) {
    struct hak_slab *slab = group->slab;
    fail_if_twice(group, hak_slab_give_owned(slab, group->word, group->bits, group->count));
    /* Not more than were out. (More than block_count may be: early bits, slab.h S2.) */
    hak_assert(slab->live_count + group->count >= group->count, SLAB_CONSERVATION,
               slab->live_count, group->count);
    if (hak_unlikely(!slab->is_listed || slab->live_count == 0)) {
        hak_chain_note_given(chain, slab);
        return false;
    }
    return true;
}

static inline void give_remote(struct tally *tally, const struct group *group) {
    fail_if_twice(group, hak_slab_give_remote(group->slab, group->word, group->bits));
    tally_add(tally, group->slab, group->count);
}

uint32_t hak_chain_give_owned(struct hak_chain *chain, enum hak_kind kind, void *const *blocks,
                              uint32_t count) {
    struct tally tally = {0};
    struct hak_slab *slab = NULL;
    uint32_t remote_total = 0;
    for (uint32_t i = 0; i < count;) {
        if (slab == NULL || !hak_slab_contains(slab, blocks[i])) {
            slab = find_slab(kind, blocks[i]);
        }
        struct group group = gather(slab, blocks + i, count - i);
        if (slab->chain != chain) {
            give_remote(&tally, &group);
            remote_total += group.count;
        } else if (!give_local(chain, &group)) {
            slab = NULL;
        }
        i += group.count;
    }
    tally_announce(&tally);
    if (chain != NULL) {
        hak_assert_valid(chain, chain);
    }
    return remote_total;
}

void hak_chain_push_pending(struct hak_chain *chain, struct hak_slab *slab) {
    hak_pause_point(REMOTE_COUNTED);
    struct hak_slab *head = hak_load_relaxed(&chain->pending);
    do {
        slab->pending_next = head;
        /* P1: release publishes pending_next to P2. Nobody pops single slabs, so
         * a head that was popped and pushed again meanwhile is as good. */
    } while (!hak_cas_weak_release(&chain->pending, &head, slab));
}

uint32_t hak_chain_collect_owned(struct hak_chain *chain) {
    uint32_t credited = 0;
    if (hak_load_relaxed(&chain->pending) == NULL) { /* a look: nothing to order yet */
        return 0;
    }
    /* P2: acquire pairs with P1 of every slab on the stack. */
    struct hak_slab *slab = hak_exchange_acquire(&chain->pending, (struct hak_slab *)NULL);
    hak_pause_point(PENDING_TAKEN);
    while (slab != NULL) {
        /* Read first: once collected, the slab may be pushed again. */
        struct hak_slab *next = slab->pending_next;
        hak_assert(slab->chain == chain, PENDING_OWNER, (uintptr_t)slab->chain, (uintptr_t)chain);
        credited += hak_slab_collect_owned(slab);
        hak_chain_note_given(chain, slab);
        slab = next;
    }
    hak_event("collect", chain, credited);
    return credited;
}
