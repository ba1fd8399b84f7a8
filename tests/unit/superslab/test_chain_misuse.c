/* SPDX-License-Identifier: MIT */
/* Blocks given back wrongly: seen at flush, in every build. */
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

#include "base/check.h"
#include "superslab/chain.h"
#include "support.h"
#include "support/child.h"
#include "support/expect.h"

static struct test_child child;
static struct hak_chain chain;

/* What a case gives, to which chain, twice or once. */
struct misuse {
    size_t size_bytes;
    intptr_t offset_bytes;
    bool remote_first, remote_then;
    enum hak_kind kind_of_size; /* given as this kind; NONE: as what it is */
};

static void commit(void *p) {
    const struct misuse *mis = p;
    uint32_t c = hak_class_of(mis->size_bytes);
    enum hak_kind kind = mis->kind_of_size != HAK_KIND_NONE
                             ? mis->kind_of_size
                             : (enum hak_kind)(c + HAK_KIND_CLASS_FIRST);
    void *blocks[2];
    start_region_map();
    hak_chain_init(&chain);
    take_or_expand(&chain, c, blocks, 2);
    void *given = (char *)blocks[0] + mis->offset_bytes;
    hak_chain_give_owned(mis->remote_first ? NULL : &chain, kind, &given, 1);
    hak_chain_give_owned(mis->remote_then ? NULL : &chain, kind, &given, 1);
}

static void expect_message(struct misuse mis, const char *message) {
    test_child_run(&child, commit, &mis);
    expect(child.signal == SIGABRT, "exit %d, signal %d: %s", child.exit_code, child.signal,
           child.text);
    expect(strstr(child.text, message) != NULL, "it said: %s", child.text);
    expect(strstr(child.text, "found in flush by thread") != NULL, "it said: %s", child.text);
}

Test(chain_misuse, double_free_by_the_owner) {
    expect_message((struct misuse){.size_bytes = 100}, "double free: the block is free already");
    expect_message((struct misuse){.size_bytes = 100}, "of the class of 112 bytes");
}

Test(chain_misuse, double_free_by_another_thread) {
    expect_message((struct misuse){.size_bytes = 64, .remote_first = true, .remote_then = true},
                   "double free: the block is free already");
}

/* Twice in one batch: next to each other, in one word, and with others between. */
static void commit_in_a_batch(void *p) {
    enum { COUNT = 100 };
    const uint32_t *at = p; /* which block, where its double stands, remote */
    const uint32_t c = hak_class_of(64);
    void *blocks[COUNT];
    start_region_map();
    hak_chain_init(&chain);
    take_or_expand(&chain, c, blocks, COUNT);
    blocks[at[1]] = blocks[at[0]];
    hak_chain_give_owned(at[2] != 0 ? NULL : &chain, (enum hak_kind)(c + HAK_KIND_CLASS_FIRST),
                         blocks, COUNT);
}

Test(chain_misuse, double_free_in_one_batch) {
    for (uint32_t remote = 0; remote <= 1; remote++) {
        for (uint32_t other = 1; other < 100; other += 14) {
            uint32_t at[3] = {0, other, remote};
            test_child_run(&child, commit_in_a_batch, at);
            expect(child.signal == SIGABRT, "0 and %u, remote %u: exit %d", other, remote,
                   child.exit_code);
            expect(strstr(child.text, "double free: the block is free already") != NULL,
                   "it said: %s", child.text);
        }
    }
}

/* The owner gives it, another thread as well: each bitmap is fine by itself, and
 * the owner sees it when it collects. Checked builds name the invariant. */
static void commit_and_collect(void *unused) {
    void *block;
    const enum hak_kind kind = (enum hak_kind)(hak_class_of(64) + HAK_KIND_CLASS_FIRST);
    (void)unused;
    start_region_map();
    hak_chain_init(&chain);
    take_or_expand(&chain, hak_class_of(64), &block, 1);
    hak_chain_give_owned(&chain, kind, &block, 1);
    hak_chain_give_owned(NULL, kind, &block, 1);
    hak_chain_collect_owned(&chain);
}

Test(chain_misuse, double_free_by_owner_and_another_thread) {
    test_child_run(&child, commit_and_collect, NULL);
    cr_assert_eq(child.signal, SIGABRT);
    const char *message = HAK_CHECK_LEVEL >= 1 ? "invariant SLAB_ONE_PLACE broken"
                                               : "double free: the block is free already";
    cr_assert_not_null(strstr(child.text, message), "it said: %s", child.text);
}

Test(chain_misuse, inside_a_block) {
    for (intptr_t offset = 8; offset < 48; offset += 8) {
        expect_message((struct misuse){.size_bytes = 48, .offset_bytes = offset},
                       "pointer is not the start of a block");
    }
}

Test(chain_misuse, in_the_unused_end_of_a_slab) {
    /* Two granules of 12 KiB blocks: 10 of them, then 8 KiB that are no block. */
    expect_message((struct misuse){.size_bytes = 12288, .offset_bytes = 9 * 12288},
                   "pointer is not the start of a block");
}

Test(chain_misuse, of_a_slab_that_is_gone) {
    expect_message((struct misuse){.size_bytes = 64, .kind_of_size = HAK_KIND_CLASS_LAST},
                   "double free: the block is free already");
}
