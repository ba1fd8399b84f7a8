/* SPDX-License-Identifier: MIT */
/* One shard of the L2.5 pool: see l25_shard.h. Layer 3. */
#include "l25/l25_shard.h"

#include "base/bitmap.h"
#include "base/check.h"

enum { ROOM_ALL = HAK_GRANULES_PER_SUPERSLAB };

/* What is known of the counts in O(1); the whole predicate walks the chunks. */
static void assert_counts(const struct hak_l25_shard *shard) {
    uint32_t granules = shard->chunk_count * HAK_GRANULES_PER_SUPERSLAB;
    hak_assert(shard->run_count <= shard->run_granule_count, L25_BITMAP_UNION, shard->run_count,
               shard->run_granule_count);
    hak_assert(shard->run_granule_count + shard->dirty_count <= granules, L25_BITMAP_UNION,
               shard->run_granule_count, shard->dirty_count, granules);
    hak_assert((shard->room_mask == 0) == (shard->chunk_count == 0), L25_BITMAP_UNION,
               shard->room_mask, shard->chunk_count);
}

/* What every `_locked` function relies on: this shard's lock, not another's; and what it leaves. */
static void assert_locked(const struct hak_l25_shard *shard) {
    hak_assert(hak_lock_is_held(&shard->lock), LOCK_HELD, (uintptr_t)&shard->lock);
    assert_counts(shard);
}

static void link_chunk(struct hak_l25_shard *shard, struct hak_l25_chunk *chunk) {
    struct hak_l25_chunk **head = &shard->by_room[chunk->largest_free];
    chunk->prev = NULL;
    chunk->next = *head;
    if (*head != NULL) {
        (*head)->prev = chunk;
    }
    *head = chunk;
    shard->room_mask |= (uint64_t)1 << chunk->largest_free;
}

/* `room` is the list the chunk is in; its largest_free may be newer. */
static void unlink_from(struct hak_l25_shard *shard, struct hak_l25_chunk *chunk, uint32_t room) {
    if (chunk->prev != NULL) {
        chunk->prev->next = chunk->next;
    } else {
        shard->by_room[room] = chunk->next;
    }
    if (chunk->next != NULL) {
        chunk->next->prev = chunk->prev;
    }
    if (shard->by_room[room] == NULL) {
        shard->room_mask &= ~((uint64_t)1 << room);
    }
    chunk->next = chunk->prev = NULL;
}

/* After a change: the list that fits it now. */
static void relink(struct hak_l25_shard *shard, struct hak_l25_chunk *chunk, uint32_t old_room) {
    if (chunk->largest_free != old_room) {
        unlink_from(shard, chunk, old_room);
        link_chunk(shard, chunk);
    }
}

static void *take_from(struct hak_l25_shard *shard, struct hak_l25_chunk *chunk, uint32_t first,
                       uint32_t count, bool *is_zero) {
    uint32_t room = chunk->largest_free, dirty = hak_bit_count32(chunk->dirty);
    void *run = hak_l25_chunk_take(chunk, first, count, is_zero);
    uint32_t warm = dirty - hak_bit_count32(chunk->dirty);
    shard->dirty_count -= warm;
    shard->run_count++;
    shard->run_granule_count += count;
    hak_purge_policy_note_cold(&shard->purge, count - warm);
    relink(shard, chunk, room);
    assert_counts(shard);
    return run;
}

void *hak_l25_shard_add_and_take_locked(struct hak_l25_shard *shard, struct hak_l25_chunk *chunk,
                                        uint32_t count, bool *is_zero) {
    assert_locked(shard);
    link_chunk(shard, chunk);
    shard->chunk_count++;
    shard->dirty_count += hak_bit_count32(chunk->dirty);
    return take_from(shard, chunk, 0, count, is_zero);
}

void *hak_l25_shard_take_locked(struct hak_l25_shard *shard, uint32_t count, uint32_t align,
                                bool *is_zero) {
    assert_locked(shard);
    uint64_t lists = shard->room_mask >> count << count;
    for (; lists != 0; lists &= lists - 1) {
        struct hak_l25_chunk *chunk = shard->by_room[hak_bit_lowest64(lists)];
        for (; chunk != NULL; chunk = chunk->next) {
            uint32_t first = hak_l25_chunk_find(chunk, count, align);
            if (first != HAK_GRANULES_PER_SUPERSLAB) {
                return take_from(shard, chunk, first, count, is_zero);
            }
        }
    }
    return NULL;
}

