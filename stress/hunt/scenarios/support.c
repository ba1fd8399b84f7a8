/* SPDX-License-Identifier: MIT */
/* See support.h. Not observed: nothing here is a scheduling point, but for what it calls. */
#include "support.h"

#include "base/config.h"
#include "big/big_cache.h"
#include "big/big_table.h"
#include "big/mapping.h"
#include "check/heap_check.h"
#include "l25/l25.h"
#include "meta/meta.h"
#include "os/os_memory.h"
#include "superslab/pool.h"

#include <stdlib.h>

enum { PENDING_MAX = 64 };

/* Before the engine looks at what each schedule starts with. An abort is told
 * by the first line on stderr: that must be the report, not the adaptive log. */
__attribute__((constructor)) static void be_quiet(void) {
    hak_config.adaptive_log = false;
    setenv("HAKMEM_ADAPTIVE_LOG", "0", 1);
}

/* ---- chains ---- */

void chain_setup(struct hak_chain *chain, void *blocks[SMALL_COUNT]) {
    hunt_check(hak_region_init(true));
    hak_chain_init(chain);
    hunt_check(hak_chain_expand_owned(chain, SMALL_CLASS) != NULL);
    hunt_check(hak_chain_take_owned(chain, SMALL_CLASS, blocks, SMALL_COUNT) == SMALL_COUNT);
    for (unsigned i = 0; i < SMALL_COUNT; i++)
        held_add(blocks[i], SMALL_SIZE, ALIGNMENT);
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
    unsigned held = held_count(HELD_IN_SLAB);
    held_check_all();
    hak_chain_collect_owned(chain);
    /* Before the chain's own predicate, which would name the list that lost a slab, too. */
    hunt_check(hak_chain_live_bytes_owned(chain) == (size_t)held * SMALL_SIZE,
               "%zu bytes live, %u blocks held", hak_chain_live_bytes_owned(chain), held);
    hak_chain_verify_quiescent(chain);
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
        held_add(blocks[i], SMALL_SIZE, ALIGNMENT);
    }
    return heap;
}

void heap_attach(struct hak_heap *heap) {
    hak_tls = &heap->tcache;
    hak_os_thread_exit_arm();
}

void heaps_step(void) {
    modules_step();
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
    hak_heap_check_structures();
    hunt_check(live == cached + held_count(HELD_IN_SLAB), "%u blocks live: %u cached and %u held",
               live, cached, held_count(HELD_IN_SLAB));
    large_quiescent();
}

/* ---- what is not in slabs, and all of it ---- */

/* All that anybody has of what hak_os_reserve() gave. */
static size_t owned_bytes(const struct hak_l25_counts *l25, const struct hak_mapping_counts *big) {
    struct hak_big_cache_counts cache;
    hak_big_cache_count(&cache);
    size_t areas = hak_pool_count() + l25->chunk_count;
    for (const struct hak_heap *heap = hak_heap_first(); heap != NULL; heap = heap->all_next)
        areas += heap->chain.superslab_count;
    size_t buckets = cache.bucket_count > HAK_BIG_BUCKET_COUNT_MIN ? HAK_OS_PAGE_SIZE_BYTES : 0;
    return areas * HAK_SUPERSLAB_SIZE_BYTES + big->live_bytes + cache.cached_bytes + buckets +
           hak_meta_mapped_bytes();
}

void large_quiescent(void) {
    struct hak_l25_counts l25;
    struct hak_mapping_counts big;
    held_check_all();
    hak_l25_count(&l25);
    hak_mapping_count(&big);
    hunt_check(l25.run_count == held_count(HELD_RUN), "%u runs live, %u held", l25.run_count,
               held_count(HELD_RUN));
    hunt_check(big.live_count == held_count(HELD_MAPPING), "%u mappings live, %u held",
               (unsigned)big.live_count, held_count(HELD_MAPPING));
    size_t owned = owned_bytes(&l25, &big);
    hunt_check(hak_os_reserved_bytes() == owned,
               "%zu bytes of address space, %zu of them anybody's", hak_os_reserved_bytes(), owned);
}
