/* SPDX-License-Identifier: MIT */
/* The L2.5 pool: see l25.h. Layer 3. */
#include "l25/l25.h"

#include "base/atomic.h"
#include "base/bitmap.h"
#include "base/check.h"
#include "base/event_ring.h"
#include "base/panic.h"
#include "base/pause.h"
#include "l25/l25_grow.h"
#include "l25/l25_shard.h"
#include "os/os_thread.h"
#include "region/region_map.h"

static struct hak_l25_shard shards[HAK_L25_SHARD_COUNT_MAX];
static struct hak_l25_grow grow = HAK_L25_GROW_INIT;
static struct hak_lock grow_lock = HAK_LOCK_INIT(HAK_LOCK_RANK_L25_GROW);

void hak_l25_init(void) {
    for (uint32_t i = 0; i < HAK_L25_SHARD_COUNT_MAX; i++) {
        hak_lock_init(&shards[i].lock, HAK_LOCK_RANK_L25_SHARD);
        hak_purge_policy_init(&shards[i].purge);
    }
}

static uint32_t granules_for(size_t size_bytes) {
    return (uint32_t)((size_bytes + HAK_GRANULE_SIZE_BYTES - 1) >> HAK_GRANULE_SHIFT);
}

/* Takes a shard's lock, and doubles the shards when that is often not free. */
static void acquire(struct hak_l25_shard *shard) {
    bool contended = !hak_lock_try_acquire(&shard->lock);
    if (hak_l25_grow_note(&grow, contended)) {
        if (hak_lock_try_acquire(&grow_lock)) {
            hak_l25_grow_double(&grow, 2 * hak_os_cpu_count());
            hak_lock_release(&grow_lock);
            hak_event("l25 shards", &grow, hak_l25_grow_shard_count(&grow));
        }
    }
    if (contended) {
        hak_lock_acquire(&shard->lock);
    }
}

static void *take_from_shard(uint32_t index, uint32_t count, uint32_t align, bool *is_zero) {
    struct hak_l25_shard *shard = &shards[index];
    acquire(shard);
    void *run = hak_l25_shard_take_locked(shard, count, align, is_zero);
    hak_lock_release(&shard->lock);
    return run;
}

/* A new chunk for the shard, and the run at its start, which is aligned to all
 * that a run can be. The chunk is made without the lock. */
static void *take_from_new_chunk(uint32_t index, uint32_t count, bool *is_zero) {
    struct hak_l25_shard *shard = &shards[index];
    struct hak_l25_chunk *chunk = hak_l25_chunk_create(index);
    if (chunk == NULL) {
        return NULL;
    }
    hak_pause_point(CHUNK_MADE);
    acquire(shard);
    void *run = hak_l25_shard_add_and_take_locked(shard, chunk, count, is_zero);
    hak_lock_release(&shard->lock);
    return run;
}

void *hak_l25_alloc(size_t size_bytes, size_t alignment_bytes, uint32_t seed, bool *is_zero) {
    uint32_t count = granules_for(size_bytes), align = granules_for(alignment_bytes);
    uint32_t home = seed & (hak_l25_grow_shard_count(&grow) - 1);
    void *run = take_from_shard(home, count, align, is_zero);
    if (run == NULL) {
        run = take_from_new_chunk(home, count, is_zero);
    }
    for (uint32_t i = 0; run == NULL && i < hak_l25_grow_shard_count(&grow); i++) {
        run = take_from_shard(i, count, align, is_zero); /* the OS has none: any shard's will do */
    }
    hak_event("run alloc", run, size_bytes);
    return run;
}

static struct hak_l25_chunk *chunk_of(const void *run, uint32_t *first_out) {
    *first_out = (uint32_t)((uintptr_t)run >> HAK_GRANULE_SHIFT) % HAK_GRANULES_PER_SUPERSLAB;
    return hak_region_owner(run);
}

static bool is_granule_start(const void *run) {
    return ((uintptr_t)run & (HAK_GRANULE_SIZE_BYTES - 1)) == 0;
}

void hak_l25_free(void *run) {
    uint32_t first;
    struct hak_l25_chunk *chunk = chunk_of(run, &first);
    if (hak_unlikely(chunk == NULL)) { /* another thread frees it at the same time */
        hak_misuse(HAK_MISUSE_DOUBLE_FREE, run, 0, "free");
    }
    if (hak_unlikely(!is_granule_start(run))) {
        hak_misuse(HAK_MISUSE_INTERIOR_POINTER, run, 0, "free");
    }
    struct hak_l25_shard *shard = &shards[chunk->shard];
    acquire(shard);
    if (hak_unlikely(chunk->run_length[first] == 0)) {
        hak_misuse(HAK_MISUSE_DOUBLE_FREE, run, 0, "free");
    }
    struct hak_l25_chunk *spare = hak_l25_shard_give_locked(shard, chunk, first);
    hak_lock_release(&shard->lock);
    hak_event("run free", run, first);
    if (spare != NULL) {
        hak_l25_chunk_destroy(spare);
    }
}

