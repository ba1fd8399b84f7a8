/* SPDX-License-Identifier: MIT */
/* The invariants of chunks and shards. Layer 3. Checked builds only. */
#include "base/bitmap.h"
#include "base/check.h"
#include "l25/l25_chunk.h"
#include "l25/l25_shard.h"
#include "region/region_map.h"

/* The granules of all runs, which must not overlap; `*starts_out`: their first ones. */
static uint32_t union_of_runs(const struct hak_l25_chunk *chunk, uint32_t *starts_out) {
    uint32_t all = 0, starts = 0;
    for (uint32_t g = 0; g < HAK_GRANULES_PER_SUPERSLAB; g++) {
        uint32_t length = chunk->run_length[g];
        if (length != 0) {
            uint32_t mask = hak_mask32(g, length);
            hak_verify((all & mask) == 0, L25_BITMAP_UNION, all, mask, g);
            all |= mask;
            starts |= (uint32_t)1 << g;
        }
    }
    *starts_out = starts;
    return all;
}

void hak_l25_chunk_verify(const struct hak_l25_chunk *chunk) {
    uint32_t starts, all = union_of_runs(chunk, &starts);
    hak_verify(all == chunk->bitmap, L25_BITMAP_UNION, chunk->bitmap, all);
    hak_verify((chunk->dirty & chunk->bitmap) == 0 && (chunk->aged & ~chunk->dirty) == 0,
               SS_DIRTY_FREE, chunk->dirty, chunk->bitmap, chunk->aged);
    const char *address = chunk->base;
    for (uint32_t g = 0; g < HAK_GRANULES_PER_SUPERSLAB; g++, address += HAK_GRANULE_SIZE_BYTES) {
        uint32_t found = hak_region_kind(address);
        uint32_t expected = (starts >> g & 1) != 0 ? HAK_KIND_RUN
                            : (all >> g & 1) != 0  ? HAK_KIND_INTERIOR
                                                   : HAK_KIND_NONE;
        hak_verify(found == expected, L25_REGION_AGREES, g, found, expected);
    }
}

/* Of lists that are not empty. */
static uint64_t mask_of_rooms(const struct hak_l25_shard *shard) {
    uint64_t mask = 0;
    for (uint32_t room = 0; room <= HAK_GRANULES_PER_SUPERSLAB; room++) {
        mask |= (uint64_t)(shard->by_room[room] != NULL) << room;
    }
    return mask;
}

void hak_l25_shard_verify_locked(const struct hak_l25_shard *shard, uint32_t index) {
    uint32_t chunks = 0, granules = 0, dirty = 0;
    uint64_t rooms = mask_of_rooms(shard);
    hak_verify(shard->room_mask == rooms, L25_BITMAP_UNION, shard->room_mask, rooms);
    for (; rooms != 0; rooms &= rooms - 1) {
        uint32_t room = hak_bit_lowest64(rooms);
        for (const struct hak_l25_chunk *c = shard->by_room[room]; c != NULL; c = c->next) {
            hak_verify(c->shard == index, L25_HOME, c->shard, index, (uintptr_t)c);
            hak_verify(c->largest_free == room, L25_BITMAP_UNION, c->largest_free, room);
            hak_l25_chunk_verify(c);
            chunks++;
            granules += hak_bit_count32(c->bitmap);
            dirty += hak_bit_count32(c->dirty);
        }
    }
    hak_verify(chunks == shard->chunk_count, L25_BITMAP_UNION, chunks, shard->chunk_count);
    hak_verify(granules == shard->run_granule_count, L25_BITMAP_UNION, granules,
               shard->run_granule_count);
    hak_verify(dirty == shard->dirty_count, SS_DIRTY_SUM, dirty, shard->dirty_count);
}
