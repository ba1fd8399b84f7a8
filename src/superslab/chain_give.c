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

/* Where a run of blocks goes that are given back one after the other. Blocks
 * come mostly as they were handed out, neighbours after neighbours, so the slab
 * is looked up once for many, and remote bits of one word go out as one OR. */
struct giver {
    struct hak_chain *chain;          /* the owner whose blocks are local, or NULL */
    enum hak_kind kind;
    struct hak_slab *slab;            /* of the last block, or NULL */
    uint64_t bits;                    /* remote bits of `word` not yet ORed */
    uint32_t word;
    struct tally tally;
};

static void fail_double_free(const struct hak_slab *slab, uint32_t index) {
    hak_misuse(HAK_MISUSE_DOUBLE_FREE, slab->start + (size_t)index * slab->stride_bytes,
               slab->stride_bytes, "flush");
}

/* ORs the bits gathered so far, then lets the tally count them. */
static void send_bits(struct giver *giver) {
    if (giver->bits != 0) {
        uint64_t twice = hak_slab_give_remote(giver->slab, giver->word, giver->bits);
        if (hak_unlikely(twice != 0)) {
            fail_double_free(giver->slab, giver->word * 64 + hak_bit_lowest64(twice));
        }
        tally_add(&giver->tally, giver->slab, hak_bit_count64(giver->bits));
        giver->bits = 0;
    }
}

static void enter_slab(struct giver *giver, void *block) {
    send_bits(giver);
    giver->slab = find_slab(giver->kind, block);
}

static inline void give_local(struct giver *giver, uint32_t index) {
    struct hak_slab *slab = giver->slab;
    if (hak_unlikely(!hak_slab_give_owned(slab, index))) {
        fail_double_free(slab, index);
    }
    if (hak_unlikely(!slab->is_listed || slab->live_count == 0)) {
        hak_chain_note_given(giver->chain, slab);
        giver->slab = NULL; /* it may be gone */
    }
}

static inline void give_remote(struct giver *giver, uint32_t index) {
    uint64_t bit = (uint64_t)1 << (index % 64);
    if (index / 64 != giver->word) {
        send_bits(giver);
        giver->word = index / 64;
    }
    if (hak_unlikely((giver->bits & bit) != 0)) {
        fail_double_free(giver->slab, index);
    }
    giver->bits |= bit;
}

uint32_t hak_chain_give_owned(struct hak_chain *chain, enum hak_kind kind, void *const *blocks,
                              uint32_t count) {
    struct giver giver = {.chain = chain, .kind = kind};
    uint32_t remote_total = 0;
    for (uint32_t i = 0; i < count; i++) {
        void *block = blocks[i];
        if (giver.slab == NULL || !hak_slab_contains(giver.slab, block)) {
            enter_slab(&giver, block);
        }
        uint32_t index = hak_slab_index_of(giver.slab, block);
        if (hak_unlikely(index == giver.slab->block_count)) {
            hak_misuse(HAK_MISUSE_INTERIOR_POINTER, block, giver.slab->stride_bytes, "flush");
        }
        if (giver.slab->chain == chain) {
            give_local(&giver, index);
        } else {
            give_remote(&giver, index);
            remote_total++;
        }
    }
    send_bits(&giver);
    tally_announce(&giver.tally);
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
