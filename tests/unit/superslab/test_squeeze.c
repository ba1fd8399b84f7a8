/* SPDX-License-Identifier: MIT */
/* Squeezing: of a slab in use, exactly the OS pages without a live block go. */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>

#include "base/check.h"
#include "base/size_class.h"
#include "os/os_memory.h"
#include "superslab/chain.h"
#include "support.h"
#include "support/expect.h"
#include "support/os_fault.h"
#include "support/random.h"

enum { SLAB_BYTES_MAX = 4 * 65536, PAGE_COUNT_MAX = SLAB_BYTES_MAX / HAK_OS_PAGE_SIZE_BYTES };

static struct hak_chain chain;
static struct hak_slab slab;
static bool is_live[8192];

static char *block_at(uint32_t index) {
    return slab.start + (size_t)index * slab.stride_bytes;
}

static unsigned char pattern_of(uint32_t index) {
    return (unsigned char)(index * 7 + 1);
}

/* Every block handed out, written to, and as a checked build records it. */
static void start_full_slab(char *memory, uint32_t class_index) {
    static void *out[8192];
    hak_chain_init(&chain);
    cr_assert(hak_slab_init(&slab, &chain, memory, class_index, 0));
    cr_assert_eq(hak_slab_take_owned(&slab, out, slab.block_count), slab.block_count);
    for (uint32_t i = 0; i < slab.block_count; i++) {
        memset(block_at(i), pattern_of(i), slab.stride_bytes);
        is_live[i] = true;
        if (slab.records != NULL) {
            slab.records[i] = i + 1;
        }
    }
}

static void give(uint32_t index) {
    cr_assert_eq(hak_slab_give_owned(&slab, index / 64, (uint64_t)1 << (index % 64), 1), 0);
    is_live[index] = false;
}

/* Pages of the slab's blocks on which no byte belongs to a live one, the slow way. */
static uint32_t find_idle_pages(bool idle[PAGE_COUNT_MAX]) {
    size_t end = (size_t)slab.block_count * slab.stride_bytes;
    uint32_t count = 0;
    for (uint32_t page = 0; page < PAGE_COUNT_MAX; page++) {
        idle[page] = (size_t)(page + 1) * HAK_OS_PAGE_SIZE_BYTES <= end;
        for (size_t b = 0; b < HAK_OS_PAGE_SIZE_BYTES && idle[page]; b += 8) {
            idle[page] = !is_live[(page * HAK_OS_PAGE_SIZE_BYTES + b) / slab.stride_bytes];
        }
        count += idle[page];
    }
    return count;
}

static void verify_pages(const bool idle[PAGE_COUNT_MAX]) {
    unsigned char resident[PAGE_COUNT_MAX];
    size_t end = (size_t)slab.block_count * slab.stride_bytes;
    cr_assert_eq(mincore(slab.start, SLAB_BYTES_MAX, resident), 0);
    for (uint32_t page = 0; (size_t)(page + 1) * HAK_OS_PAGE_SIZE_BYTES <= end; page++) {
        expect((resident[page] & 1) == !idle[page], "stride %u, page %u: resident %d",
               slab.stride_bytes, page, resident[page] & 1);
    }
}

static void verify_blocks(const bool idle[PAGE_COUNT_MAX]) {
    for (uint32_t i = 0; i < slab.block_count; i++) {
        const unsigned char *block = (unsigned char *)block_at(i);
        size_t first = (size_t)i * slab.stride_bytes, last = first + slab.stride_bytes - 1;
        bool touched = false;
        for (size_t p = first / HAK_OS_PAGE_SIZE_BYTES; p <= last / HAK_OS_PAGE_SIZE_BYTES; p++) {
            touched |= idle[p];
        }
        for (uint32_t b = 0; is_live[i] && b < slab.stride_bytes; b++) {
            expect(block[b] == pattern_of(i), "stride %u, block %u", slab.stride_bytes, i);
        }
        if (slab.records != NULL) {
            expect(slab.records[i] == (touched ? 0 : i + 1), "stride %u, record %u",
                   slab.stride_bytes, i);
        }
    }
}

