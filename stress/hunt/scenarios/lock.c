/* SPDX-License-Identifier: MIT */
/* The lock itself, step by step: other scenarios map it to the engine's. It is compiled here a
 * second time under other names, observed, with one round of spinning. */
#define hak_lock_init tested_lock_init
#define hak_lock_acquire tested_lock_acquire
#define hak_lock_acquire_for_fork tested_lock_acquire_for_fork
#define hak_lock_try_acquire tested_lock_try_acquire
#define hak_lock_release tested_lock_release
#define hak_lock_hold_all tested_lock_hold_all
#define hak_lock_reset_in_child tested_lock_reset_in_child
#define hak_lock_is_held tested_lock_is_held
#include "lock_under_test.h"

#include "hunt.h"

static struct hak_lock lock = HAK_LOCK_INIT(HAK_LOCK_RANK_POOL);
static unsigned inside, count; /* plain: unordered critical sections are a data race */

static void critical(void) {
    hunt_check(inside++ == 0, "two threads hold the lock");
    hunt_point("inside");
    inside--;
    count++;
}

static void waits(void) {
    hak_lock_acquire(&lock);
    critical();
    hak_lock_release(&lock);
}

static void tries(void) {
    if (!hak_lock_try_acquire(&lock))
        return;
    critical();
    hak_lock_release(&lock);
}

static void quiescent(void) {
    hunt_check(!hak_lock_is_held(&lock));
    hunt_check(count >= 2 && count <= 3, "%u critical sections", count);
}

HUNT_SCENARIO(lock) = {.name = "lock",
                       .summary = "the futex lock: two that wait, one that tries",
                       .body = {waits, waits, tries},
                       .quiescent_invariant = quiescent};
