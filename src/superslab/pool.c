/* SPDX-License-Identifier: MIT */
/* The pool of empty SuperSlabs: see pool.h. Layer 3. */
#include "superslab/pool.h"

#include "base/check.h"
#include "base/lock.h"
#include "base/pause.h"
#include "region/purge_policy.h"

enum {
    POOL_COUNT_MAX = 64,       /* address space kept: 128 MiB */
    POOL_DIRTY_LIMIT_MIN = 4,  /* resident memory kept: 8 MiB at first */
    POOL_DIRTY_LIMIT_MAX = 32, /* 64 MiB where less was regretted */
};

/* Two lists, newest first: what has resident memory is reused before what has
 * none, or each purged SuperSlab given would hide the warm ones below it. */
static struct {
    struct hak_lock lock;
    struct hak_superslab *dirty, *clean; /* lock */
    uint32_t count;                      /* lock: of both */
    uint32_t dirty_count;                /* lock: of `dirty` */
    struct hak_purge_policy purge;       /* lock; in SuperSlabs */
} pool = {
    .lock = HAK_LOCK_INIT(HAK_LOCK_RANK_POOL),
    .purge = HAK_PURGE_POLICY_INIT(POOL_DIRTY_LIMIT_MIN, POOL_DIRTY_LIMIT_MAX),
};

struct hak_superslab *hak_pool_take(void) {
    hak_lock_acquire(&pool.lock);
    bool warm = pool.dirty != NULL;
    struct hak_superslab **list = warm ? &pool.dirty : &pool.clean, *superslab = *list;
    if (superslab != NULL) {
        *list = superslab->next;
        pool.count--;
        pool.dirty_count -= warm;
        superslab->next = NULL;
    }
    if (!warm) {
        hak_purge_policy_note_cold(&pool.purge, 1);
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
    *for_dirty = pool.dirty_count < pool.purge.dirty_limit;
    hak_lock_release(&pool.lock);
    return room;
}

/* Not yet in the pool: nobody sees it, and no lock is held for the system call. */
static void purge_before_push(struct hak_superslab *superslab) {
    if (hak_superslab_purge_owned(superslab, UINT32_MAX) > 0) {
        hak_lock_acquire(&pool.lock);
        pool.purge.purged_since_tick++;
        hak_lock_release(&pool.lock);
    }
}

static void push_locked(struct hak_superslab *superslab) {
    bool warm = superslab->dirty != 0;
    struct hak_superslab **list = warm ? &pool.dirty : &pool.clean;
    superslab->next = *list;
    *list = superslab;
    pool.count++;
    pool.dirty_count += warm;
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
        purge_before_push(superslab);
    }
    hak_assert_valid(superslab, superslab);
    hak_lock_acquire(&pool.lock);
    push_locked(superslab);
    hak_lock_release(&pool.lock);
}

/* Purges what was dirty at the last tick already. */
static void purge_aged_locked(void) {
    struct hak_superslab **link = &pool.dirty;
    while (*link != NULL) {
        struct hak_superslab *s = *link;
        hak_superslab_purge_owned(s, s->aged);
        s->aged = s->dirty;
        if (s->dirty == 0) {
            *link = s->next;
            pool.dirty_count--;
            pool.count--;
            push_locked(s);
        } else {
            link = &s->next;
        }
    }
}

void hak_pool_tick(uint64_t now_ns) {
    if (!hak_lock_try_acquire(&pool.lock)) {
        return; /* someone is busy with it: the next tick will do */
    }
    if (now_ns >= pool.purge.tick_ns + HAK_PURGE_DELAY_NS) {
        hak_purge_policy_note_tick(&pool.purge, now_ns);
        purge_aged_locked();
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
static uint32_t verify_list(const struct hak_superslab *s, bool dirty) {
    uint32_t count = 0;
    for (; s != NULL; s = s->next) {
        hak_verify(s->chain == NULL, SS_OWNER, (uintptr_t)s, (uintptr_t)s->chain);
        hak_verify(s->bitmap == 0, SS_BITMAP_UNION, s->bitmap);
        hak_verify((s->dirty != 0) == dirty, SS_DIRTY_SUM, s->dirty, dirty);
        hak_superslab_verify(s);
        count++;
    }
    return count;
}

void hak_pool_verify(void) {
    hak_lock_acquire(&pool.lock);
    uint32_t dirty = verify_list(pool.dirty, true), clean = verify_list(pool.clean, false);
    hak_verify(dirty + clean == pool.count, SS_CHAIN, dirty + clean, pool.count);
    hak_verify(dirty == pool.dirty_count, SS_DIRTY_SUM, dirty, pool.dirty_count);
    hak_lock_release(&pool.lock);
}
#endif
