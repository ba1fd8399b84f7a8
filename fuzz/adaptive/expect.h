/* SPDX-License-Identifier: MIT */
/**
 * @file expect.h
 * What the reference says to an event in a cache, brought into the model: the
 * decision, the blocks that go back, the log line.
 */
#ifndef HAK_FUZZ_ADAPTIVE_EXPECT_H
#define HAK_FUZZ_ADAPTIVE_EXPECT_H

#include "model.h"

/* The caches under test, and the time that they are told. ops.c */
extern struct hak_tcache adaptive_tcache;
extern uint64_t adaptive_now_ns;

/** What the class may grow to at present. */
uint32_t limit_of(size_t c);
void expect_grown(struct model_class *model, size_t c);
void expect_shrunk(struct model_class *model, size_t c);
void expect_excess_returned(struct model_class *model);
/** Whether a resize was excused: a request since `hits_before` was made to fail,
 *  and the capacity is what it was. */
bool was_refused(size_t c, uint64_t hits_before);
/** A window has ended. */
void expect_adaptation(size_t c, uint64_t hits_before);
/** The settings as the environment has them: an input finds them so. */
void expect_begin(void);
/** A refill filled the cache to `count`. */
void expect_refill(size_t class_index, uint32_t count, uint64_t hits_before);
/** A full cache was flushed, by half. */
void expect_flush_full(size_t class_index, uint64_t hits_before);

#endif
