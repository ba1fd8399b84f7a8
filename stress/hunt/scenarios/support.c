/* SPDX-License-Identifier: MIT */
/* See support.h. Not observed: nothing here is a scheduling point, but for what it calls. */
#include "support.h"

#include "base/config.h"
#include "check/heap_check.h"

#include <stdlib.h>

enum { HELD_MAX = 128, PENDING_MAX = 64 };

/* Before the engine looks at what each schedule starts with. An abort is told
 * by the first line on stderr: that must be the report, not the adaptive log. */
__attribute__((constructor)) static void be_quiet(void) {
    hak_config.adaptive_log = false;
    setenv("HAKMEM_ADAPTIVE_LOG", "0", 1);
}

static const void *held[HELD_MAX];
static unsigned held_used;

static unsigned held_find(const void *block) {
    unsigned i = 0;
    while (i < held_used && held[i] != block)
        i++;
    return i;
}

void held_add(const void *block) {
    hunt_check(held_find(block) == held_used, "block %p is handed out twice", block);
    hunt_check(held_used < HELD_MAX, "raise HELD_MAX");
    held[held_used++] = block;
}

void held_remove(const void *block) {
    unsigned at = held_find(block);
    hunt_check(at < held_used, "block %p is given back, but nobody has it", block);
    held[at] = held[--held_used];
}

unsigned held_count(void) {
    return held_used;
}

/* ---- chains ---- */

void chain_setup(struct hak_chain *chain, void *blocks[SMALL_COUNT]) {
    hunt_check(hak_region_init(true));
    hak_chain_init(chain);
    hunt_check(hak_chain_expand_owned(chain, SMALL_CLASS) != NULL);
    hunt_check(hak_chain_take_owned(chain, SMALL_CLASS, blocks, SMALL_COUNT) == SMALL_COUNT);
    for (unsigned i = 0; i < SMALL_COUNT; i++)
        held_add(blocks[i]);
}

void free_remotely(void *block) {
    held_remove(block);
    hak_chain_give_owned(NULL, hak_region_kind(block), &block, 1);
}

static const struct hak_slab *pending_of(const struct hak_chain *chain) {
    return hak_load_relaxed(&((struct hak_chain *)(uintptr_t)chain)->pending);
}

void chain_step(const struct hak_chain *chain) {
    unsigned count = 0;
    for (const struct hak_slab *s = pending_of(chain); s != NULL; s = s->pending_next) {
        hunt_check(s->chain == chain, "a slab of another chain is pending");
        hunt_check(++count <= PENDING_MAX, "a slab is on the pending stack twice");
    }
}

void chain_quiescent(struct hak_chain *chain) {
    hak_chain_collect_owned(chain);
    hak_chain_verify_quiescent(chain);
    hunt_check(hak_chain_live_bytes_owned(chain) == (size_t)held_used * SMALL_SIZE,
               "%zu bytes live, %u blocks held", hak_chain_live_bytes_owned(chain), held_used);
}

/* ---- heaps ---- */

struct hak_heap *heap_setup(void *blocks[], unsigned count) {
    struct hak_heap *heap = hak_heap_borrow();
    hunt_check(heap != NULL);
    for (unsigned i = 0; i < count; i++) {
        if (hak_chain_take_owned(&heap->chain, SMALL_CLASS, &blocks[i], 1) == 0) {
            hunt_check(hak_chain_expand_owned(&heap->chain, SMALL_CLASS) != NULL);
            hunt_check(hak_chain_take_owned(&heap->chain, SMALL_CLASS, &blocks[i], 1) == 1);
        }
        held_add(blocks[i]);
    }
    return heap;
}

void heap_attach(struct hak_heap *heap) {
    hak_tls = &heap->tcache;
    hak_os_thread_exit_arm();
}

void heaps_step(void) {
    for (const struct hak_heap *heap = hak_heap_first(); heap != NULL; heap = heap->all_next)
        chain_step(&heap->chain);
}

static uint32_t cached_blocks(const struct hak_heap *heap) {
    uint32_t count = 0;
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++)
        count += hak_tcache_count(&heap->tcache, c);
    return count;
}

static uint32_t live_blocks(const struct hak_heap *heap) {
    uint32_t count = 0;
    for (const struct hak_superslab *s = heap->chain.first; s != NULL; s = s->next)
        for (unsigned g = 0; g < HAK_GRANULES_PER_SUPERSLAB; g++)
            count += (s->bitmap >> g & 1) != 0 && s->slab_of[g] == g ? s->slabs[g].live_count : 0;
    return count;
}

void heaps_quiescent(void) {
    uint32_t live = 0, cached = 0;
    for (struct hak_heap *heap = hak_heap_first(); heap != NULL; heap = heap->all_next) {
        hak_chain_collect_owned(&heap->chain);
        live += live_blocks(heap);
        cached += cached_blocks(heap);
    }
    hak_heap_check_all();
    hunt_check(live == cached + held_used, "%u blocks live: %u cached and %u held", live, cached,
               held_used);
}
