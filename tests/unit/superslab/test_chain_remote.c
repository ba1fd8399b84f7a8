/* SPDX-License-Identifier: MIT */
/* Real threads that free into each other's chains: at quiescence every block is
 * back, and no block was ever in two hands. */
#include <criterion/criterion.h>
#include <sched.h>
#include <string.h>

#include "superslab/chain.h"
#include "superslab/pool.h"
#include "support.h"
#include "support/expect.h"
#include "support/random.h"
#include "support/threads.h"

enum { THREADS_MAX = 4, BOXES = 512, BATCH = 48, CLASSES = 3 };

static const size_t sizes[CLASSES] = {16, 256, 8192};

/* Threads pass blocks on through boxes; a block holds a word that says whether
 * somebody has it. */
static struct hak_chain chains[THREADS_MAX];
static _Atomic(void *) boxes[CLASSES][BOXES];
static _Atomic uint32_t wrong;
static _Atomic uint64_t remote_total;
static uint32_t rounds;

enum { HELD = 0x600D600D, GIVEN = 0x0DEAD000 };

static enum hak_kind kind_of(uint32_t k) {
    return (enum hak_kind)(hak_class_of(sizes[k]) + HAK_KIND_CLASS_FIRST);
}

/* Puts a block into a box and returns what was in it. */
static void *swap(uint32_t k, uint32_t box, void *block) {
    return atomic_exchange(&boxes[k][box], block);
}

static void give_batch(struct hak_chain *chain, uint32_t k, void **batch, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        wrong += *(uint32_t *)batch[i] != HELD;
        *(uint32_t *)batch[i] = GIVEN;
    }
    remote_total += hak_chain_give_owned(chain, kind_of(k), batch, count);
}

static void pass_on(void *unused, uint32_t index) {
    struct hak_chain *chain = &chains[index];
    struct test_random random;
    (void)unused;
    test_random_init(&random, index);
    for (uint32_t i = 0; i < rounds; i++) {
        uint32_t k = test_random_below(&random, CLASSES), got_back = 0;
        void *batch[BATCH], *others[BATCH];
        uint32_t got = take_or_expand(chain, hak_class_of(sizes[k]), batch,
                                      1 + test_random_below(&random, BATCH));
        wrong += got == 0;
        for (uint32_t b = 0; b < got; b++) {
            wrong += *(uint32_t *)batch[b] == HELD;
            *(uint32_t *)batch[b] = HELD;
            void *other = swap(k, test_random_below(&random, BOXES), batch[b]);
            if (other != NULL) {
                others[got_back++] = other;
            }
        }
        give_batch(chain, k, others, got_back);
        if (i % 64 == 0) {
            hak_chain_trim_owned(chain, false);
        }
    }
}

static void drain_boxes(void) {
    for (uint32_t k = 0; k < CLASSES; k++) {
        for (uint32_t b = 0; b < BOXES; b++) {
            void *block = swap(k, b, NULL);
            if (block != NULL) {
                give_batch(NULL, k, &block, 1);
            }
        }
    }
}

static void run(uint32_t threads, uint32_t rounds_each) {
    start_region_map();
    rounds = rounds_each;
    for (uint32_t i = 0; i < threads; i++) {
        hak_chain_init(&chains[i]);
    }
    test_threads_run(threads, pass_on, NULL);
    drain_boxes();
    cr_assert_eq(wrong, 0, "%u blocks in two hands", wrong);
    cr_assert(threads == 1 || remote_total > 0);
    for (uint32_t i = 0; i < threads; i++) {
        expect_chain_counts(&chains[i]); /* with remote frees still to collect */
        hak_chain_collect_owned(&chains[i]);
        expect_chain_counts(&chains[i]);
        expect(hak_chain_live_bytes_owned(&chains[i]) == 0, "chain %u: %zu bytes are lost", i,
               hak_chain_live_bytes_owned(&chains[i]));
        hak_chain_trim_owned(&chains[i], true);
        expect(chains[i].superslab_count == 0, "chain %u keeps %u", i, chains[i].superslab_count);
    }
}

Test(chain_remote, two_threads, .timeout = 120) {
    run(2, 3000);
}

Test(chain_remote, four_threads, .timeout = 120) {
    run(4, 3000);
}

/* One owner, the others only free: every block comes home, and the owner finds
 * it without a hint. */
static _Atomic(void *) slots[BOXES];
static _Atomic uint32_t owner_done;

static void own_or_free(void *unused, uint32_t index) {
    const uint32_t c = hak_class_of(64);
    (void)unused;
    for (uint32_t i = 0; index == 0 && i < rounds; i++) {
        void *block, *expected = NULL;
        wrong += take_or_expand(&chains[0], c, &block, 1) != 1;
        while (!atomic_compare_exchange_strong(&slots[i % BOXES], &expected, block)) {
            expected = NULL;
            sched_yield();
        }
    }
    owner_done += index == 0;
    bool found = true, done = false;
    while (index != 0 && (found || !done)) {
        done = owner_done != 0; /* before looking: what it gave last is seen */
        found = false;
        for (uint32_t i = 0; i < BOXES; i++) {
            void *block = atomic_exchange(&slots[i], NULL);
            if (block != NULL) {
                found = true;
                hak_chain_give_owned(NULL, (enum hak_kind)(c + HAK_KIND_CLASS_FIRST), &block, 1);
            }
        }
    }
}

Test(chain_remote, producer_and_consumers_reuse_a_bounded_number_of_slabs, .timeout = 120) {
    start_region_map();
    hak_chain_init(&chains[0]);
    rounds = 200000;
    test_threads_run(3, own_or_free, NULL);
    cr_assert_eq(wrong, 0);
    hak_chain_collect_owned(&chains[0]);
    cr_assert_eq(hak_chain_live_bytes_owned(&chains[0]), 0);
    cr_assert_leq(chains[0].slab_count, 8, "%u slabs for at most %d blocks", chains[0].slab_count,
                  BOXES);
    expect_chain_counts(&chains[0]);
}
