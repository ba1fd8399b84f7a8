/* SPDX-License-Identifier: MIT */
/* When free memory goes back to the OS. Layer 2.
 *
 * Two rules, both run from slow paths, so there is no thread of our own:
 *
 * - time: a granule that is free at two purge ticks in a row, HAK_PURGE_DELAY_NS
 *   apart, is purged;
 * - amount: a heap keeps at most `dirty_limit` free granules resident, and the
 *   pool as many SuperSlabs. Beyond it they purge at once, so that memory comes
 *   back while it is being freed and not when a slow path happens to run later.
 *
 * The limit learns: taking purged memory back within a tick was a mistake and
 * raises the limit by twice what it cost, since going down it purges to half of
 * the limit; so a program that frees and allocates the same megabytes in turn
 * soon keeps them. Each tick lowers it again. The end of a thread raises it, too. */
#ifndef HAK_REGION_PURGE_POLICY_H
#define HAK_REGION_PURGE_POLICY_H

#include <stdint.h>

#define HAK_PURGE_DELAY_NS ((uint64_t)250 * 1000 * 1000)

enum {
    HAK_DIRTY_LIMIT_MIN = 48,    /* granules: 3 MiB a heap */
    HAK_DIRTY_LIMIT_SOON = 192,  /* granules: 12 MiB a heap that will soon be taken again */
    HAK_DIRTY_LIMIT_MAX = 1024,  /* granules: 64 MiB a heap */
};

/* Owner: whoever owns, or holds the lock of, what it is part of. */
struct hak_purge_policy {
    uint64_t tick_ns;                      /* owner: when the last tick was */
    uint32_t limit_min, limit_max;         /* const: granules, or SuperSlabs in the pool */
    uint32_t dirty_limit;                  /* owner: the same unit */
    uint32_t purged_since_tick;            /* owner: the same unit */
};

#define HAK_PURGE_POLICY_INIT(min, max) \
    { .limit_min = (min), .limit_max = (max), .dirty_limit = (min) }

/* The policy of a heap, or of a shard of runs. */
static inline void hak_purge_policy_init(struct hak_purge_policy *policy) {
    *policy = (struct hak_purge_policy)HAK_PURGE_POLICY_INIT(HAK_DIRTY_LIMIT_MIN,
                                                             HAK_DIRTY_LIMIT_MAX);
}

/* `count` granules or SuperSlabs were taken that had no resident memory. */
static inline void hak_purge_policy_note_cold(struct hak_purge_policy *policy, uint32_t count) {
    uint32_t regret = count < policy->purged_since_tick ? count : policy->purged_since_tick;
    uint32_t limit = policy->dirty_limit + 2 * regret;
    policy->purged_since_tick -= regret;
    policy->dirty_limit = limit < policy->limit_max ? limit : policy->limit_max;
}

/* The thread has ended. Threads often start soon after others ended, and take its
 * memory again: it may keep more, until ticks, counted from now on, have lowered the
 * limit. */
static inline void hak_purge_policy_note_exit(struct hak_purge_policy *policy, uint64_t now_ns) {
    policy->tick_ns = now_ns;
    if (policy->dirty_limit < HAK_DIRTY_LIMIT_SOON) {
        policy->dirty_limit = HAK_DIRTY_LIMIT_SOON;
    }
}

static inline void hak_purge_policy_note_tick(struct hak_purge_policy *policy, uint64_t now_ns) {
    uint32_t limit = policy->dirty_limit - (policy->dirty_limit + 7) / 8;
    policy->tick_ns = now_ns;
    policy->purged_since_tick = 0;
    policy->dirty_limit = limit > policy->limit_min ? limit : policy->limit_min;
}

#endif
