/* SPDX-License-Identifier: MIT */
/* Guard: what checked builds put around every block. Layer 6. Checked builds
 * only; release builds do not contain it.
 *
 *   block                    block + requested           block + size of block
 *   | what the program asked for | canary (at least 16 bytes) ... |
 *
 * - The guard bytes are added to the request before its class is chosen, so a
 *   request of exactly a class's size gets the next class.
 * - Each block has a record outside of it: requested size, state, the thread
 *   that changed it last. Changing it is one atomic exchange, so of two frees of
 *   a block one fails, whichever threads they come from.
 * - A freed block is filled; the fill is verified when it is handed out again.
 *
 * Whole tails up to 128 bytes are canary; whole blocks up to 64 KiB are filled,
 * the first 64 KiB of larger ones. */
#ifndef HAK_CHECK_GUARD_H
#define HAK_CHECK_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HAK_GUARD_SIZE_BYTES = 16,
    HAK_GUARD_CANARY_MAX_BYTES = 128,
    HAK_GUARD_FILL_MAX_BYTES = 64 * 1024,
    HAK_GUARD_CANARY = 0xC5,
    HAK_GUARD_FILL = 0xDF,
};

/* The family's functions on guarded blocks; `call` is for reports. Allocation
 * gives NULL without memory (errno is the caller's business). */
void *hak_guard_alloc(size_t size_bytes, size_t alignment_bytes, const char *call);
void *hak_guard_calloc(size_t size_bytes, const char *call);
void *hak_guard_realloc(void *block, size_t size_bytes, const char *call);
void hak_guard_free(void *block, const char *call);

/* As free, verifying that `size_bytes` was asked for and that the block has the
 * alignment. */
void hak_guard_free_sized(void *block, size_t alignment_bytes, size_t size_bytes,
                          const char *call);

/* Exactly what was asked for. */
size_t hak_guard_usable_size(const void *block, const char *call);

#endif
