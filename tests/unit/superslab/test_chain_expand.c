/* SPDX-License-Identifier: MIT */
/* Expansion: any number of slabs and SuperSlabs of one class in one chain, each
 * SuperSlab handed back with exactly its first slab in use. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "superslab/chain.h"
#include "superslab/pool.h"
#include "support.h"
#include "support/expect.h"
#include "support/os_fault.h"

enum { SLABS_WANTED = 105, SUPERSLABS_WANTED = 105, BATCH = 64 };

static struct hak_chain chain;

static void start(void) {
    start_region_map();
    hak_chain_init(&chain);
}

/* All blocks taken, so that they can be given back. */
struct taken {
    void **blocks;
    uint32_t count, capacity;
};

static void keep(struct taken *taken, void *const *blocks, uint32_t count) {
    if (taken->count + count > taken->capacity) {
        taken->capacity = 2 * (taken->count + count);
        taken->blocks = realloc(taken->blocks, taken->capacity * sizeof *taken->blocks);
        cr_assert_not_null(taken->blocks);
    }
    for (uint32_t i = 0; i < count; i++) {
        taken->blocks[taken->count++] = blocks[i];
    }
}

static void expand_checked(uint32_t class_index) {
    uint32_t superslabs = chain.superslab_count, slabs = chain.slab_count;
    struct hak_superslab *before = chain.first;
    struct hak_superslab *s = hak_chain_expand_owned(&chain, class_index);
    expect(s != NULL, "class %u, SuperSlab %u", class_index, superslabs);
    uint32_t first_slab = hak_mask32(0, hak_class_infos[class_index].granule_count);
    expect(s->bitmap == first_slab, "class %u: bitmap 0x%08x, not 0x%08x", class_index, s->bitmap,
           first_slab);
    expect(hak_class_infos[class_index].granule_count > 1 || s->bitmap == 0x00000001u,
           "class %u: 0x%08x", class_index, s->bitmap);
    expect(chain.superslab_count == superslabs + 1 && chain.slab_count == slabs + 1,
           "%u SuperSlabs, %u slabs", chain.superslab_count, chain.slab_count);
    expect(chain.first == s && s->next == before && s->prev == NULL && s->chain == &chain &&
               (before == NULL || before->prev == s),
           "SuperSlab %u is not linked well", superslabs);
}

static void fill(uint32_t class_index, uint32_t slabs, uint32_t superslabs, struct taken *taken) {
    void *out[BATCH];
    while (chain.slab_count < slabs || chain.superslab_count < superslabs) {
        uint32_t got = hak_chain_take_owned(&chain, class_index, out, BATCH);
        keep(taken, out, got);
        if (got == 0) {
            expand_checked(class_index);
        }
    }
}

static void give_all(uint32_t class_index, struct taken *taken) {
    hak_chain_give_owned(&chain, (enum hak_kind)(class_index + HAK_KIND_CLASS_FIRST), taken->blocks,
                         taken->count);
    free(taken->blocks);
    *taken = (struct taken){NULL, 0, 0};
    hak_chain_trim_owned(&chain, false);
    cr_assert_eq(chain.superslab_count, 0);
    cr_assert_eq(hak_chain_live_bytes_owned(&chain), 0);
}

Test(chain_expand, more_than_100_slabs_of_every_class, .init = start, .timeout = 300) {
    struct taken taken = {NULL, 0, 0};
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
        fill(c, SLABS_WANTED, 0, &taken);
        expect_chain_counts(&chain);
        uint32_t per_superslab = 32 / hak_class_infos[c].granule_count;
        expect(chain.superslab_count == (SLABS_WANTED + per_superslab - 1) / per_superslab,
               "class %u: %u SuperSlabs", c, chain.superslab_count);
        give_all(c, &taken);
    }
}

Test(chain_expand, more_than_100_superslabs_of_one_granule_slabs, .init = start, .timeout = 300) {
    struct taken taken = {NULL, 0, 0};
    uint32_t c = hak_class_of(4096);
    fill(c, 0, SUPERSLABS_WANTED, &taken);
    expect_chain_counts(&chain);
    cr_assert_geq(chain.slab_count, 32 * (SUPERSLABS_WANTED - 1));
    give_all(c, &taken);
}

Test(chain_expand, more_than_100_superslabs_of_wide_slabs, .init = start, .timeout = 300) {
    struct taken taken = {NULL, 0, 0};
    uint32_t c = hak_class_of(24576); /* three granules: two of each SuperSlab stay free */
    fill(c, 0, SUPERSLABS_WANTED, &taken);
    expect_chain_counts(&chain);
    for (const struct hak_superslab *s = chain.first->next; s != NULL; s = s->next) {
        expect(s->bitmap == 0x3FFFFFFFu, "0x%08x", s->bitmap);
    }
    give_all(c, &taken);
}

