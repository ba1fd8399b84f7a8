/* SPDX-License-Identifier: MIT */
/* Three threads, each with a heap and a random program of allocator calls: what meets is not chosen
 * by hand. Another program in each schedule; fuzz_hunt changes them operation by operation. */
#include "support.h"

#include "big/mapping.h"
#include "check/heap_check.h"
#include "l25/l25.h"

enum { BODIES = 3, OWN_MAX = 8, BIG_SIZE = 5 << 18 };

static struct hak_heap *heaps[BODIES];
static void *own[BODIES][OWN_MAX]; /* by thread */
static unsigned own_count[BODIES];
static _Atomic(void *) shelf[2]; /* blocks that anybody may take and free */

/* All heaps first: borrowing gives what was abandoned, and nothing is. */
static void setup(void) {
    for (unsigned i = 0; i < BODIES; i++)
        heaps[i] = heap_setup(own[i], 2);
    for (unsigned i = 0; i < BODIES; i++)
        own_count[i] = 2;
}

static void keep(void *block) {
    unsigned self = hunt_self();
    if (block == NULL)
        return;
    if (own_count[self] < OWN_MAX)
        own[self][own_count[self]++] = block;
    else
        front_free(block);
}

static void *drop(uint32_t which) {
    unsigned self = hunt_self();
    if (own_count[self] == 0)
        return NULL;
    unsigned at = which % own_count[self];
    void *block = own[self][at];
    own[self][at] = own[self][--own_count[self]];
    return block;
}

static void free_or_nothing(void *block) {
    if (block != NULL)
        front_free(block);
}

/* Puts a block on the shelf and frees what lay there, which may be another heap's. */
static void exchange(uint32_t argument) {
    void *block = drop(argument >> 1);
    free_or_nothing(atomic_exchange_explicit(&shelf[argument & 1], block, memory_order_acq_rel));
}

static void collect(void) {
    struct hak_heap *heap = hak_heap_current();
    if (heap == NULL)
        return;
    hak_lock_acquire(&heap->lock);
    hak_tcache_flush_all_owned(&heap->tcache, &heap->chain);
    hak_chain_trim_owned(&heap->chain, false);
    hak_lock_release(&heap->lock);
}

/* Its heap goes to whoever wants one; the next operation that needs a heap adopts. */
static void abandon(void) {
    struct hak_heap *heap = (struct hak_heap *)(void *)hak_tls;
    if (hak_tls == &hak_tcache_none)
        return;
    hak_tls = &hak_tcache_none;
    hak_heap_abandon(heap);
}

static void run(uint32_t argument) {
    bool is_zero;
    size_t size = (1 + argument % 3) * HAK_GRANULE_SIZE_BYTES;
    void *block = hak_l25_alloc(size, 1, argument, &is_zero);
    keep(got_large(block, size, HAK_GRANULE_SIZE_BYTES, is_zero));
}

static void big(void) {
    bool is_zero;
    void *block = hak_mapping_alloc(BIG_SIZE, 1, &is_zero);
    keep(got_large(block, BIG_SIZE, HAK_SUPERSLAB_SIZE_BYTES, is_zero));
}

static void apply(uint32_t op) {
    uint32_t argument = op >> 8;
    switch (op % 12) {
    case 0:
    case 1:
        keep(front_alloc(SMALL_SIZE));
        break;
    case 2:
        keep(front_alloc(SMALL_SIZE - 1024 * (1 + argument % 2)));
        break;
    case 3:
    case 4:
        free_or_nothing(drop(argument));
        break;
    case 5:
    case 6:
        exchange(argument);
        break;
    case 7:
        collect();
        break;
    case 8:
        abandon();
        break;
    case 9:
        hak_heap_reclaim_abandoned((argument & 1) != 0);
        break;
    case 10:
        run(argument);
        break;
    default:
        big();
    }
}

static void body(void) {
    heap_attach(heaps[hunt_self()]);
    for (unsigned i = 0; i < hunt_op_count(); i++)
        apply(hunt_op(i));
}

HUNT_SCENARIO(programs) = {.name = "programs",
                           .summary = "random programs of allocator calls",
                           .op_count_min = 1,
                           .op_count_max = 5,
                           .fault_max = 1,
                           .setup = setup,
                           .body = {body, body, body},
                           .step_invariant = heaps_step,
                           .quiescent_invariant = heaps_quiescent};