static void purge_over_limit(struct hak_l25_shard *shard) {
    uint32_t target = shard->purge.dirty_limit / 2;
    for (uint32_t room = ROOM_ALL; room > 0; room--) { /* the emptiest chunks first */
        for (struct hak_l25_chunk *c = shard->by_room[room]; c != NULL; c = c->next) {
            if (shard->dirty_count <= target) {
                return;
            }
            uint32_t purged = hak_l25_chunk_purge(c, UINT32_MAX);
            shard->dirty_count -= purged;
            shard->purge.purged_since_tick += purged;
        }
    }
}

struct hak_l25_chunk *hak_l25_shard_give_locked(struct hak_l25_shard *shard,
                                                struct hak_l25_chunk *chunk, uint32_t first) {
    assert_locked(shard);
    uint32_t room = chunk->largest_free, count = chunk->run_length[first];
    hak_l25_chunk_give(chunk, first);
    shard->run_count--;
    shard->run_granule_count -= count;
    shard->dirty_count += count;
    relink(shard, chunk, room);
    if (shard->dirty_count > shard->purge.dirty_limit) {
        purge_over_limit(shard);
    }
    assert_counts(shard);
    /* One empty chunk stays for the next run; so do those with memory worth
     * keeping. */
    bool spare = chunk->bitmap == 0 && chunk->dirty == 0 &&
                 (shard->by_room[ROOM_ALL] != chunk || chunk->next != NULL);
    if (!spare) {
        return NULL;
    }
    unlink_from(shard, chunk, ROOM_ALL);
    shard->chunk_count--;
    return chunk;
}

bool hak_l25_shard_resize_locked(struct hak_l25_shard *shard, struct hak_l25_chunk *chunk,
                                 uint32_t first, uint32_t new_count) {
    assert_locked(shard);
    uint32_t room = chunk->largest_free, dirty = hak_bit_count32(chunk->dirty);
    uint32_t old_count = chunk->run_length[first];
    if (!hak_l25_chunk_resize(chunk, first, new_count)) {
        return false;
    }
    shard->run_granule_count += new_count - old_count; /* modulo 2^32: may shrink */
    shard->dirty_count += hak_bit_count32(chunk->dirty) - dirty;
    relink(shard, chunk, room);
    assert_counts(shard);
    return true;
}

void hak_l25_shard_tick_locked(struct hak_l25_shard *shard, uint64_t now_ns) {
    assert_locked(shard);
    if (now_ns < shard->purge.tick_ns + HAK_PURGE_DELAY_NS) {
        return;
    }
    hak_purge_policy_note_tick(&shard->purge, now_ns);
    for (uint32_t room = 0; room <= ROOM_ALL; room++) {
        for (struct hak_l25_chunk *c = shard->by_room[room]; c != NULL; c = c->next) {
            shard->dirty_count -= hak_l25_chunk_purge(c, c->aged);
            c->aged = c->dirty;
        }
    }
}

uint32_t hak_l25_shard_purge_locked(struct hak_l25_shard *shard) {
    assert_locked(shard);
    uint32_t purged = 0;
    for (uint32_t room = 1; room <= ROOM_ALL; room++) {
        for (struct hak_l25_chunk *c = shard->by_room[room]; c != NULL; c = c->next) {
            purged += hak_l25_chunk_purge(c, UINT32_MAX);
        }
    }
    shard->dirty_count -= purged;
    return purged;
}

struct hak_l25_chunk *hak_l25_shard_take_empty_locked(struct hak_l25_shard *shard) {
    assert_locked(shard);
    struct hak_l25_chunk *chunk = shard->by_room[ROOM_ALL];
    if (chunk != NULL) {
        shard->dirty_count -= hak_bit_count32(chunk->dirty);
        unlink_from(shard, chunk, ROOM_ALL);
        shard->chunk_count--;
    }
    return chunk;
}

struct hak_l25_chunk *hak_l25_shard_take_spare_locked(struct hak_l25_shard *shard) {
    assert_locked(shard);
    struct hak_l25_chunk *chunk = shard->by_room[ROOM_ALL];
    if (chunk == NULL || chunk->next == NULL) {
        return NULL;
    }
    while (chunk != NULL && chunk->dirty != 0) {
        chunk = chunk->next;
    }
    if (chunk != NULL) {
        unlink_from(shard, chunk, ROOM_ALL);
        shard->chunk_count--;
    }
    return chunk;
}
