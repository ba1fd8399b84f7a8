/* SPDX-License-Identifier: MIT */
/* The walk over everything. Layer 6. Checked builds only. */
#ifndef HAK_CHECK_HEAP_CHECK_H
#define HAK_CHECK_HEAP_CHECK_H

#include <stddef.h>

/* Verifies every invariant that holds while nothing runs: all heaps with their caches, the
 * pool, the L2.5 pool, the BigCache and the lists of heaps; and that each block of each slab
 * is in exactly one place. What other threads did last must have happened before (a join, a
 * barrier): their caches are read. Returns how many heaps and SuperSlabs it looked at. */
size_t hak_heap_check_all(void);

/* The same without the places of the blocks: for those who take blocks below the guard, where
 * no record says that they are the program's. */
size_t hak_heap_check_structures(void);

#endif
