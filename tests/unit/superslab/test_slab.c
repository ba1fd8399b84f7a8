/* SPDX-License-Identifier: MIT */
/* One slab of every class against a plain array of block states. */
#include "superslab/slab.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "os/os_memory.h"
#include "superslab/chain.h"
#include "support.h"
#include "support/expect.h"
#include "support/random.h"

/* False when the block was free already. */
static bool give_one_remote(struct hak_slab *slab, uint32_t index) {
    return hak_slab_give_remote(slab, index / 64, (uint64_t)1 << (index % 64)) == 0;
}

enum block_state { FREE, LIVE, REMOTE };

/* A slab and what the test believes of its blocks. */
struct model {
    struct hak_chain chain;
    struct hak_slab slab;
    uint8_t state[8192];
    uint32_t live, announced;
};

static struct model m;

static void start_slab(uint32_t class_index) {
    char *memory = hak_os_reserve(4 * HAK_GRANULE_SIZE_BYTES, HAK_GRANULE_SIZE_BYTES);
    memset(&m, 0, sizeof m);
    hak_chain_init(&m.chain);
    expect(memory != NULL && hak_slab_init(&m.slab, &m.chain, memory, class_index, 0), "class %u",
           class_index);
}

static void *block_at(uint32_t index) {
    return m.slab.start + (size_t)index * m.slab.stride_bytes;
}

static void end_slab(void) {
    char *memory = m.slab.start;
    hak_slab_destroy_owned(&m.slab);
    expect(m.slab.kind == HAK_KIND_NONE, "kind %u", m.slab.kind);
    hak_os_release(memory, 4 * HAK_GRANULE_SIZE_BYTES);
}

static void collect(void) {
    struct hak_slab *popped = atomic_exchange(&m.chain.pending, NULL);
    expect((popped != NULL) == (m.announced != 0), "announced %u", m.announced);
    if (popped == NULL) {
        return;
    }
    expect(popped == &m.slab && popped->pending_next == NULL, "pushed more than once");
    uint32_t credited = hak_slab_collect_owned(popped);
    expect(credited == m.announced, "credited %u of %u", credited, m.announced);
    m.live -= credited;
    m.announced = 0;
    for (uint32_t i = 0; i < m.slab.block_count; i++) {
        m.state[i] = m.state[i] == REMOTE ? FREE : m.state[i];
    }
}

/* False when it was free already. */
static bool give_one_owned(struct hak_slab *slab, uint32_t index) {
    return hak_slab_give_owned(slab, index / 64, (uint64_t)1 << (index % 64), 1) == 0;
}

/* The lowest free blocks, in order. */
static void take(uint32_t wanted) {
    static void *out[8192];
    uint32_t taken = hak_slab_take_owned(&m.slab, out, wanted), at = 0, expected = 0;
    for (; at < m.slab.block_count && expected < wanted; at++) {
        if (m.state[at] == FREE) {
            expect(expected < taken && out[expected] == block_at(at), "block %u as the %u-th", at,
                   expected);
            m.state[at] = LIVE;
            expected++;
        }
    }
    expect(taken == expected, "%u taken, %u free and wanted", taken, expected);
    m.live += taken;
}

static void give(uint32_t index, bool remote) {
    bool was_live = m.state[index] == LIVE;
    if (!remote && m.state[index] != REMOTE) {
        expect(give_one_owned(&m.slab, index) == was_live, "block %u", index);
        m.live -= was_live;
        m.state[index] = FREE;
    } else if (m.state[index] != FREE) { /* the remote bitmap does not know of local bits */
        expect(give_one_remote(&m.slab, index) == was_live, "block %u", index);
        if (was_live) {
            hak_slab_announce_remote(&m.slab, 1);
            m.announced++;
        }
        m.state[index] = REMOTE;
    }
}

static void check(void) {
    uint32_t free_count = 0;
    for (uint32_t i = 0; i < m.slab.block_count; i++) {
        bool bit = (m.slab.local[i / 64] >> (i % 64) & 1) != 0;
        expect(bit == (m.state[i] == FREE), "block %u: bit %d, state %d", i, bit, m.state[i]);
        free_count += bit;
    }
    expect(m.slab.live_count == m.live, "live %u, not %u", m.slab.live_count, m.live);
    expect(hak_slab_has_room_owned(&m.slab) == (free_count > 0), "%u free", free_count);
}

static void give_everything_back(void) {
    for (uint32_t i = 0; i < m.slab.block_count; i++) {
        if (m.state[i] == LIVE) {
            give(i, false);
        }
    }
    collect();
    check();
    expect(m.slab.live_count == 0, "live %u", m.slab.live_count);
}