/* One block in `keep` stays live, at random: from full slabs to empty ones. */
static void squeeze_one(char *memory, uint32_t class_index, uint32_t keep,
                        struct test_random *random) {
    bool idle[PAGE_COUNT_MAX];
    start_full_slab(memory, class_index);
    for (uint32_t i = 0; i < slab.block_count; i++) {
        if (test_random_below(random, keep) != 0) {
            give(i);
        }
    }
    uint32_t expected = find_idle_pages(idle), squeezed = hak_slab_squeeze_owned(&slab);
    expect(squeezed == expected, "stride %u: %u pages, not %u", slab.stride_bytes, squeezed,
           expected);
    verify_pages(idle);
    verify_blocks(idle);
    cr_assert_eq(hak_slab_squeeze_owned(&slab), 0, "nothing has changed since");
    for (uint32_t i = 0; i < slab.block_count; i++) {
        if (is_live[i]) {
            give(i);
        }
    }
    hak_slab_destroy_owned(&slab);
}

Test(squeeze, gives_exactly_the_pages_without_a_live_block, .init = start_region_map) {
    struct test_random random;
    char *memory = hak_os_reserve(SLAB_BYTES_MAX, HAK_GRANULE_SIZE_BYTES);
    test_random_init(&random, 1);
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
        for (uint32_t keep = 1; keep <= 1000; keep = keep * 3 + 1) {
            squeeze_one(memory, c, keep, &random);
        }
    }
}

Test(squeeze, looks_again_after_any_change, .init = start_region_map) {
    void *out[64];
    char *memory = hak_os_reserve(SLAB_BYTES_MAX, HAK_GRANULE_SIZE_BYTES);
    start_full_slab(memory, hak_class_of(4096));
    give(3);
    cr_assert_eq(hak_slab_squeeze_owned(&slab), 1);
    give(4);
    cr_assert_eq(hak_slab_squeeze_owned(&slab), 2, "block 3 and block 4");
    cr_assert_eq(hak_slab_take_owned(&slab, out, 1), 1);
    cr_assert_eq(hak_slab_squeeze_owned(&slab), 1);
    cr_assert_eq(hak_slab_give_remote(&slab, 0, (uint64_t)1 << 7), 0);
    hak_slab_announce_remote(&slab, 1);
    hak_chain_init(&chain); /* it is not pending any more */
    cr_assert_eq(hak_slab_collect_owned(&slab), 1);
    cr_assert_eq(hak_slab_squeeze_owned(&slab), 2, "block 4, and block 7 of another thread");
}

/* A chain squeezes when it has grown by an eighth, and not below eight SuperSlabs. */
Test(squeeze, a_chain_squeezes_before_it_grows, .init = start_region_map) {
    static void *blocks[16 * 31 * 16];
    uint32_t class_index = hak_class_of(4096), count = 0;
    hak_chain_init(&chain);
    while (chain.superslab_count < 12) {
        uint32_t got = hak_chain_take_owned(&chain, class_index, blocks + count, 16);
        if (got == 0) {
            cr_assert_not_null(hak_chain_expand_owned(&chain, class_index));
        }
        for (uint32_t i = 0; i < got; i++) {
            memset(blocks[count + i], 1, 4096);
        }
        count += got;
    }
    for (uint32_t i = 0; i < count; i += 2) { /* every other block: no slab is empty */
        hak_chain_give_owned(&chain, (enum hak_kind)(class_index + HAK_KIND_CLASS_FIRST),
                             &blocks[i], 1);
    }
    uint64_t purged = test_os_purged_bytes();
    hak_chain_squeeze_owned(&chain);
    cr_assert_geq(test_os_purged_bytes() - purged, (count / 2 - 16) * (uint64_t)4096);
    purged = test_os_purged_bytes();
    hak_chain_squeeze_owned(&chain);
    cr_assert_eq(test_os_purged_bytes(), purged, "not again before it has grown");
    for (uint32_t i = 1; i < count; i += 2) {
        cr_assert_eq(*(char *)blocks[i], 1);
    }
}
