/* SPDX-License-Identifier: MIT */
/* Chunks of the L2.5 pool: see l25_chunk.h. Layer 3. */
#include "l25/l25_chunk.h"

#include "base/atomic.h"
#include "base/bitmap.h"
#include "base/check.h"
#include "meta/meta.h"
#include "region/granules.h"
#include "region/region_map.h"
#include "region/space.h"

static char *granule_address(const struct hak_l25_chunk *chunk, uint32_t granule) {
    return chunk->base + ((size_t)granule << HAK_GRANULE_SHIFT);
}

/* The longest group of set bits. */
static uint32_t longest_group(uint32_t bits) {
    uint32_t length = 0;
    for (; bits != 0; bits &= bits >> 1) {
        length++;
    }
    return length;
}

struct hak_l25_chunk *hak_l25_chunk_create(uint32_t shard) {
    struct hak_l25_chunk *chunk = hak_meta_alloc(sizeof *chunk);
    if (chunk == NULL) {
        return NULL;
    }
    chunk->base = hak_space_take(chunk, &chunk->dirty);
    if (chunk->base == NULL) {
        hak_meta_free(chunk, sizeof *chunk);
        return NULL;
    }
    chunk->shard = shard;
    chunk->largest_free = HAK_GRANULES_PER_SUPERSLAB;
    return chunk;
}

void hak_l25_chunk_destroy(struct hak_l25_chunk *chunk) {
    hak_assert(chunk->bitmap == 0, L25_BITMAP_UNION, chunk->bitmap);
    hak_space_give(chunk->base);
    hak_meta_free(chunk, sizeof *chunk);
}

static uint32_t find_aligned(uint32_t bits, uint32_t count, uint32_t align) {
    for (uint32_t at = 0; at + count <= HAK_GRANULES_PER_SUPERSLAB; at += align) {
        uint32_t mask = hak_mask32(at, count);
        if ((bits & mask) == mask) {
            return at;
        }
    }
    return HAK_GRANULES_PER_SUPERSLAB;
}

static uint32_t find(uint32_t bits, uint32_t count, uint32_t align) {
    return align == 1 ? hak_bit_find_group32(bits, count) : find_aligned(bits, count, align);
}

uint32_t hak_l25_chunk_find(const struct hak_l25_chunk *chunk, uint32_t count, uint32_t align) {
    uint32_t at = find(chunk->dirty, count, align);
    return at != HAK_GRANULES_PER_SUPERSLAB ? at : find(~chunk->bitmap, count, align);
}

/* Marks granules used; returns those of them that were dirty. */
static uint32_t claim(struct hak_l25_chunk *chunk, uint32_t mask) {
    uint32_t warm = chunk->dirty & mask;
    hak_assert((chunk->bitmap & mask) == 0, L25_RUN_FREE, chunk->bitmap, mask);
    chunk->bitmap |= mask;
    chunk->dirty &= ~mask;
    chunk->aged &= ~mask;
    chunk->largest_free = longest_group(~chunk->bitmap);
    return warm;
}

static void unclaim(struct hak_l25_chunk *chunk, uint32_t mask) {
    chunk->bitmap &= ~mask;
    chunk->dirty |= mask;
    chunk->largest_free = longest_group(~chunk->bitmap);
}

/* Checked builds: a freed run's record says that its first granule holds the
 * free fill. That ends when the granule is purged or used otherwise. */
static void forget_records(struct hak_l25_chunk *chunk, uint32_t first, uint32_t end) {
    for (uint32_t g = first; g < end && HAK_CHECK_LEVEL >= 1; g++) {
        hak_store_relaxed(&chunk->records[g], (uint64_t)0); /* the lock orders it */
    }
}

void *hak_l25_chunk_take(struct hak_l25_chunk *chunk, uint32_t first, uint32_t count,
                         bool *is_zero) {
    char *address = granule_address(chunk, first);
    hak_assert(count >= 1 && first + count <= HAK_GRANULES_PER_SUPERSLAB, L25_RUN_FREE, first, count);
    bool keeps_record = (chunk->dirty >> first & 1) != 0;
    forget_records(chunk, first + keeps_record, first + count);
    *is_zero = claim(chunk, hak_mask32(first, count)) == 0;
    chunk->run_length[first] = (uint8_t)count;
    hak_region_set_kind(address, 1, HAK_KIND_RUN);
    hak_region_set_kind(address + HAK_GRANULE_SIZE_BYTES, count - 1, HAK_KIND_INTERIOR);
    hak_assert_valid(l25_chunk, chunk);
    return address;
}

void hak_l25_chunk_give(struct hak_l25_chunk *chunk, uint32_t first) {
    uint32_t count = chunk->run_length[first];
    hak_region_set_kind(granule_address(chunk, first), count, HAK_KIND_NONE);
    chunk->run_length[first] = 0;
    unclaim(chunk, hak_mask32(first, count));
    hak_assert_valid(l25_chunk, chunk);
}

bool hak_l25_chunk_resize(struct hak_l25_chunk *chunk, uint32_t first, uint32_t new_count) {
    uint32_t old_count = chunk->run_length[first];
    uint32_t end = first + (old_count < new_count ? old_count : new_count);
    uint32_t difference = old_count < new_count ? new_count - old_count : old_count - new_count;
    if (new_count > old_count) {
        if (first + new_count > HAK_GRANULES_PER_SUPERSLAB ||
            (chunk->bitmap & hak_mask32(end, difference)) != 0) {
            return false;
        }
        claim(chunk, hak_mask32(end, difference));
        forget_records(chunk, end, end + difference);
        hak_region_set_kind(granule_address(chunk, end), difference, HAK_KIND_INTERIOR);
    } else if (new_count < old_count) {
        hak_region_set_kind(granule_address(chunk, end), difference, HAK_KIND_NONE);
        unclaim(chunk, hak_mask32(end, difference));
    }
    chunk->run_length[first] = (uint8_t)new_count;
    hak_assert_valid(l25_chunk, chunk);
    return true;
}

uint32_t hak_l25_chunk_purge(struct hak_l25_chunk *chunk, uint32_t mask) {
    uint32_t todo = chunk->dirty & mask, count = hak_bit_count32(todo);
    chunk->dirty &= ~todo;
    chunk->aged &= ~todo;
    hak_purge_granules(chunk->base, todo);
    return count;
}