Test(chain_expand, a_superslab_of_the_pool_is_used_first, .init = start) {
    struct taken taken = {NULL, 0, 0};
    fill(3, 40, 0, &taken);
    give_all(3, &taken);
    uint32_t pooled = hak_pool_count();
    int64_t held = test_os_held_bytes();
    cr_assert_geq(pooled, 2);
    expand_checked(20);
    cr_assert_eq(hak_pool_count(), pooled - 1);
    cr_assert_leq(test_os_held_bytes() - held, (int64_t)HAK_MIB, "no SuperSlab from the OS");
    expect_chain_counts(&chain);
}

/* Gives the blocks of one granule's slab back, and has the slab released. */
static void empty_granule(uint32_t granule, struct taken *taken, bool purge) {
    const enum hak_kind kind = (enum hak_kind)(hak_class_of(4096) + HAK_KIND_CLASS_FIRST);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < taken->count; i++) {
        if (((uintptr_t)taken->blocks[i] >> HAK_GRANULE_SHIFT) % 32 == granule) {
            hak_chain_give_owned(&chain, kind, &taken->blocks[i], 1);
        } else {
            taken->blocks[kept++] = taken->blocks[i];
        }
    }
    taken->count = kept;
    hak_chain_trim_owned(&chain, purge);
}

/* Carves and takes whole slabs in the granules at hand: none is a reason to expand. */
static void refill_slab(uint32_t slabs_after, struct taken *taken) {
    fill(hak_class_of(4096), slabs_after, 0, taken);
    cr_assert_eq(chain.superslab_count, 1);
    expect_chain_counts(&chain);
}

/* Whichever granule is the last: the purged one, because dirty ones go first. */
Test(chain_expand, a_superslab_is_offered_until_its_last_granule, .init = start, .timeout = 60) {
    for (uint32_t last = 0; last < 32; last++) {
        struct taken taken = {NULL, 0, 0};
        fill(hak_class_of(4096), 32, 0, &taken);
        refill_slab(32, &taken);
        cr_assert_null(chain.room);
        empty_granule(last, &taken, true);
        empty_granule((last + 1) % 32, &taken, false);
        refill_slab(31, &taken);
        expect(chain.room == chain.first && chain.first->bitmap == ~(1u << last),
               "granule %u: room %p, bitmap 0x%08x", last, (void *)chain.room, chain.first->bitmap);
        refill_slab(32, &taken);
        cr_assert_null(chain.room);
        give_all(hak_class_of(4096), &taken);
    }
}

/* Without memory: NULL, and the chain as it was. */
Test(chain_expand, failing_calls_change_nothing, .init = start) {
    struct taken taken = {NULL, 0, 0};
    fill(3, 40, 0, &taken);
    free(taken.blocks);
    struct hak_chain before = chain;
    for (uint32_t n = 1; n <= 2; n++) { /* the SuperSlab's descriptor, then the slab's bitmaps */
        fail_meta_alloc_at(n);
        cr_assert_null(hak_chain_expand_owned(&chain, 3));
        cr_assert_eq(memcmp(&before.listed, &chain.listed, sizeof before.listed), 0);
        cr_assert(before.first == chain.first && before.room == chain.room);
        cr_assert_eq(before.superslab_count, chain.superslab_count);
        expect_chain_counts(&chain);
    }
    cr_assert_eq(hak_pool_count(), 1, "the SuperSlab without a slab went to the pool");
    hak_pool_trim();
    test_os_fail_at(TEST_OS_RESERVE, 1, 1);
    cr_assert_null(hak_chain_expand_owned(&chain, 3));
    cr_assert_eq(before.superslab_count, chain.superslab_count);
    test_os_recover();
    expand_checked(3);
    expect_chain_counts(&chain);
}

/* What take and give do when not even the metadata of a slab fits. */
Test(chain_expand, take_without_memory_for_a_slab_gives_none, .init = start) {
    void *out[BATCH];
    struct taken taken = {NULL, 0, 0};
    fill(3, 1, 0, &taken);
    free(taken.blocks);
    while (hak_chain_take_owned(&chain, 3, out, 1) == 1 && chain.slab_count == 1) {
    }
    fail_meta_alloc_at(1);
    cr_assert_eq(hak_chain_take_owned(&chain, 9, out, BATCH), 0);
    expect_chain_counts(&chain);
    cr_assert_eq(hak_chain_take_owned(&chain, 9, out, BATCH), BATCH);
}
