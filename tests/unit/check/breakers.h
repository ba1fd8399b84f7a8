/* SPDX-License-Identifier: MIT */
/**
 * @file breakers.h
 * One function for each row of the catalogue, break_ID, that breaks exactly
 * this invariant, by misuse or by writing into the allocator's structures, and
 * then lets the check look. None returns if the check works. A row without a
 * function fails to link.
 */
#ifndef TESTS_CHECK_BREAKERS_H
#define TESTS_CHECK_BREAKERS_H

#include "heap/heap.h"

#define HAK_INVARIANT(id, module, when, equation, meaning) void break_##id(void);
#include "base/invariants.def"
#undef HAK_INVARIANT

/** Further ways to break one, each for a part of its equation: break_NAME breaks ID. */
#define MORE_BREAKERS(X)                                                                           \
    X(held_and_free, SLAB_PLACES_APART)                                                            \
    X(held_and_remote, SLAB_PLACES_APART)                                                          \
    X(cached_and_free, SLAB_PLACES_APART)                                                          \
    X(cached_and_remote, SLAB_PLACES_APART)                                                        \
    X(cached_by_two_threads, TC_CACHED_ONCE)                                                       \
    X(shrink_forgets_a_kept_block, TC_SHRINK_CONSERVES)                                            \
    X(whole_slab_counts_one_live, SLAB_EMPTY_IS_WHOLE)                                             \
    X(pending_slab_not_pushed, PENDING_ONCE)                                                       \
    X(pending_slab_of_another_chain, PENDING_OWNER)                                                \
    X(shards_past_all_bounds, L25_SHARD_COUNT)                                                     \
    X(shards_past_the_bound, L25_SHARD_COUNT)                                                      \
    X(fewer_shards, L25_SHARD_COUNT)                                                               \
    X(heap_of_nobody, HEAP_ONE_OWNER)                                                              \
    X(heap_of_another_thread, HEAP_ONE_OWNER)                                                      \
    X(heap_adopted_twice, HEAP_ONE_OWNER)                                                          \
    X(heap_linked_twice, HEAP_ONE_OWNER)                                                           \
    X(heap_unlinked_unmarked, HEAP_ONE_OWNER)                                                      \
    X(more_given_than_were_out, SLAB_CONSERVATION)                                                 \
    X(slab_listed_twice, SLAB_LISTED)                                                              \
    X(slab_unlisted_twice, SLAB_LISTED)                                                            \
    X(superslab_offered_twice, SS_ROOM)                                                            \
    X(superslab_of_another_unlinked, SS_OWNER)                                                     \
    X(overfull_cache_grows, TC_COUNT)                                                              \
    X(table_without_an_oldest, BIG_SUMS)                                                           \
    X(shard_with_a_run_of_nothing, L25_BITMAP_UNION)

#define DECLARE(name, id) void break_##name(void);
MORE_BREAKERS(DECLARE)
#undef DECLARE

/** Sizes that the checked build gives a class of 48 and of 1024 bytes. Slabs of
 *  48 have 1365 blocks: the last word of their bitmaps is not full. */
enum { SIZE_OF_CLASS_48 = 32, SIZE_OF_CLASS_1024 = 1000 };

/** Allocates a few blocks of several classes and checks that all is well, so
 *  that whatever is reported afterwards is the breaker's doing. */
struct hak_heap *healthy_heap(void);

/** Of a live block of SIZE_OF_CLASS_48: its slab, its index there and its SuperSlab. */
struct hak_slab *healthy_slab(void);
uint32_t healthy_index(void);
struct hak_superslab *healthy_superslab(void);

/** What the class of 48 bytes is. */
uint32_t class_48(void);

/** The class's cache in the caller's heap, with some blocks in it. */
struct hak_tcache_class *healthy_cache(void);

/** Where a lower function has to misbehave for a check to fail: the function
 *  that test_invariants links in its place calls this, if it is set. */
struct misbehaviour {
    size_t alloc_at_most_bytes; /**< hak_heap_alloc_aligned: not more than this */
    void (*on_meta_free)(void); /**< hak_meta_free: as well */
    uint32_t flush_hides;       /**< hak_tcache_flush_owned: returns less by this */
    bool keeps_window;          /**< hak_adaptive_reset_window: does nothing */
    bool decides_otherwise;     /**< hak_adaptive_decide: another one */
    bool table_never_overfull;  /**< hak_big_table_is_overfull: false */
    bool memory_is_out;         /**< hak_os_reserve: NULL */
};
extern struct misbehaviour misbehaviour;

#endif
