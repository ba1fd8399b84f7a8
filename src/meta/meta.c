/* SPDX-License-Identifier: MIT */
/* The metadata arena: see meta.h. Layer 2.
 *
 * Sizes are rounded to whole cache lines up to 2 KiB, and above to a power of two
 * and two lines, because what is large here is a power of two and a little: slots
 * and a sentinel, slabs and a header. Each rounded size has a free list. New memory is
 * cut from the current chunk. Chunks become resident as they are touched, so a large
 * chunk costs a small process nothing. */
#include "meta/meta.h"

#include <stdint.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/constants.h"
#include "base/lock.h"
#include "os/os_memory.h"

enum {
    LINE_LIST_COUNT = 32,                 /* 64 to 2048 bytes */
    POWER_LIST_COUNT = 7,                 /* 2 KiB to 128 KiB, and two lines */
    EXTRA_BYTES = 2 * HAK_CACHE_LINE_BYTES,
    LIST_COUNT = LINE_LIST_COUNT + POWER_LIST_COUNT,
};

#define CHUNK_SIZE_BYTES HAK_MIB

/* What is free is linked through itself: it is ours alone. Every field: lock(meta). */
struct free_memory {
    struct free_memory *next;
};

static struct {
    struct hak_lock lock;
    char *cursor, *end;                   /* lock: what is left of the chunk */
    struct free_memory *lists[LIST_COUNT]; /* lock */
    size_t mapped_bytes;                  /* lock */
} arena = {.lock = HAK_LOCK_INIT(HAK_LOCK_RANK_META)};

static size_t round_size(size_t size_bytes, uint32_t *list_out) {
    if (size_bytes <= (size_t)LINE_LIST_COUNT * HAK_CACHE_LINE_BYTES) {
        size_t lines = (size_bytes + HAK_CACHE_LINE_BYTES - 1) / HAK_CACHE_LINE_BYTES;
        lines = lines == 0 ? 1 : lines;
        *list_out = (uint32_t)lines - 1;
        return lines * HAK_CACHE_LINE_BYTES;
    }
    size_t power = hak_power_of_two_ceil(size_bytes - EXTRA_BYTES);
    *list_out = LINE_LIST_COUNT + (uint32_t)__builtin_ctzll(power) - 11;
    return power + EXTRA_BYTES;
}

/* The rest of an old chunk is given up: less than one allocation's size. */
static bool refill_chunk_locked(size_t size_bytes) {
    char *chunk = hak_os_reserve(CHUNK_SIZE_BYTES, HAK_OS_PAGE_SIZE_BYTES);
    size_t size = CHUNK_SIZE_BYTES;
    if (chunk == NULL) { /* a limited address space may still have a little */
        size = hak_round_up(size_bytes, HAK_OS_PAGE_SIZE_BYTES);
        chunk = hak_os_reserve(size, HAK_OS_PAGE_SIZE_BYTES);
    }
    if (chunk == NULL) {
        return false;
    }
    hak_os_use_small_pages(chunk, size); /* a thread's share of it shall not cost 2 MiB */
    arena.cursor = chunk;
    arena.end = chunk + size;
    arena.mapped_bytes += size;
    return true;
}

static void *take_new_locked(size_t size_bytes) {
    if ((size_t)(arena.end - arena.cursor) < size_bytes && !refill_chunk_locked(size_bytes)) {
        return NULL;
    }
    void *memory = arena.cursor;
    arena.cursor += size_bytes;
    return memory;
}

void *hak_meta_alloc(size_t size_bytes) {
    uint32_t list;
    if (size_bytes > HAK_META_SIZE_MAX_BYTES) {
        return NULL;
    }
    size_t size = round_size(size_bytes, &list);
    hak_lock_acquire(&arena.lock);
    struct free_memory *memory = arena.lists[list];
    if (memory != NULL) {
        arena.lists[list] = memory->next;
        hak_lock_release(&arena.lock);
        return memset(memory, 0, size);
    }
    void *fresh = take_new_locked(size);
    hak_lock_release(&arena.lock);
    return fresh;
}

void hak_meta_free(void *memory, size_t size_bytes) {
    uint32_t list;
    struct free_memory *freed = memory;
    round_size(size_bytes, &list);
    hak_lock_acquire(&arena.lock);
    freed->next = arena.lists[list];
    arena.lists[list] = freed;
    hak_lock_release(&arena.lock);
}

size_t hak_meta_mapped_bytes(void) {
    hak_lock_acquire(&arena.lock);
    size_t bytes = arena.mapped_bytes;
    hak_lock_release(&arena.lock);
    return bytes;
}

void hak_meta_lock(void) {
    hak_lock_acquire(&arena.lock);
}

void hak_meta_unlock(void) {
    hak_lock_release(&arena.lock);
}

void hak_meta_reset_in_child(void) {
    hak_lock_reset_in_child(&arena.lock);
}
