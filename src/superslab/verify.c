/* SPDX-License-Identifier: MIT */
/* The invariants of slabs, SuperSlabs and chains. Layer 3. Checked builds only.
 * Each function reports the first that is broken; none changes anything. */
#include "base/check.h"
#include "region/region_map.h"
#include "superslab/chain.h"

/* Relaxed: a word may change under us; every value it has must be in range. */
static uint64_t remote_word(const struct hak_slab *slab, uint32_t w) {
    return hak_load_relaxed(&slab->remote[w]);
}

/* Relaxed: what was announced so far; other threads may announce more at once. */
static uint32_t announced_count(const struct hak_slab *slab) {
    return hak_load_relaxed(&((struct hak_slab *)(uintptr_t)slab)->remote_count);
}

uint32_t hak_slab_free_count(const struct hak_slab *slab) {
    uint32_t count = 0;
    for (uint32_t w = 0; w < slab->word_count; w++) {
        count += hak_bit_count64(slab->local[w]);
    }
    return count;
}

void hak_slab_verify(const struct hak_slab *slab) {
    uint32_t last = slab->word_count - 1, used = slab->block_count % 64;
    uint64_t beyond = used == 0 ? 0 : ~(((uint64_t)1 << used) - 1);
    hak_verify((slab->local[last] & beyond) == 0, SLAB_BITS_IN_RANGE, slab->local[last], beyond);
    hak_verify((remote_word(slab, last) & beyond) == 0, SLAB_BITS_IN_RANGE,
               remote_word(slab, last), beyond);
    for (uint32_t w = 0; w < slab->first_word; w++) {
        hak_verify(slab->local[w] == 0, SLAB_HINT, slab->local[w], w, slab->first_word);
    }
    /* Early bits (slab.h, S2) may make the sum larger until their count is in. */
    uint32_t free_count = hak_slab_free_count(slab);
    hak_verify(free_count + slab->live_count >= slab->block_count, SLAB_CONSERVATION, free_count,
               slab->live_count, slab->block_count);
}

static void verify_slab_quiescent(const struct hak_slab *slab) {
    uint32_t free_count = hak_slab_free_count(slab), remote = 0;
    for (uint32_t w = 0; w < slab->word_count; w++) {
        hak_verify((slab->local[w] & remote_word(slab, w)) == 0, SLAB_ONE_PLACE, slab->local[w],
                   remote_word(slab, w), w);
        remote += hak_bit_count64(remote_word(slab, w));
    }
    uint32_t announced = announced_count(slab);
    hak_verify(remote <= announced, SLAB_REMOTE_COUNT, remote, announced);
    hak_verify(free_count + remote + slab->live_count == slab->block_count + announced,
               SLAB_CONSERVATION, free_count, remote, slab->live_count, announced);
}

/* The slabs' granules: must not overlap, and their union is returned. */
static uint32_t union_of_slabs(const struct hak_superslab *superslab, uint32_t *sum_out) {
    uint32_t all = 0;
    *sum_out = 0;
    for (uint32_t g = 0; g < HAK_GRANULES_PER_SUPERSLAB; g++) {
        const struct hak_slab *slab = &superslab->slabs[g];
        if (slab->kind == HAK_KIND_NONE) {
            continue;
        }
        uint32_t mask = hak_mask32(g, slab->granule_count);
        hak_verify((all & mask) == 0, SS_BITMAP_UNION, all, mask, g);
        all |= mask;
        *sum_out += slab->granule_count;
    }
    return all;
}

static void verify_region(const struct hak_superslab *superslab) {
    for (uint32_t g = 0; g < HAK_GRANULES_PER_SUPERSLAB; g++) {
        const struct hak_slab *slab = &superslab->slabs[superslab->slab_of[g]];
        bool used = (superslab->bitmap >> g & 1) != 0;
        uint32_t expected = used ? slab->kind : HAK_KIND_NONE;
        uint32_t found = hak_region_kind(superslab->base + ((size_t)g << HAK_GRANULE_SHIFT));
        hak_verify(found == expected, SS_REGION_AGREES, g, found, expected);
    }
}