size_t hak_l25_size_bytes(const void *run) {
    uint32_t first;
    const struct hak_l25_chunk *chunk = chunk_of(run, &first);
    /* No lock: the caller holds the run, and its cell changes only through it. */
    return is_granule_start(run) ? (size_t)chunk->run_length[first] << HAK_GRANULE_SHIFT : 0;
}

bool hak_l25_resize(void *run, size_t new_size_bytes) {
    uint32_t first;
    struct hak_l25_chunk *chunk = chunk_of(run, &first);
    struct hak_l25_shard *shard = &shards[chunk->shard];
    acquire(shard);
    bool done = hak_l25_shard_resize_locked(shard, chunk, first, granules_for(new_size_bytes));
    hak_lock_release(&shard->lock);
    return done;
}

_Atomic uint64_t *hak_l25_record(const void *run) {
    uint32_t first;
    struct hak_l25_chunk *chunk = chunk_of(run, &first);
    return is_granule_start(run) ? &chunk->records[first] : NULL;
}

void hak_l25_tick(uint64_t now_ns) {
    for (uint32_t i = 0; i < hak_l25_grow_shard_count(&grow); i++) {
        if (hak_lock_try_acquire(&shards[i].lock)) { /* a busy shard ticks next time */
            hak_l25_shard_tick_locked(&shards[i], now_ns);
            struct hak_l25_chunk *spare = hak_l25_shard_take_spare_locked(&shards[i]);
            hak_lock_release(&shards[i].lock);
            if (spare != NULL) { /* one a tick: address space is in no hurry */
                hak_l25_chunk_destroy(spare);
            }
        }
    }
}

uint32_t hak_l25_trim(void) {
    uint32_t done = 0;
    for (uint32_t i = 0; i < hak_l25_grow_shard_count(&grow); i++) {
        struct hak_l25_chunk *empty;
        do {
            hak_lock_acquire(&shards[i].lock);
            empty = hak_l25_shard_take_empty_locked(&shards[i]);
            done += empty == NULL ? hak_l25_shard_purge_locked(&shards[i]) : 1;
            hak_lock_release(&shards[i].lock);
            if (empty != NULL) {
                hak_l25_chunk_destroy(empty);
            }
        } while (empty != NULL);
    }
    return done;
}

void hak_l25_count(struct hak_l25_counts *counts) {
    *counts = (struct hak_l25_counts){.shard_count = hak_l25_grow_shard_count(&grow)};
    for (uint32_t i = 0; i < HAK_L25_SHARD_COUNT_MAX; i++) {
        hak_lock_acquire(&shards[i].lock);
        counts->chunk_count += shards[i].chunk_count;
        counts->run_count += shards[i].run_count;
        counts->live_bytes += (size_t)shards[i].run_granule_count << HAK_GRANULE_SHIFT;
        hak_lock_release(&shards[i].lock);
    }
}

void hak_l25_lock(void) {
    hak_lock_acquire(&grow_lock);
    for (uint32_t i = 0; i < HAK_L25_SHARD_COUNT_MAX; i++) {
        hak_lock_acquire_for_fork(&shards[i].lock);
    }
}

void hak_l25_unlock(void) {
    for (uint32_t i = HAK_L25_SHARD_COUNT_MAX; i > 0; i--) {
        hak_lock_release(&shards[i - 1].lock);
    }
    hak_lock_release(&grow_lock);
}

void hak_l25_reset_in_child(void) {
    for (uint32_t i = 0; i < HAK_L25_SHARD_COUNT_MAX; i++) {
        hak_lock_reset_in_child(&shards[i].lock);
    }
    hak_lock_reset_in_child(&grow_lock);
}

#if HAK_CHECK_LEVEL >= 1
void hak_l25_verify(void) {
    static _Atomic uint32_t most_seen; /* relaxed: only a maximum so far */
    uint32_t count = hak_l25_grow_shard_count(&grow);
    hak_l25_grow_verify(&grow, count, count);
    hak_verify(count >= hak_load_relaxed(&most_seen), L25_SHARD_COUNT, count,
               hak_load_relaxed(&most_seen));
    hak_store_relaxed(&most_seen, count);
    for (uint32_t i = 0; i < HAK_L25_SHARD_COUNT_MAX; i++) {
        hak_lock_acquire(&shards[i].lock);
        hak_l25_shard_verify_locked(&shards[i], i);
        hak_lock_release(&shards[i].lock);
    }
}
#endif
