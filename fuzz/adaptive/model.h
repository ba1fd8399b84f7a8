/* SPDX-License-Identifier: MIT */
/**
 * @file model.h
 * Where every block of fuzz_adaptive is: in which cache and slot, or in the
 * program's hands. Each live block carries a number in its first word that leads
 * back to it, so a block given out twice is found at once.
 */
#ifndef HAK_FUZZ_ADAPTIVE_MODEL_H
#define HAK_FUZZ_ADAPTIVE_MODEL_H

#include "reference.h"
#include "tcache/tcache.h"

enum { MODEL_HELD_MAX = 4096 };

struct model_class {
    void *cached[REFERENCE_SLOTS_MAX]; /* oldest first */
    void *held[MODEL_HELD_MAX];
    uint32_t cached_count, held_count;
    struct reference reference;
    uint64_t last_event; /* the number of its last refill or flush of a full cache */
    bool is_open;
};

/** Refills and flushes of full caches, of all classes, since the caches were made. */
extern uint64_t model_event_count;
extern struct model_class model_classes[REFERENCE_CLASS_COUNT];

void model_reset(void);
/** Blocks from the chain, above those that the cache had: must not be anybody's. */
void model_take_in(size_t class_index, void *const *blocks, uint32_t count);
/** Blocks that are about to go back must still carry their numbers. */
void model_demand_numbers(void *const *blocks, uint32_t count);
/** Takes the `count` oldest blocks of a cache out of the model. */
void model_drop_oldest(struct model_class *class, uint32_t count);
/** Compares one cache's counters, capacity and slots with the model. */
void model_compare(const struct hak_tcache *tcache, size_t class_index);
/** What the chain must count as live. */
size_t model_live_bytes(void);

#define ADAPTIVE_OUTCOMES(X)                                                                       \
    X(grew, "cache grown by a decision")                                                           \
    X(shrank, "cache shrunk by a decision")                                                        \
    X(kept, "cache kept by a decision")                                                            \
    X(kept_line, "Keep line written")                                                              \
    X(at_80, "decision at the last mark up to 80 %")                                               \
    X(at_20, "decision at the first mark from 20 %")                                               \
    X(kept_at_max, "over 80 % at the class's maximum")                                             \
    X(kept_at_min, "below 20 % at 16 slots")                                                       \
    X(at_2048, "decision at 2048 slots")                                                           \
    X(by_time, "window ended by time")                                                             \
    X(by_events, "window ended by ten events")                                                     \
    X(clamped, "refill clamped to the free slots")                                                 \
    X(clamped_at_16, "refill clamped in a cache of 16")                                            \
    X(skipped, "refill of a full cache skipped")                                                   \
    X(popped_empty, "pop of an empty cache")                                                       \
    X(flushed_full, "full cache flushed")                                                          \
    X(shrink_returned, "shrink returned blocks beyond the new capacity")                           \
    X(grow_refused, "grow refused at the maximum")                                                 \
    X(shrink_refused, "shrink refused at the minimum")                                             \
    X(expanded, "chain expanded")                                                                  \
    X(fixed, "fixed cache had ten events and kept its size")                                       \
    X(fault_hit, "request for memory failed")                                                      \
    X(resize_failed, "resize without memory")                                                      \
    X(idle, "idle class adapted")                                                                  \
    X(rested, "resting class gave its blocks back")                                                \
    X(not_reused, "flush of a cache that is not reused")                                           \
    X(grew_beyond, "swinging cache grown beyond its class's maximum")                              \
    X(over_allowance, "swinging cache kept: the thread's allowance is used up")                    \
    X(too_rare, "limit not raised: events too rare to pay for it")

enum adaptive_outcome {
#define X(name, text) OUTCOME_##name,
    ADAPTIVE_OUTCOMES(X)
#undef X
};

#endif
