/* SPDX-License-Identifier: MIT */
/* The pool of empty SuperSlabs, shared by all heaps. Layer 3. Thread safe.
 *
 * A heap that empties a SuperSlab gives it here instead of to the OS, and a
 * heap that expands looks here first. The pool keeps few with resident memory
 * and not many with none. */
#ifndef HAK_SUPERSLAB_POOL_H
#define HAK_SUPERSLAB_POOL_H

#include <stdint.h>

#include "superslab/superslab.h"

/* An empty SuperSlab, or NULL when the pool has none. */
struct hak_superslab *hak_pool_take(void);

/* Takes an empty SuperSlab. Purges it, or gives it to the OS, where the pool
 * holds enough of either sort already. */
void hak_pool_give(struct hak_superslab *superslab);

/* Purges SuperSlabs that lay here since the last tick; cheap when it is not yet
 * time. */
void hak_pool_tick(uint64_t now_ns);

/* Gives every SuperSlab here to the OS; returns how many there were. */
uint32_t hak_pool_trim(void);

uint32_t hak_pool_count(void);

/* For fork, and for the walk of hak_heap_check(). */
void hak_pool_lock(void);
void hak_pool_unlock(void);
void hak_pool_reset_in_child(void);
void hak_pool_verify(void);

#endif
