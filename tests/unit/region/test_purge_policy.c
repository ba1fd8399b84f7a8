/* SPDX-License-Identifier: MIT */
/* When free memory goes back: the policy's numbers. */
#include "region/purge_policy.h"

#include <criterion/criterion.h>

#include "support/expect.h"

Test(purge_policy, limit_starts_at_its_minimum) {
    struct hak_purge_policy policy;
    hak_purge_policy_init(&policy);
    cr_assert_eq(policy.dirty_limit, HAK_DIRTY_LIMIT_MIN);
    cr_assert_eq(policy.purged_since_tick, 0);
}

Test(purge_policy, cold_memory_is_regretted_only_up_to_what_was_purged) {
    struct hak_purge_policy policy;
    hak_purge_policy_init(&policy);
    hak_purge_policy_note_cold(&policy, 100);
    cr_assert_eq(policy.dirty_limit, HAK_DIRTY_LIMIT_MIN, "nothing was purged: growth, not regret");
    policy.purged_since_tick = 30;
    hak_purge_policy_note_cold(&policy, 10);
    cr_assert_eq(policy.dirty_limit, HAK_DIRTY_LIMIT_MIN + 20);
    cr_assert_eq(policy.purged_since_tick, 20);
    hak_purge_policy_note_cold(&policy, 100);
    cr_assert_eq(policy.dirty_limit, HAK_DIRTY_LIMIT_MIN + 60);
    cr_assert_eq(policy.purged_since_tick, 0);
}

Test(purge_policy, an_exit_raises_the_limit_and_never_lowers_it) {
    struct hak_purge_policy policy;
    hak_purge_policy_init(&policy);
    hak_purge_policy_note_exit(&policy, 7);
    cr_assert_eq(policy.dirty_limit, HAK_DIRTY_LIMIT_SOON);
    cr_assert_eq(policy.tick_ns, 7);
    hak_purge_policy_note_tick(&policy, 1);
    cr_assert_eq(policy.dirty_limit, HAK_DIRTY_LIMIT_SOON - HAK_DIRTY_LIMIT_SOON / 8);
    policy.dirty_limit = HAK_DIRTY_LIMIT_MAX;
    hak_purge_policy_note_exit(&policy, 7);
    cr_assert_eq(policy.dirty_limit, HAK_DIRTY_LIMIT_MAX);
}

Test(purge_policy, limit_stays_in_its_bounds) {
    struct hak_purge_policy policy;
    hak_purge_policy_init(&policy);
    for (uint32_t i = 0; i < 100; i++) {
        policy.purged_since_tick = 200;
        hak_purge_policy_note_cold(&policy, 200);
        expect(policy.dirty_limit <= HAK_DIRTY_LIMIT_MAX, "%u", policy.dirty_limit);
    }
    cr_assert_eq(policy.dirty_limit, HAK_DIRTY_LIMIT_MAX);
    uint32_t before = policy.dirty_limit;
    for (uint32_t i = 1; i <= 100; i++) {
        policy.purged_since_tick = 7;
        hak_purge_policy_note_tick(&policy, i);
        uint32_t expected = before - (before + 7) / 8;
        expected = expected > HAK_DIRTY_LIMIT_MIN ? expected : HAK_DIRTY_LIMIT_MIN;
        expect(policy.dirty_limit == expected, "tick %u: %u", i, policy.dirty_limit);
        expect(policy.tick_ns == i && policy.purged_since_tick == 0, "tick %u", i);
        before = policy.dirty_limit;
    }
    cr_assert_eq(policy.dirty_limit, HAK_DIRTY_LIMIT_MIN);
}

Test(purge_policy, bounds_are_its_own) {
    struct hak_purge_policy policy = HAK_PURGE_POLICY_INIT(4, 6);
    cr_assert_eq(policy.dirty_limit, 4);
    policy.purged_since_tick = 1;
    hak_purge_policy_note_cold(&policy, 1);
    cr_assert_eq(policy.dirty_limit, 6);
    policy.purged_since_tick = 1;
    hak_purge_policy_note_cold(&policy, 1);
    cr_assert_eq(policy.dirty_limit, 6);
    hak_purge_policy_note_tick(&policy, 1);
    cr_assert_eq(policy.dirty_limit, 5, "an eighth is at least one, or it would never fall");
}