Test(slab, random_operations_on_every_class, .init = start_region_map, .timeout = 120) {
    struct test_random random;
    test_random_init(&random, 8);
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
        start_slab(c);
        check();
        for (int i = 0; i < 600; i++) {
            uint32_t what = test_random_below(&random, 20);
            if (what < 2) {
                take(1 + test_random_below(&random, m.slab.block_count / 4 + 1));
            } else if (what < 3) {
                collect();
            } else {
                give(test_random_below(&random, m.slab.block_count), what % 2 == 0);
            }
            if (i % 16 == 0) {
                check();
            }
        }
        give_everything_back();
        end_slab();
    }
}

Test(slab, every_address_has_the_right_index, .init = start_region_map) {
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
        start_slab(c);
        uint32_t end = hak_class_infos[c].granule_count * (uint32_t)HAK_GRANULE_SIZE_BYTES;
        for (uint32_t offset = 0; offset < end; offset++) {
            uint32_t index = offset / m.slab.stride_bytes;
            bool starts = offset % m.slab.stride_bytes == 0 && index < m.slab.block_count;
            uint32_t found = hak_slab_index_of(&m.slab, m.slab.start + offset);
            expect(found == (starts ? index : m.slab.block_count), "class %u offset %u: %u", c,
                   offset, found);
        }
        end_slab();
    }
}

Test(slab, all_blocks_can_be_taken_and_no_more, .init = start_region_map) {
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
        start_slab(c);
        take(UINT32_MAX);
        cr_assert_eq(m.live, hak_class_infos[c].block_count);
        take(1);
        cr_assert_eq(m.live, hak_class_infos[c].block_count);
        cr_assert_not(hak_slab_has_room_owned(&m.slab));
        give_everything_back();
        end_slab();
    }
}

/* Bits may be set long before their count is announced: S1, S2 in slab.h. */
Test(slab, early_bits_are_not_credited_before_their_count, .init = start_region_map) {
    void *out[3];
    start_slab(hak_class_of(4096));
    cr_assert_eq(hak_slab_take_owned(&m.slab, out, 3), 3);
    cr_assert(give_one_remote(&m.slab, 0)); /* thread A, which announces at once */
    cr_assert(give_one_remote(&m.slab, 1)); /* thread B: bit set, count still to come */
    hak_slab_announce_remote(&m.slab, 1);
    cr_assert_eq(atomic_exchange(&m.chain.pending, NULL), &m.slab);
    cr_assert_eq(hak_slab_collect_owned(&m.slab), 1);
    cr_assert_eq(m.slab.live_count, 2, "B's block counts as live until B has announced it");

    cr_assert(give_one_owned(&m.slab, 2));
    cr_assert_eq(m.slab.live_count, 1, "so the slab is not empty while B may still touch it");

    /* B's block may be handed out and freed again meanwhile. */
    cr_assert_eq(hak_slab_take_owned(&m.slab, out, 2), 2);
    cr_assert_eq(out[1], block_at(1));
    cr_assert_eq(m.slab.live_count, 3);
    cr_assert(give_one_remote(&m.slab, 1)); /* thread C */
    hak_slab_announce_remote(&m.slab, 1);   /* C */
    hak_slab_announce_remote(&m.slab, 1);   /* B, at last */
    cr_assert_eq(atomic_exchange(&m.chain.pending, NULL), &m.slab);
    cr_assert_null(m.slab.pending_next, "only the first of the two pushed");
    cr_assert_eq(hak_slab_collect_owned(&m.slab), 2);
    cr_assert_eq(m.slab.live_count, 1);
    cr_assert(give_one_owned(&m.slab, 0));
    cr_assert_eq(m.slab.live_count, 0);
    end_slab();
}

Test(slab, count_that_comes_after_its_bit_was_collected, .init = start_region_map) {
    void *out[2];
    start_slab(0);
    cr_assert_eq(hak_slab_take_owned(&m.slab, out, 2), 2);
    cr_assert(give_one_remote(&m.slab, 0));
    cr_assert(give_one_remote(&m.slab, 1));
    hak_slab_announce_remote(&m.slab, 1);
    atomic_store(&m.chain.pending, NULL);
    cr_assert_eq(hak_slab_collect_owned(&m.slab), 1); /* takes both bits */
    hak_slab_announce_remote(&m.slab, 1);             /* no bit is left, the count is */
    cr_assert_eq(atomic_exchange(&m.chain.pending, NULL), &m.slab);
    cr_assert_eq(hak_slab_collect_owned(&m.slab), 1);
    cr_assert_eq(m.slab.live_count, 0);
    end_slab();
}

Test(slab, init_without_memory_leaves_the_slab, .init = start_region_map) {
    uint32_t calls = HAK_CHECK_LEVEL >= 1 ? 2 : 1; /* bitmaps; records in checked builds */
    struct hak_slab before;
    memset(&m.slab, 0, sizeof m.slab);
    before = m.slab;
    for (uint32_t n = 1; n <= calls; n++) {
        fail_meta_alloc_at(n);
        cr_assert_not(hak_slab_init(&m.slab, &m.chain, (char *)0x10000, 3, 0));
        cr_assert_eq(memcmp(&m.slab, &before, sizeof before), 0);
    }
    start_slab(3);
    end_slab();
}
