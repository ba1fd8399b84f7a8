/* SPDX-License-Identifier: MIT */
/*
 * SURW (Zhao and others, ASPLOS 2025): selectively uniform random walk. One location is interesting
 * in each schedule; the next thread to touch it is drawn with the weight of the touches it has
 * left, so all orders of those touches are about equally likely. The other events go freely. The
 * counts come from the schedules before: a profile of who touches what.
 */
#include "strategy.h"

#include <string.h>

#define LOCATIONS 64u

struct profile {
    uintptr_t cell; /* address / 8 */
    uint16_t touches[HUNT_THREADS_MAX];
    uint16_t now[HUNT_THREADS_MAX]; /* in the running schedule */
};

HUNT_STATE static uint64_t random_state;
HUNT_STATE static struct profile profiles[LOCATIONS];
HUNT_STATE static unsigned profile_count;
HUNT_STATE static uintptr_t interesting;
HUNT_STATE static uint16_t left_of[HUNT_THREADS_MAX];
HUNT_STATE static unsigned intended; /* the thread whose interesting event comes next; 0: any */

static void surw_open(void) {
    profile_count = 0;
}

static bool is_shared(const struct profile *profile) {
    unsigned threads = 0;
    for (unsigned i = 1; i < HUNT_THREADS_MAX; i++)
        threads += profile->touches[i] != 0;
    return threads > 1;
}

static void intend(uint8_t mask) {
    unsigned total = 0;
    for (unsigned i = 1; i < HUNT_THREADS_MAX; i++)
        total += (mask & (1u << i)) != 0 ? left_of[i] : 0;
    intended = 0;
    if (total == 0)
        return;
    unsigned at = hunt_random_below(&random_state, total);
    for (unsigned i = 1; i < HUNT_THREADS_MAX && intended == 0; i++) {
        unsigned weight = (mask & (1u << i)) != 0 ? left_of[i] : 0;
        if (at < weight)
            intended = i;
        at -= weight;
    }
}

static bool surw_begin(uint64_t seed) {
    random_state = hunt_mix(seed ^ 0x73757277u);
    interesting = 0;
    intended = 0;
    memset(left_of, 0, sizeof left_of);
    unsigned start = profile_count != 0 ? hunt_random_below(&random_state, profile_count) : 0;
    for (unsigned i = 0; i < profile_count && interesting == 0; i++) {
        const struct profile *profile = &profiles[(start + i) % profile_count];
        if (!is_shared(profile))
            continue;
        interesting = profile->cell;
        memcpy(left_of, profile->touches, sizeof left_of);
    }
    intend(0xff);
    return true;
}

static bool is_interesting(unsigned thread) {
    return interesting != 0 && hunt.threads[thread].pending.addr / 8 == interesting;
}

/* Free events first come, first served at random; interesting ones only in the intended order. */
static unsigned surw_decide(const struct hunt_decision *decision) {
    if (decision->kind != HUNT_DECIDE_THREAD)
        return hunt_random_value(&random_state, decision);
    uint8_t may = 0;
    for (unsigned left = decision->options; left != 0; left &= left - 1) {
        unsigned thread = (unsigned)__builtin_ctz(left);
        if (!is_interesting(thread) || thread == intended || intended == 0)
            may |= (uint8_t)(1u << thread);
    }
    if (may != 0)
        return hunt_mask_pick(&random_state, may);
    intend(
        decision->options); /* the intended thread does not come: the profile was of another path */
    return intended != 0 ? intended : hunt_mask_pick(&random_state, decision->options);
}

static struct profile *profile_of(uintptr_t cell) {
    for (unsigned i = 0; i < profile_count; i++)
        if (profiles[i].cell == cell)
            return &profiles[i];
    if (profile_count == LOCATIONS)
        return NULL;
    profiles[profile_count] = (struct profile){.cell = cell};
    return &profiles[profile_count++];
}

static void surw_executed(unsigned thread, const struct hunt_event *event) {
    if (event->addr == 0)
        return;
    struct profile *profile = profile_of(event->addr / 8);
    if (profile != NULL)
        profile->now[thread]++;
    if (event->addr / 8 != interesting)
        return;
    if (left_of[thread] != 0)
        left_of[thread]--;
    intend(0xff);
}

static void surw_end(void) {
    for (unsigned i = 0; i < profile_count; i++) {
        struct profile *profile = &profiles[i];
        for (unsigned thread = 1; thread < HUNT_THREADS_MAX; thread++)
            if (profile->now[thread] > profile->touches[thread])
                profile->touches[thread] = profile->now[thread];
        memset(profile->now, 0, sizeof profile->now);
    }
}

const struct hunt_strategy hunt_strategy_surw = {
    .name = "surw",
    .summary = "selectively uniform random walk: all orders at one location equally likely",
    .open = surw_open,
    .begin = surw_begin,
    .decide = surw_decide,
    .executed = surw_executed,
    .end = surw_end};
