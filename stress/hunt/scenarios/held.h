/* SPDX-License-Identifier: MIT */
/*
 * Who holds which bytes: a map of intervals beside the allocator, and a seeded tag in every block.
 *
 * A block that a thread gets must be as aligned and as large as was asked for, and share no byte
 * with one that anybody holds. Its tag is written into words spread over it, plain and observed as
 * a program's own writes are, and must still be there when the block is given back: whoever wrote
 * to it, or gave its pages to the kernel, is found; and if what one holder did is not ordered
 * before what the next one does, that is a data race. Nothing here is a scheduling point.
 */
#ifndef HUNT_SCENARIOS_HELD_H
#define HUNT_SCENARIOS_HELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whose account a block is in. */
enum held_tier { HELD_IN_SLAB, HELD_RUN, HELD_MAPPING, HELD_OTHER, HELD_TIERS };

/* The calling thread now has the block, all of its usable size; asked for with this size and
 * alignment. A finding: somebody has a byte of it, it is not aligned, or too small. */
void held_add(void *block, size_t size_bytes, size_t alignment_bytes);

/* As held_add(), of a block that came with `is_zero`. A finding too: a word of it that anybody's
 * tag was ever written to, or that its own will be, is not zero. */
void held_add_zeroed(void *block, size_t size_bytes, size_t alignment_bytes);

/* As held_add(), of a block that no body touches: without a tag. */
void held_add_untouched(void *block, size_t size_bytes, size_t alignment_bytes);

/* The calling thread is about to give the block back. A finding: nobody has it, or what was
 * written into it is not there any more. */
void held_remove(void *block);

/* What is not a block: no usable size, no tag, one holder at a time all the same. */
void held_claim(const void *start, size_t size_bytes);
void held_unclaim(const void *start);

/* How many are held now. */
unsigned held_count(enum held_tier tier);

/* At the end: what is still held has its tag. */
void held_check_all(void);

/* ---- a word of a block, as a program reads and writes it (word.c; observed) ---- */

uint64_t held_word_read(const uint64_t *word);
void held_word_write(uint64_t *word, uint64_t value);

#endif
