/* SPDX-License-Identifier: MIT */
/* The pool of empty SuperSlabs: see pool.h. Layer 3. */
#include "superslab/pool.h"

#include "base/check.h"
#include "base/lock.h"
#include "base/pause.h"
#include "region/purge_policy.h"

enum {
    POOL_COUNT_MAX = 64,       /* address space kept: 128 MiB */
    POOL_DIRTY_COUNT_MAX = 4,  /* resident memory kept at once: 8 MiB */
};

static struct {
    struct hak_lock lock;
    struct hak_superslab *first;    /* lock: newest first, so the warmest is reused */
    uint32_t count;                 /* lock */
    uint32_t dirty_count;           /* lock: of these, with resident memory */
    uint64_t tick_ns;               /* lock */
} pool = {.lock = HAK_LOCK_INIT(HAK_LOCK_RANK_POOL)};

struct hak_superslab *hak_pool_take(void) {
    hak_lock_acquire(&pool.lock);
    struct hak_superslab *superslab = pool.first;
    if (superslab != NULL) {
        pool.first = superslab->next;
        pool.count--;
        pool.dirty_count -= superslab->dirty != 0;
        superslab->next = NULL;
    }
    hak_lock_release(&pool.lock);
    return superslab;
}

/* Whether there is room for one more, and for one more with resident memory.
 * A look without a promise: the pool may overshoot by as many as there are
 * threads giving at once. */
static bool has_room(bool *for_dirty) {
    hak_lock_acquire(&pool.lock);
    bool room = pool.count < POOL_COUNT_MAX;
    *for_dirty = pool.dirty_count < POOL_DIRTY_COUNT_MAX;
    hak_lock_release(&pool.lock);
    return room;
}

void hak_pool_give(struct hak_superslab *superslab) {
    bool room_for_dirty;
    superslab->chain = NULL;
    hak_pause_point(SUPERSLAB_LEFT);
    if (!has_room(&room_for_dirty)) {
        hak_superslab_destroy(superslab);
        return;
    }
    if (!room_for_dirty) {
        hak_superslab_purge_owned(superslab, UINT32_MAX); /* not yet in the pool: no lock held */
    }
    hak_assert_valid(superslab, superslab);
    hak_lock_acquire(&pool.lock);
    superslab->next = pool.first;
    pool.first = superslab;
    pool.count++;
    pool.dirty_count += superslab->dirty != 0;
    hak_lock_release(&pool.lock);
}

void hak_pool_tick(uint64_t now_ns) {
    if (!hak_lock_try_acquire(&pool.lock)) {
        return; /* someone is busy with it: the next tick will do */
    }
    if (now_ns >= pool.tick_ns + HAK_PURGE_DELAY_NS) {
        pool.tick_ns = now_ns;
        for (struct hak_superslab *s = pool.first; s != NULL; s = s->next) {
            bool was_dirty = s->dirty != 0;
            hak_superslab_purge_owned(s, s->aged);
            s->aged = s->dirty;
            pool.dirty_count -= was_dirty && s->dirty == 0;
        }
    }
    hak_lock_release(&pool.lock);
}

uint32_t hak_pool_trim(void) {
    uint32_t count = 0;
    for (struct hak_superslab *s = hak_pool_take(); s != NULL; s = hak_pool_take()) {
        hak_superslab_destroy(s);
        count++;
    }
    return count;
}

uint32_t hak_pool_count(void) {
    hak_lock_acquire(&pool.lock);
    uint32_t count = pool.count;
    hak_lock_release(&pool.lock);
    return count;
}

void hak_pool_lock(void) {
    hak_lock_acquire(&pool.lock);
}

void hak_pool_unlock(void) {
    hak_lock_release(&pool.lock);
}

void hak_pool_reset_in_child(void) {
    hak_lock_reset_in_child(&pool.lock);
}

#if HAK_CHECK_LEVEL >= 1
void hak_pool_verify(void) {
    uint32_t count = 0, dirty = 0;
    hak_lock_acquire(&pool.lock);
    for (struct hak_superslab *s = pool.first; s != NULL; s = s->next) {
        hak_verify(s->chain == NULL, SS_OWNER, (uintptr_t)s, (uintptr_t)s->chain);
        hak_verify(s->bitmap == 0, SS_BITMAP_UNION, s->bitmap);
        hak_superslab_verify(s);
        count++;
        dirty += s->dirty != 0;
    }
    hak_verify(count == pool.count, SS_CHAIN, count, pool.count);
    hak_verify(dirty == pool.dirty_count, SS_DIRTY_SUM, dirty, pool.dirty_count);
    hak_lock_release(&pool.lock);
}
#endif
