/* SPDX-License-Identifier: MIT */
/**
 * @file ops.h
 * The operations of fuzz_superslab: two heaps' chains and the pool of empty
 * SuperSlabs, against plain arrays of granules and of blocks (model.h). Blocks
 * of one chain are given back by it, by the other, or by nobody's (chain 2).
 */
#ifndef HAK_FUZZ_SUPERSLAB_OPS_H
#define HAK_FUZZ_SUPERSLAB_OPS_H

#include <stddef.h>
#include <stdint.h>

enum { SUPERSLAB_CHAIN_COUNT = 2 };

void superslab_begin(void);
void superslab_end(void);
void superslab_verify_all(void);

/** Takes up to `count` blocks; expands once where the chain has none. */
void superslab_take(size_t chain, size_t class_index, size_t count);
/** Gives `count` held blocks of the class back through `chain`, the oldest
 *  (0), the newest (1) or scattered ones first. */
void superslab_give(size_t chain, size_t class_index, size_t order_and_count);
/** Gives all held blocks of the class back through `chain`. */
void superslab_give_all(size_t chain, size_t class_index);
void superslab_expand(size_t chain, size_t class_index, size_t times);
void superslab_collect(size_t chain);
void superslab_trim(size_t chain, size_t purge);
/** The clock moves on, and the chain (and with it the pool) ticks. */
void superslab_tick(size_t chain, size_t ns);
/** The chain's thread ends: the next shall find more of its memory resident. */
void superslab_exit(size_t chain);
void superslab_pool_trim(void);
/** The pool's tick finds its lock taken: nothing happens. */
void superslab_busy_tick(size_t ns);
/** The pool as fork() leaves it, in the parent or the `child`. */
void superslab_fork(size_t child);
/** The `nth` request for memory fails, and `count - 1` more; 0: none. */
void superslab_fault(size_t nth, size_t count);

#endif