void hak_superslab_verify(const struct hak_superslab *superslab) {
    uint32_t sum, all = union_of_slabs(superslab, &sum);
    hak_verify(superslab->bitmap == all, SS_BITMAP_UNION, superslab->bitmap, all);
    hak_verify(hak_bit_count32(superslab->bitmap) == sum, SS_GRANULE_COUNT, superslab->bitmap, sum);
    hak_verify((superslab->dirty & superslab->bitmap) == 0, SS_DIRTY_FREE, superslab->dirty,
               superslab->bitmap);
    hak_verify((superslab->aged & ~superslab->dirty) == 0, SS_DIRTY_FREE, superslab->aged,
               superslab->dirty);
    verify_region(superslab);
}

static void verify_listed(const struct hak_superslab *superslab, bool quiescent) {
    for (uint32_t todo = superslab->bitmap; todo != 0;) {
        const struct hak_slab *slab = &superslab->slabs[hak_bit_lowest32(todo)];
        hak_slab_verify(slab);
        hak_verify(slab->is_listed == hak_slab_has_room_owned(slab), SLAB_LISTED, slab->is_listed,
                   slab->first_word, slab->word_count);
        if (quiescent) {
            verify_slab_quiescent(slab);
        }
        todo &= ~hak_mask32(slab->granule_first, slab->granule_count);
    }
}

static void verify_chain(const struct hak_chain *chain, bool quiescent) {
    uint32_t count = 0, dirty = 0;
    const struct hak_superslab *previous = NULL;
    for (const struct hak_superslab *s = chain->first; s != NULL; s = s->next) {
        hak_verify(s->prev == previous, SS_CHAIN, (uintptr_t)s->prev, (uintptr_t)previous);
        hak_verify(s->chain == chain, SS_OWNER, (uintptr_t)s->chain, (uintptr_t)chain);
        hak_verify(s->in_room_list == (s->bitmap != UINT32_MAX), SS_ROOM, s->in_room_list,
                   s->bitmap);
        hak_superslab_verify(s);
        verify_listed(s, quiescent);
        dirty += hak_bit_count32(s->dirty);
        previous = s;
        count++;
    }
    hak_verify(count == chain->superslab_count, SS_CHAIN, count, chain->superslab_count);
    hak_verify(dirty == chain->dirty_granule_count, SS_DIRTY_SUM, dirty,
               chain->dirty_granule_count);
}

static uint32_t announced_slab_count(const struct hak_chain *chain) {
    uint32_t count = 0;
    for (const struct hak_superslab *s = chain->first; s != NULL; s = s->next) {
        for (uint32_t todo = s->bitmap; todo != 0;) {
            const struct hak_slab *slab = &s->slabs[hak_bit_lowest32(todo)];
            count += announced_count(slab) != 0;
            todo &= ~hak_mask32(slab->granule_first, slab->granule_count);
        }
    }
    return count;
}

/* A slab has one link, so one that is met twice is met for ever: the count ends that. */
static void verify_pending(const struct hak_chain *chain) {
    uint32_t met = 0, announced = announced_slab_count(chain);
    const struct hak_slab *slab = hak_load_relaxed(&((struct hak_chain *)(uintptr_t)chain)->pending);
    for (; slab != NULL && met <= announced; slab = slab->pending_next) {
        hak_verify(slab->chain == chain, PENDING_OWNER, (uintptr_t)slab->chain, (uintptr_t)chain);
        met++;
    }
    hak_verify(met == announced, PENDING_ONCE, met, announced);
}

/* Level 2 looks at what each slow path touched; the walk of the whole chain at
 * each expansion would make a large heap quadratic, so it looks at the newest
 * SuperSlab and leaves the rest to hak_heap_check(). */
void hak_chain_verify(const struct hak_chain *chain) {
    if (chain->first != NULL) {
        hak_verify(chain->first->prev == NULL, SS_CHAIN, (uintptr_t)chain->first->prev);
        hak_verify(chain->first->chain == chain, SS_OWNER, (uintptr_t)chain->first->chain,
                   (uintptr_t)chain);
        hak_superslab_verify(chain->first);
    }
}

void hak_chain_verify_all(const struct hak_chain *chain) {
    verify_chain(chain, false);
}

void hak_chain_verify_quiescent(const struct hak_chain *chain) {
    verify_chain(chain, true);
    verify_pending(chain);
}
