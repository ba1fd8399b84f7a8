/* SPDX-License-Identifier: MIT */
/* Chain: blocks coming back, from the owner and from other threads. Layer 3. */
#include "superslab/chain.h"

#include "base/check.h"
#include "base/event_ring.h"
#include "base/panic.h"
#include "region/region_map.h"
#include "superslab/chain_lists.h"

/* How many slabs' remote frees are counted before they are announced. */
enum { TALLY_LENGTH = 16, GIVE_CHUNK = 64 };

/* Remote frees whose bits are set and that wait to be announced, by slab: one
 * addition a slab instead of one a block. Direct mapped. */
struct tally {
    struct hak_slab *slabs[TALLY_LENGTH];
    uint32_t counts[TALLY_LENGTH];
};

static void tally_add(struct tally *tally, struct hak_slab *slab) {
    uint32_t at = (uint32_t)((uintptr_t)slab / sizeof *slab) % TALLY_LENGTH;
    if (tally->slabs[at] != slab) {
        if (tally->slabs[at] != NULL) {
            hak_slab_announce_remote(tally->slabs[at], tally->counts[at]);
        }
        tally->slabs[at] = slab;
        tally->counts[at] = 0;
    }
    tally->counts[at]++;
}

static void tally_announce(struct tally *tally) {
    for (uint32_t i = 0; i < TALLY_LENGTH; i++) {
        if (tally->slabs[i] != NULL) {
            hak_slab_announce_remote(tally->slabs[i], tally->counts[i]);
        }
    }
}

/* The slab and index of a block that is to be of `kind`; ends the program when
 * no such block starts there. */
static inline struct hak_slab *locate(enum hak_kind kind, void *block, uint32_t *index_out) {
    struct hak_superslab *superslab = hak_region_owner(block);
    if (hak_unlikely(hak_region_kind(block) != kind || superslab == NULL)) {
        hak_misuse(HAK_MISUSE_DOUBLE_FREE, block, 0, "flush"); /* its slab is gone: all were free */
    }
    struct hak_slab *slab = hak_superslab_slab_of(superslab, block);
    *index_out = hak_slab_index_of(slab, block);
    if (hak_unlikely(*index_out == slab->block_count)) {
        hak_misuse(HAK_MISUSE_INTERIOR_POINTER, block, slab->stride_bytes, "flush");
    }
    return slab;
}

static inline void give_local(struct hak_chain *chain, struct hak_slab *slab, uint32_t index,
                              void *block) {
    if (hak_unlikely(!hak_slab_give_owned(slab, index))) {
        hak_misuse(HAK_MISUSE_DOUBLE_FREE, block, slab->stride_bytes, "flush");
    }
    if (hak_unlikely(!slab->is_listed || slab->live_count == 0)) {
        hak_chain_note_given(chain, slab);
    }
}

uint32_t hak_chain_give_owned(struct hak_chain *chain, enum hak_kind kind, void *const *blocks,
                              uint32_t count) {
    struct hak_slab *remote[GIVE_CHUNK];
    uint32_t remote_total = 0;
    for (uint32_t done = 0; done < count;) {
        uint32_t chunk = count - done < GIVE_CHUNK ? count - done : GIVE_CHUNK;
        uint32_t remote_count = 0;
        for (uint32_t i = done; i < done + chunk; i++) {
            uint32_t index;
            struct hak_slab *slab = locate(kind, blocks[i], &index);
            if (slab->chain == chain) {
                give_local(chain, slab, index, blocks[i]);
            } else if (hak_likely(hak_slab_give_remote(slab, index))) {
                remote[remote_count++] = slab;
            } else {
                hak_misuse(HAK_MISUSE_DOUBLE_FREE, blocks[i], slab->stride_bytes, "flush");
            }
        }
        done += chunk;
        remote_total += remote_count;
        if (remote_count > 0) { /* all bits are set: now the counts */
            struct tally tally = {0};
            for (uint32_t i = 0; i < remote_count; i++) {
                tally_add(&tally, remote[i]);
            }
            tally_announce(&tally);
        }
    }
    return remote_total;
}

void hak_chain_push_pending(struct hak_chain *chain, struct hak_slab *slab) {
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
