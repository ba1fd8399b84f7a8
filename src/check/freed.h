/* SPDX-License-Identifier: MIT */
/* Which runs and mappings were freed last, so that a second free of one is named as
 * what it is. Layer 6. Checked builds only. Thread safe, without locks.
 *
 * The record of a block of a size class outlives the block's free; a run's and a
 * mapping's goes with its memory, and their addresses then look like ones that
 * hakmem never gave out. What is kept here is for the report alone: nothing that
 * the allocator does depends on it.
 *
 *   entries[hash(granule)]    the last one freed at a granule with this hash
 *
 * An entry goes when its address is handed out again, as the start of a block or
 * inside one. */
#ifndef HAK_CHECK_FREED_H
#define HAK_CHECK_FREED_H

#include <stddef.h>
#include <stdint.h>

enum { HAK_FREED_COUNT = 1024 };

/* Remembers a run or mapping for which `requested_bytes` were asked, and that the
 * thread frees in `call` (a string that lives forever); call it while the block
 * still has its kind, so before it can be handed out again. Does nothing for
 * blocks of size classes. O(1). */
void hak_freed_note(const void *block, size_t requested_bytes, uint64_t thread_id,
                    const char *call);

/* This memory is the program's again. O(granules), HAK_FREED_COUNT at most. */
void hak_freed_forget(const void *start, size_t size_bytes);

/* Ends the program with a report when `block` was freed and its address has not
 * been handed out since; returns when nothing is known of it. */
void hak_freed_refuse(const void *block);

#endif
