/* SPDX-License-Identifier: MIT */
/* The policy of sharding alone, on counters of its own, against its definition:
 * 16 attempts of a window of 256 that found a lock taken double the shards, up to
 * the power of two at or above twice the processors, and 64. */
#include "l25/l25_grow.h"

#include "harness/target.h"
#include "ops.h"

enum { WINDOW = 256, FAILURES = 16, SHARDS_MAX = 64 };

struct policy {
    uint32_t shards, attempts, failures;
};

static uint32_t most_shards(size_t cpus) {
    uint32_t most = 1;
    while (most < 2 * cpus) {
        most *= 2;
    }
    return most < SHARDS_MAX ? most : SHARDS_MAX;
}

static bool expected_note(struct policy *policy, bool is_contended) {
    policy->attempts++;
    policy->failures += is_contended;
    bool is_due = policy->failures >= FAILURES;
    if (!is_due && policy->attempts >= WINDOW) {
        policy->attempts = policy->failures = 0;
    }
    return is_due;
}

void l25_policy(size_t attempts, size_t every, size_t cpus) {
    struct hak_l25_grow grow = HAK_L25_GROW_INIT;
    struct policy policy = {.shards = 1};
    for (size_t i = 1; i <= attempts; i++) {
        bool is_contended = i % every == 0, expected = expected_note(&policy, is_contended);
        bool is_due = hak_l25_grow_note(&grow, is_contended);
        if (is_due != expected) {
            hak_fuzz_fail("policy: at attempt %zu, each %zuth contended, doubling is %s", i, every,
                          is_due ? "due and must not be" : "not due and must be");
        }
        if (!is_due) {
            continue;
        }
        uint32_t most = most_shards(cpus), before = policy.shards;
        policy.shards = 2 * before <= most ? 2 * before : before;
        policy.attempts = policy.failures = 0;
        hak_l25_grow_double(&grow, (uint32_t)(2 * cpus));
        hak_fuzz_tally(policy.shards > before ? OUTCOME_policy_grew : OUTCOME_policy_at_most);
        if (hak_l25_grow_shard_count(&grow) != policy.shards) {
            hak_fuzz_fail("policy: %u shards for %zu processors, not %u",
                          hak_l25_grow_shard_count(&grow), cpus, policy.shards);
        }
    }
}
