/* SPDX-License-Identifier: MIT */
/* Each block of a slab is in exactly one place: free in `local`, freed into `remote`, in a
 * TLS cache, or the program's. Layer 3. Checked builds only.
 *
 * The first two stand in the slab's bitmaps, the last in the block's record; for the third the
 * caches' blocks are marked first (tcache_verify.c). So the whole look costs a step for each
 * block and each slot, whoever owns what. */
#include "base/block_record.h"
#include "base/check.h"
#include "superslab/chain.h"

static const char *block_at(const struct hak_slab *slab, uint32_t word, uint64_t bits) {
    return slab->start + ((size_t)word * 64 + hak_bit_lowest64(bits)) * slab->stride_bytes;
}

static bool is_held(const struct hak_slab *slab, uint32_t index) {
    return hak_record_is_live(hak_load_relaxed(&slab->records[index]));
}

/* --- The marks ----------------------------------------------------------- */

void hak_slab_mark_cached(const struct hak_slab *slab, const void *block) {
    uint32_t index = hak_slab_index_of(slab, block), word = index / 64;
    hak_verify(index < slab->block_count, TC_BLOCK_START, (uintptr_t)block,
               (uintptr_t)slab->start, slab->stride_bytes);
    uint64_t bit = (uint64_t)1 << (index % 64);
    /* Relaxed: each thread sets and clears the bits of its own blocks only, and what hands a
     * block on to another thread orders its marks as well. */
    uint64_t cached = hak_or_relaxed(&slab->marks[word], bit);
    hak_verify((cached & bit) == 0, TC_CACHED_ONCE, (uintptr_t)block, slab->stride_bytes, index);
    /* Relaxed: nobody but the cache's owner can have changed what stands there of this block. */
    uint64_t remote = hak_load_relaxed(&slab->remote[word]) & bit;
    bool held = is_held(slab, index);
    hak_verify(remote == 0 && !held, SLAB_PLACES_APART, (uintptr_t)block, remote, held);
}

void hak_slab_unmark_cached(const struct hak_slab *slab, const void *block) {
    uint32_t index = hak_slab_index_of(slab, block);
    hak_and_relaxed(&slab->marks[index / 64], ~((uint64_t)1 << (index % 64)));
}

/* --- The walk ------------------------------------------------------------ */

/* How many blocks of a slab are where, and the first that is nowhere. Every field: owner. */
struct places {
    uint32_t free, remote, cached, held;
    const char *missing;
};

static uint64_t held_word(const struct hak_slab *slab, uint32_t word, uint32_t count) {
    uint64_t bits = 0;
    for (uint32_t i = 0; i < count; i++) {
        bits |= (uint64_t)is_held(slab, word * 64 + i) << i;
    }
    return bits;
}

static void count_word(const struct hak_slab *slab, uint32_t w, struct places *places) {
    uint32_t rest = slab->block_count - w * 64, count = rest < 64 ? rest : 64;
    uint64_t local = slab->local[w], remote = hak_load_relaxed(&slab->remote[w]);
    uint64_t cached = hak_load_relaxed(&slab->marks[w]), held = held_word(slab, w, count);
    uint64_t twice = (local & remote) | ((local | remote) & cached) |
                     ((local | remote | cached) & held);
    hak_verify(twice == 0, SLAB_PLACES_APART, (uintptr_t)block_at(slab, w, twice), local, remote,
               cached, held);
    uint64_t nowhere = ~(local | remote | cached | held) & (UINT64_MAX >> (64 - count));
    if (nowhere != 0 && places->missing == NULL) {
        places->missing = block_at(slab, w, nowhere);
    }
    places->free += hak_bit_count64(local);
    places->remote += hak_bit_count64(remote);
    places->cached += hak_bit_count64(cached);
    places->held += hak_bit_count64(held);
}

static void verify_slab_places(const struct hak_slab *slab, bool may_miss) {
    struct places places = {0};
    for (uint32_t w = 0; w < slab->word_count; w++) {
        count_word(slab, w, &places);
    }
    uint32_t free = places.free, remote = places.remote, cached = places.cached;
    uint32_t held = places.held;
    uintptr_t missing_block = (uintptr_t)places.missing;
    hak_verify(may_miss || free + remote + cached + held == slab->block_count, SLAB_PLACES_SUM,
               missing_block, free, remote, cached, held);
}

/* Any thread's marks: a block is marked only while it stays in that thread's cache. */
static void verify_slab_marks(const struct hak_slab *slab, bool unused) {
    (void)unused;
    for (uint32_t w = 0; w < slab->word_count; w++) {
        uint64_t local = slab->local[w], cached = hak_load_relaxed(&slab->marks[w]);
        hak_verify((local & cached) == 0, SLAB_PLACES_APART,
                   (uintptr_t)block_at(slab, w, local & cached), local, cached);
    }
}

static void for_each_slab(const struct hak_chain *chain,
                          void (*verify)(const struct hak_slab *slab, bool may_miss),
                          bool may_miss) {
    for (const struct hak_superslab *s = chain->first; s != NULL; s = s->next) {
        for (uint32_t todo = s->bitmap; todo != 0;) {
            const struct hak_slab *slab = &s->slabs[hak_bit_lowest32(todo)];
            verify(slab, may_miss);
            todo &= ~hak_mask32(slab->granule_first, slab->granule_count);
        }
    }
}

void hak_chain_verify_marks(const struct hak_chain *chain) {
    for_each_slab(chain, verify_slab_marks, false);
}

void hak_chain_verify_places_quiescent(const struct hak_chain *chain, bool may_miss) {
    for_each_slab(chain, verify_slab_places, may_miss);
}
