/* SPDX-License-Identifier: MIT */
/**
 * @file arena.h
 * Memory for the allocator that was touched before. While fuzzing, half of the time
 * went to the kernel, for mappings and first touches; here what the allocator gives
 * back is cleared and handed out again, without either. Only pages that the target
 * says it wrote are cleared, and now and then the others are looked at: whoever
 * wrote there wrote to memory that is not his. fault_os.c puts the arena between
 * src/ and the system; replays, whose use of memory that was given back is to end
 * in a signal, do without it.
 *
 * Not thread safe: threads of a program run in sequence.
 */
#ifndef HAK_FUZZ_ARENA_H
#define HAK_FUZZ_ARENA_H

#include <stdbool.h>
#include <stddef.h>

/** From now on reservations come from the arena, where they fit. */
void hak_fuzz_arena_enable(void);

/** Whether an address lies in the arena. */
bool hak_fuzz_arena_has(const void *address);

/** Zeroed memory, or NULL: off, full, or too large. */
void *hak_fuzz_arena_take(size_t size_bytes, size_t alignment_bytes);

/** Takes a reservation back, or the last part of one that is given up altogether. */
void hak_fuzz_arena_give(void *address, size_t size_bytes);

/** The target, or the allocator on its behalf, has written there. */
void hak_fuzz_arena_wrote(const void *address, size_t size_bytes);

/** The allocator will copy `from` to `to` itself, byte by byte. */
void hak_fuzz_arena_wrote_like(const void *to, const void *from, size_t size_bytes);

/** Makes memory that stays reserved read as zero. */
void hak_fuzz_arena_clear(void *address, size_t size_bytes);

/** Resizes a reservation in place; false when what follows is in use. */
bool hak_fuzz_arena_resize(void *address, size_t old_size_bytes, size_t new_size_bytes);

/** Bytes reserved, as hak_os_reserved_bytes() counts them. */
size_t hak_fuzz_arena_reserved_bytes(void);

/** Copies what was written at `from`, which need not be the arena's, to zeroed
 *  memory at `to`, which need not be either. */
void hak_fuzz_arena_copy(void *to, const void *from, size_t size_bytes);

#endif
