/* SPDX-License-Identifier: MIT */
/* The walk over everything. Layer 6. Checked builds only. */
#ifndef HAK_CHECK_HEAP_CHECK_H
#define HAK_CHECK_HEAP_CHECK_H

#include <stddef.h>

/* Verifies every invariant that holds while nothing runs: all heaps, the pool,
 * the L2.5 pool, the BigCache and the lists of heaps. Returns how many heaps
 * and SuperSlabs it looked at. */
size_t hak_heap_check_all(void);

#endif
