/* SPDX-License-Identifier: MIT */
/* When free memory goes back to the OS. Layer 2.
 *
 * Two rules, both run from slow paths, so there is no thread of our own:
 *
 * - time: a granule that is free at two purge ticks in a row, HAK_PURGE_DELAY_NS
 *   apart, is purged;
 * - amount: a heap keeps at most `dirty_limit` free granules resident. Beyond
 *   it purges at once, so that memory comes back while it is being freed and not
 *   when a slow path happens to run later.
 *
 * The limit learns: taking a purged granule back within a tick was a mistake
 * and raises the limit by what it cost, so a program that frees and allocates
 * the same megabytes in turn soon keeps them; each tick lowers it again. */
#ifndef HAK_REGION_PURGE_POLICY_H
#define HAK_REGION_PURGE_POLICY_H

#include <stdint.h>

#define HAK_PURGE_DELAY_NS ((uint64_t)250 * 1000 * 1000)

enum {
    HAK_DIRTY_LIMIT_MIN = 48,    /* granules: 3 MiB a heap */
    HAK_DIRTY_LIMIT_MAX = 1024,  /* granules: 64 MiB a heap */
};

struct hak_purge_policy {
    uint64_t tick_ns;            /* owner: when the last tick was */
    uint32_t dirty_limit;        /* owner: granules */
    uint32_t purged_since_tick;  /* owner: granules */
};

static inline void hak_purge_policy_init(struct hak_purge_policy *policy) {
    policy->tick_ns = 0;
    policy->dirty_limit = HAK_DIRTY_LIMIT_MIN;
    policy->purged_since_tick = 0;
}

/* `count` granules were carved that had no resident memory. */
static inline void hak_purge_policy_note_cold(struct hak_purge_policy *policy, uint32_t count) {
    uint32_t regret = count < policy->purged_since_tick ? count : policy->purged_since_tick;
    uint32_t limit = policy->dirty_limit + regret;
    policy->purged_since_tick -= regret;
    policy->dirty_limit = limit < HAK_DIRTY_LIMIT_MAX ? limit : HAK_DIRTY_LIMIT_MAX;
}

static inline void hak_purge_policy_note_tick(struct hak_purge_policy *policy, uint64_t now_ns) {
    uint32_t limit = policy->dirty_limit - policy->dirty_limit / 8;
    policy->tick_ns = now_ns;
    policy->purged_since_tick = 0;
    policy->dirty_limit = limit > HAK_DIRTY_LIMIT_MIN ? limit : HAK_DIRTY_LIMIT_MIN;
}

#endif
