/* SPDX-License-Identifier: MIT */
/* A chain under random operations of every sort against a plain list of blocks. */
#include "superslab/chain.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "region/region_map.h"
#include "superslab/pool.h"
#include "support.h"
#include "support/expect.h"
#include "support/random.h"

enum { LIVE_MAX = 40000, BATCH_MAX = 300 };

/* What is handed out, as the test believes, by class. Each block holds its own
 * address and stamp at both ends, so that an overlap shows. */
struct live_blocks {
    void *blocks[LIVE_MAX];
    uint32_t count;
};

static struct hak_chain chain;
static struct live_blocks live[HAK_CLASS_COUNT];
static size_t live_bytes;
static struct test_random rng;

static void start(void) {
    start_region_map();
    hak_chain_init(&chain);
    test_random_init(&rng, 10);
}

static void stamp(void *block, uint32_t class_index) {
    uintptr_t mark = (uintptr_t)block ^ class_index;
    memcpy(block, &mark, sizeof mark);
    memcpy((char *)block + hak_class_infos[class_index].stride_bytes - sizeof mark, &mark,
           sizeof mark);
}

static void expect_stamp(const void *block, uint32_t class_index) {
    uintptr_t low, high, mark = (uintptr_t)block ^ class_index;
    memcpy(&low, block, sizeof low);
    memcpy(&high, (const char *)block + hak_class_infos[class_index].stride_bytes - sizeof high,
           sizeof high);
    expect(low == mark && high == mark, "block %p of class %u was written to", block, class_index);
}

/* Popping from the end must give rising addresses within a slab, so pairs that
 * fall within one granule fall in the array. */
static void take(uint32_t class_index, uint32_t wanted) {
    struct live_blocks *l = &live[class_index];
    void *out[BATCH_MAX];
    if (l->count + wanted > LIVE_MAX) {
        return;
    }
    uint32_t got = take_or_expand(&chain, class_index, out, wanted);
    expect(got > 0 && got <= wanted, "class %u: %u of %u", class_index, got, wanted);
    for (uint32_t i = 0; i < got; i++) {
        expect(hak_region_kind(out[i]) == class_index + HAK_KIND_CLASS_FIRST, "class %u: %p",
               class_index, out[i]);
        stamp(out[i], class_index);
        l->blocks[l->count++] = out[i];
    }
    live_bytes += (size_t)got * hak_class_infos[class_index].stride_bytes;
}

static void give(uint32_t class_index, uint32_t count, bool remote) {
    struct live_blocks *l = &live[class_index];
    void *batch[BATCH_MAX];
    count = count < l->count ? count : l->count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = test_random_below(&rng, l->count);
        batch[i] = l->blocks[at];
        expect_stamp(batch[i], class_index);
        l->blocks[at] = l->blocks[--l->count];
    }
    uint32_t was_remote = hak_chain_give_owned(
        remote ? NULL : &chain, (enum hak_kind)(class_index + HAK_KIND_CLASS_FIRST), batch, count);
    expect(was_remote == (remote ? count : 0), "%u remote of %u", was_remote, count);
    live_bytes -= (size_t)count * hak_class_infos[class_index].stride_bytes;
}

static void maintain(uint32_t what, uint64_t *now_ns) {
    if (what == 0) {
        hak_chain_trim_owned(&chain, test_random_below(&rng, 2) == 0);
    } else if (what == 1) {
        *now_ns += HAK_PURGE_DELAY_NS / 2;
        hak_chain_tick_owned(&chain, *now_ns);
    } else if (what == 2) {
        hak_pool_trim();
    } else {
        hak_chain_collect_owned(&chain);
    }
}

static void step(uint32_t classes, uint64_t *now_ns) {
    uint32_t what = test_random_below(&rng, 100);
    uint32_t class_index = test_random_below(&rng, classes) * (HAK_CLASS_COUNT / classes);
    uint32_t count = 1 + test_random_below(&rng, BATCH_MAX);
    if (what < 48) {
        take(class_index, count);
    } else if (what < 94) {
        give(class_index, count, what % 2 == 0);
    } else {
        maintain(what - 94, now_ns);
    }
}

static void expect_live_bytes(void) {
    hak_chain_collect_owned(&chain);
    expect(hak_chain_live_bytes_owned(&chain) == live_bytes, "%zu live, not %zu",
           hak_chain_live_bytes_owned(&chain), live_bytes);
    expect_chain_counts(&chain);
}

static void give_all(void) {
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
        while (live[c].count > 0) {
            give(c, BATCH_MAX, test_random_below(&rng, 3) == 0);
        }
    }
}

static void run(uint32_t classes, uint32_t rounds) {
    uint64_t now_ns = HAK_PURGE_DELAY_NS;
    for (uint32_t i = 0; i < rounds; i++) {
        step(classes, &now_ns);
        if (i % 200 == 0) {
            expect_live_bytes();
        }
    }
    give_all();
    expect_live_bytes();
    hak_chain_trim_owned(&chain, true);
    expect(chain.superslab_count == 0 && chain.slab_count == 0, "%u SuperSlabs, %u slabs left",
           chain.superslab_count, chain.slab_count);
    hak_pool_trim();
    cr_assert_eq(hak_pool_count(), 0);
}

Test(chain, random_operations_on_all_classes, .init = start, .timeout = 300) {
    run(HAK_CLASS_COUNT, 4000);
}

Test(chain, random_operations_on_few_classes, .init = start, .timeout = 300) {
    run(4, 6000);
}

