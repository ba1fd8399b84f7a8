/* SPDX-License-Identifier: MIT */
/* Breakers of locks, the region map, SuperSlabs and slabs: breakers.h. */
#include "base/bitmap.h"
#include "base/lock.h"
#include "base/size_class.h"
#include "hakmem.h"
#include "region/region_map.h"
#include "superslab/chain_lists.h"
#include "superslab/pool.h"
#include "unit/check/breakers.h"

static struct hak_chain chain; /* one of our own, beside the heaps' */

/* A slab of class 48 of our own chain; all its blocks in `blocks` when asked. */
static struct hak_slab *own_slab(void **blocks) {
    hak_chain_init(&chain);
    struct hak_superslab *superslab = hak_chain_expand_owned(&chain, class_48());
    struct hak_slab *slab = &superslab->slabs[0];
    if (blocks != NULL) {
        hak_chain_take_owned(&chain, class_48(), blocks, slab->block_count);
    }
    return slab;
}

void break_LOCK_ORDER(void) {
    struct hak_lock low = HAK_LOCK_INIT(HAK_LOCK_RANK_HEAP);
    struct hak_lock high = HAK_LOCK_INIT(HAK_LOCK_RANK_POOL);
    hak_lock_acquire(&high);
    hak_lock_acquire(&low);
}

void break_LOCK_HELD(void) {
    struct hak_lock lock = HAK_LOCK_INIT(HAK_LOCK_RANK_HEAP);
    hak_lock_release(&lock);
}

void break_CLASS_COVERS(void) {
    misbehaviour.alloc_at_most_bytes = 64; /* the fault of the missing + 1 */
    hak_malloc(64);
}

void break_REGION_UNCLAIMED(void) {
    hak_region_set_kind(healthy_superslab()->base, 1, HAK_KIND_RUN);
}

void break_SS_BITMAP_UNION(void) {
    healthy_superslab()->bitmap |= UINT32_C(1) << 31;
    hak_heap_check();
}

/* A slab that says it goes on past its SuperSlab's end: no overlap, and the
 * same bits, but not the same number. */
void break_SS_GRANULE_COUNT(void) {
    hak_chain_init(&chain);
    struct hak_superslab *superslab = hak_chain_expand_owned(&chain, class_48());
    hak_superslab_carve_owned(superslab, class_48(), 31)->granule_count = 2;
    hak_superslab_verify(superslab);
}

void break_SS_REGION_AGREES(void) {
    const char *last = healthy_superslab()->base + 31 * HAK_GRANULE_SIZE_BYTES;
    hak_region_set_kind(last, 1, HAK_KIND_RUN);
    hak_heap_check();
}

/* A SuperSlab from the pool that is whole in itself, but not empty. */
void break_SS_EXPANSION_BITMAP(void) {
    struct hak_superslab *used = hak_superslab_create();
    hak_superslab_carve_owned(used, class_48(), 5);
    hak_pool_give(used);
    hak_chain_init(&chain);
    hak_chain_expand_owned(&chain, class_48());
}

void break_SS_CHAIN(void) {
    healthy_heap()->chain.superslab_count++;
    hak_heap_check();
}

/* A SuperSlab with room that no search for granules comes by. */
void break_SS_ROOM(void) {
    healthy_superslab()->in_room_list = false;
    hak_heap_check();
}

void break_SS_OWNER(void) {
    healthy_superslab()->chain = NULL;
    hak_heap_check();
}

void break_SS_DIRTY_FREE(void) {
    struct hak_superslab *superslab = healthy_superslab();
    superslab->dirty |= superslab->bitmap & 1;
    hak_heap_check();
}

void break_SS_DIRTY_SUM(void) {
    healthy_heap()->chain.dirty_granule_count++;
    hak_heap_check();
}

void break_SLAB_BITS_IN_RANGE(void) {
    struct hak_slab *slab = healthy_slab();
    slab->local[slab->word_count - 1] |= (uint64_t)1 << 63;
    hak_heap_check();
}

void break_SLAB_CONSERVATION(void) {
    healthy_slab()->live_count++;
    hak_heap_check();
}

/* A bit that is set and never announced: the owner would not come for it. */
void break_SLAB_REMOTE_COUNT(void) {
    hak_slab_give_remote(healthy_slab(), healthy_index() / 64, (uint64_t)1 << (healthy_index() % 64));
    hak_heap_check();
}

/* A block that is free in the slab comes back from another thread. */
void break_SLAB_ONE_PLACE(void) {
    struct hak_slab *slab = own_slab(NULL);
    hak_slab_give_remote(slab, 0, (uint64_t)1 << 7);
    hak_slab_announce_remote(slab, 1);
    hak_chain_collect_owned(&chain);
}

void break_SLAB_HINT(void) {
    struct hak_slab *slab = healthy_slab();
    slab->first_word = slab->word_count;
    hak_heap_check();
}

void break_SLAB_LISTED(void) {
    healthy_slab()->is_listed = false;
    hak_heap_check();
}

/* The count says that all are back, and one is not. */
void break_SLAB_EMPTY_IS_WHOLE(void) {
    healthy_slab()->live_count = 0;
    hak_superslab_uncarve_owned(healthy_superslab(), healthy_slab());
}

/* All blocks are there, and the count says that one is out. */
void break_whole_slab_counts_one_live(void) {
    struct hak_slab *slab = own_slab(NULL);
    slab->live_count = 1;
    hak_superslab_uncarve_owned(hak_superslab_of_slab(slab), slab);
}

void break_SLAB_HAS_ROOM(void) {
    void *blocks[HAK_GRANULE_SIZE_BYTES / 48];
    hak_chain_list_slab(&chain, own_slab(blocks));
    hak_chain_take_owned(&chain, class_48(), blocks, 1);
}

/* --- Conditions of O(1) in what changes lists and counts ------------------ */

void break_more_given_than_were_out(void) {
    void *blocks[HAK_GRANULE_SIZE_BYTES / 48];
    struct hak_slab *slab = own_slab(blocks);
    slab->live_count = 0;
    hak_chain_give_owned(&chain, (enum hak_kind)slab->kind, blocks, 1);
}

void break_slab_listed_twice(void) {
    hak_chain_list_slab(&chain, own_slab(NULL));
}

void break_slab_unlisted_twice(void) {
    struct hak_slab *slab = own_slab(NULL);
    hak_chain_unlist_slab(&chain, slab);
    hak_chain_unlist_slab(&chain, slab);
}

void break_superslab_offered_twice(void) {
    hak_chain_link_room(&chain, hak_superslab_of_slab(own_slab(NULL)));
}

void break_superslab_of_another_unlinked(void) {
    static struct hak_chain other;
    hak_chain_init(&other);
    hak_chain_unlink_superslab(&other, hak_superslab_of_slab(own_slab(NULL)));
}
