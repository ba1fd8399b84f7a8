/* SPDX-License-Identifier: MIT */
/**
 * @file adaptive.h
 * The operations of fuzz_adaptive: one thread's TLS caches over a chain, with
 * every size of cache, refill, flush and clock step, against reference.h. Each
 * function makes the call, asks the reference what had to come of it (decision,
 * counters, blocks, log lines), and fails on the first difference.
 *
 * The model holds what is in each cache, in order, and what the program holds.
 */
#ifndef HAK_FUZZ_ADAPTIVE_H
#define HAK_FUZZ_ADAPTIVE_H

#include <stddef.h>
#include <stdint.h>

void adaptive_begin(void);
void adaptive_end(void);
void adaptive_verify_all(void);

/** Caches anew, of `capacity` slots where the class allows it; sizes adapt from
 *  there if `adapts`. */
void adaptive_restart(size_t capacity, size_t adapts);
void adaptive_pop(size_t class_index, size_t count);
/** A push into a full cache flushes it first, as free() does. */
void adaptive_push(size_t class_index, size_t count);
/** Asks for exactly so many blocks, however many are too many. */
void adaptive_refill(size_t class_index, size_t wanted);
/** Asks for as many as the cache says itself. */
void adaptive_refill_own(size_t class_index);
/** `times` refills of `wanted`, each after taking everything. */
void adaptive_churn(size_t class_index, size_t wanted, size_t times);
/** `times` flushes of a full cache. */
void adaptive_free_only(size_t class_index, size_t times);
/** `times` refills of an empty cache, each followed by flushes of the full one. */
void adaptive_swing(size_t class_index, size_t times);
void adaptive_flush(size_t class_index, size_t keep);
void adaptive_flush_all(void);
/** What an ending thread leaves: in each cache as much as a first refill brings. */
void adaptive_flush_for_adoption(void);
/** Classes whose last event lies 32 of others back give all they have cached. */
void adaptive_flush_resting(void);
void adaptive_grow(size_t class_index);
/** Eight classes that swing grow as far as they may: more than all together may have. */
void adaptive_grow_many(void);
void adaptive_shrink(size_t class_index);
/** Classes whose window has lasted its time adapt, refilled or not. */
void adaptive_idle(void);
/** The pure decision, for any mark and capacity. */
void adaptive_decide(size_t mark_per_mille, size_t capacity, size_t class_index);
/** HAKMEM_ADAPTIVE_REUSE: of flushes, those of blocks that come back count. */
void adaptive_reuse(size_t only);
void adaptive_clock(size_t ns);
void adaptive_log(size_t on);
/** The line at the start of the log. */
void adaptive_announce(void);
/** The `nth` request for memory fails, and `count - 1` more; 0: none. */
void adaptive_fault(size_t nth, size_t count);

#endif