Test(chain, a_batch_pops_in_rising_order, .init = start) {
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
        void *out[8];
        cr_assert_not_null(hak_chain_expand_owned(&chain, c));
        cr_assert_eq(hak_chain_take_owned(&chain, c, out, 8), 8);
        for (int i = 1; i < 8; i++) {
            expect((char *)out[i - 1] - (char *)out[i] == hak_class_infos[c].stride_bytes,
                   "class %u: %p before %p", c, out[i - 1], out[i]);
        }
    }
}

Test(chain, does_not_expand_by_itself, .init = start) {
    void *out[4];
    cr_assert_eq(hak_chain_take_owned(&chain, 0, out, 4), 0);
    cr_assert_eq(chain.superslab_count, 0);
    cr_assert_not_null(hak_chain_expand_owned(&chain, 0));
    cr_assert_eq(hak_chain_take_owned(&chain, 0, out, 4), 4);
}

Test(chain, remote_frees_are_collected_before_a_new_slab_is_carved, .init = start) {
    const uint32_t c = hak_class_of(8192), per_slab = hak_class_infos[c].block_count;
    const enum hak_kind kind = (enum hak_kind)(c + HAK_KIND_CLASS_FIRST);
    void *out[8], *again[8];
    cr_assert_eq(per_slab, 8);
    cr_assert_eq(take_or_expand(&chain, c, out, 8), 8);
    cr_assert_eq(hak_chain_give_owned(NULL, kind, out, 8), 8);
    cr_assert_eq(hak_chain_take_owned(&chain, c, again, 8), 8);
    cr_assert_eq(chain.slab_count, 1);
    cr_assert_arr_eq(out, again, sizeof out);
}

Test(chain, empty_slab_goes_when_its_class_has_another, .init = start) {
    const uint32_t c = hak_class_of(8192);
    const enum hak_kind kind = (enum hak_kind)(c + HAK_KIND_CLASS_FIRST);
    void *first[8], *second[8];
    cr_assert_eq(take_or_expand(&chain, c, first, 8), 8);
    cr_assert_eq(take_or_expand(&chain, c, second, 8), 8);
    cr_assert_eq(chain.slab_count, 2);
    hak_chain_give_owned(&chain, kind, first, 8);
    cr_assert_eq(chain.slab_count, 2, "the only one with room stays, though empty");
    hak_chain_give_owned(&chain, kind, second, 8);
    cr_assert_eq(chain.slab_count, 1);
    expect_chain_counts(&chain);
}

/* Orders in which a program frees: what is gathered by slab and word must come
 * out the same. */
enum order { AS_TAKEN, REVERSED, INTERLEAVED };

static void put_in_order(void **blocks, uint32_t count, enum order order) {
    for (uint32_t i = 0; order == REVERSED && i < count / 2; i++) {
        void *block = blocks[i];
        blocks[i] = blocks[count - 1 - i];
        blocks[count - 1 - i] = block;
    }
    for (uint32_t i = 1; order == INTERLEAVED && i < count / 2; i += 2) { /* both ends in turn */
        void *block = blocks[i];
        blocks[i] = blocks[count - i];
        blocks[count - i] = block;
    }
}

Test(chain, whole_slabs_come_back_in_any_order, .init = start, .timeout = 120) {
    enum { COUNT = 700 }; /* words, and but for the smallest classes slabs, are crossed */
    static void *blocks[COUNT];
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
        const enum hak_kind kind = (enum hak_kind)(c + HAK_KIND_CLASS_FIRST);
        for (int way = 0; way < 6; way++) {
            struct hak_chain *giver = way < 3 ? &chain : NULL;
            for (uint32_t got = 0; got < COUNT;) {
                got += take_or_expand(&chain, c, blocks + got, COUNT - got);
            }
            put_in_order(blocks, COUNT, (enum order)(way % 3));
            uint32_t remote = hak_chain_give_owned(giver, kind, blocks, COUNT);
            expect(remote == (giver == NULL ? COUNT : 0), "class %u: %u", c, remote);
            expect_chain_counts(&chain);
            uint32_t collected = hak_chain_collect_owned(&chain);
            expect(collected == remote, "class %u: %u of %u", c, collected, remote);
            expect(hak_chain_live_bytes_owned(&chain) == 0, "class %u, way %d", c, way);
            expect_chain_counts(&chain);
        }
    }
}

/* More slabs than are counted at once (16), each with a block, in turn. */
Test(chain, remote_frees_into_many_slabs_are_all_announced, .init = start) {
    enum { SLABS = 50, PER_SLAB = 8 };
    static void *blocks[SLABS * PER_SLAB], *given[SLABS * PER_SLAB];
    const uint32_t c = hak_class_of(8192);
    for (uint32_t s = 0; s < SLABS; s++) {
        cr_assert_eq(take_or_expand(&chain, c, blocks + s * PER_SLAB, PER_SLAB), PER_SLAB);
    }
    cr_assert_eq(chain.slab_count, SLABS);
    for (uint32_t i = 0; i < SLABS * PER_SLAB; i++) {
        given[i] = blocks[i % SLABS * PER_SLAB + i / SLABS];
    }
    cr_assert_eq(hak_chain_give_owned(NULL, (enum hak_kind)(c + HAK_KIND_CLASS_FIRST), given,
                                      SLABS * PER_SLAB),
                 SLABS * PER_SLAB);
    cr_assert_eq(hak_chain_collect_owned(&chain), SLABS * PER_SLAB);
    cr_assert_eq(hak_chain_live_bytes_owned(&chain), 0);
    expect_chain_counts(&chain);
}
