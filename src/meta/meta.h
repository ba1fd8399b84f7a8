/* SPDX-License-Identifier: MIT */
/* The metadata arena: memory for the allocator's own structures. Layer 2.
 *
 * Heaps, SuperSlab descriptors, slab bitmaps and TLS caches' slots live here,
 * away from the program's blocks: a program that overruns a block cannot reach
 * them. Memory is never returned to the OS, only reused for the same size, so
 * a pointer into it can always be read (type-stable memory is what the remote
 * free protocol rests on; docs/CONCURRENCY.md).
 *
 * Not for blocks, and not for large tables. Thread safe. */
#ifndef HAK_META_META_H
#define HAK_META_META_H

#include <stddef.h>

enum { HAK_META_SIZE_MAX_BYTES = 128 * 1024 };

/* Zeroed memory of `size_bytes`, at most HAK_META_SIZE_MAX_BYTES, aligned to a
 * cache line. NULL when the OS has none, and for larger sizes. */
void *hak_meta_alloc(size_t size_bytes);

/* Takes back what hak_meta_alloc gave for the same size. */
void hak_meta_free(void *memory, size_t size_bytes);

/* Address space taken from the OS so far. */
size_t hak_meta_mapped_bytes(void);

/* For fork. */
void hak_meta_lock(void);
void hak_meta_unlock(void);
void hak_meta_reset_in_child(void);

#endif
