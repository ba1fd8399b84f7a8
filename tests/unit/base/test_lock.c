/* SPDX-License-Identifier: MIT */
/* Locks: mutual exclusion, trying, sleeping, ranks, and what fork needs. */
#include "base/lock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "support/child.h"
#include "support/threads.h"

enum { THREADS = 4, ROUNDS = 50000 };

struct counter {
    struct hak_lock lock;
    uint64_t count; /* plain: only the lock protects it */
    _Atomic uint32_t inside;
    _Atomic uint32_t violations;
    _Atomic uint64_t try_failures, tried;
};

/* Now and then it lingers, so that others come to spin, to sleep, and, if the
 * lock lets them, to see a half-done addition. */
static void enter(struct counter *c, bool linger) {
    c->violations += c->inside++ != 0;
    uint64_t count = c->count;
    if (linger) {
        sched_yield();
    }
    c->count = count + 1;
    c->inside--;
}

static void count_with_acquire(void *p, uint32_t index) {
    struct counter *c = p;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        hak_lock_acquire(&c->lock);
        enter(c, (i + index) % 64 == 0);
        hak_lock_release(&c->lock);
    }
}

Test(lock, excludes_threads_that_wait, .timeout = 120) {
    static struct counter c;
    hak_lock_init(&c.lock, HAK_LOCK_RANK_POOL);
    test_threads_run(THREADS, count_with_acquire, &c);
    cr_assert_eq(c.count, (uint64_t)THREADS * ROUNDS);
    cr_assert_eq(c.violations, 0);
    cr_assert_not(hak_lock_is_held(&c.lock));
    cr_assert_eq(c.lock.word, 0);
}

static void count_with_try(void *p, uint32_t index) {
    struct counter *c = p;
    (void)index;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        c->tried++;
        if (hak_lock_try_acquire(&c->lock)) {
            enter(c, i % 64 == 0);
            hak_lock_release(&c->lock);
        } else {
            c->try_failures++;
        }
    }
}

Test(lock, excludes_threads_that_try, .timeout = 120) {
    static struct counter c;
    hak_lock_init(&c.lock, HAK_LOCK_RANK_POOL);
    test_threads_run(THREADS, count_with_try, &c);
    cr_assert_eq(c.count + c.try_failures, c.tried);
    cr_assert_eq(c.violations, 0);
}

static void try_while_held(void *p, uint32_t index) {
    struct counter *c = p;
    (void)index;
    c->try_failures += !hak_lock_try_acquire(&c->lock);
}

Test(lock, trying_fails_while_another_thread_holds_it) {
    static struct counter c;
    hak_lock_init(&c.lock, HAK_LOCK_RANK_POOL);
    cr_assert(hak_lock_try_acquire(&c.lock));
    cr_assert(hak_lock_is_held(&c.lock));
    test_threads_run(1, try_while_held, &c);
    cr_assert_eq(c.try_failures, 1);
    hak_lock_release(&c.lock);
    cr_assert_not(hak_lock_is_held(&c.lock));
    cr_assert(hak_lock_try_acquire(&c.lock));
}

Test(lock, keeps_errno_when_it_sleeps, .timeout = 60) {
    static struct counter c;
    hak_lock_init(&c.lock, HAK_LOCK_RANK_POOL);
    errno = EXDEV;
    test_threads_run(2, count_with_acquire, &c);
    cr_assert_eq(errno, EXDEV);
}

Test(lock, reset_in_child_frees_what_another_held) {
    struct hak_lock lock = HAK_LOCK_INIT(HAK_LOCK_RANK_HEAP);
    lock.word = 2; /* as if a thread that did not come along held it, with sleepers */
    hak_lock_reset_in_child(&lock);
    cr_assert_not(hak_lock_is_held(&lock));
    hak_lock_acquire(&lock);
    hak_lock_release(&lock);
}

/* --- Ranks: checked builds end the program, release builds do not look ----- */

static void take(enum hak_lock_rank first, enum hak_lock_rank second) {
    static struct hak_lock a, b;
    hak_lock_init(&a, first);
    hak_lock_init(&b, second);
    hak_lock_acquire(&a);
    hak_lock_acquire(&b);
    hak_lock_release(&b);
    hak_lock_release(&a);
}

static void take_falling(void *unused) {
    (void)unused;
    take(HAK_LOCK_RANK_META, HAK_LOCK_RANK_HEAP);
}

static void take_same(void *unused) {
    (void)unused;
    take(HAK_LOCK_RANK_HEAP, HAK_LOCK_RANK_HEAP);
}

static void take_rising(void *unused) {
    (void)unused;
    for (int rank = HAK_LOCK_RANK_INIT; rank + 1 < HAK_LOCK_RANK_COUNT; rank++) {
        take((enum hak_lock_rank)rank, (enum hak_lock_rank)(rank + 1));
    }
}

static void release_unheld(void *unused) {
    struct hak_lock lock = HAK_LOCK_INIT(HAK_LOCK_RANK_BIG);
    (void)unused;
    hak_lock_release(&lock);
}

static void expect_report(void (*body)(void *), const char *id) {
    static struct test_child child;
    test_child_run(&child, body, NULL);
    if (HAK_CHECK_LEVEL >= 1) {
        cr_assert_eq(child.signal, SIGABRT, "%s: exit %d, signal %d", id, child.exit_code,
                     child.signal);
        cr_assert_not_null(strstr(child.text, id), "%s is not in: %s", id, child.text);
    } else {
        cr_assert_eq(child.exit_code, 0);
        cr_assert_str_empty(child.text);
    }
}

Test(lock, falling_rank_is_reported) {
    expect_report(take_falling, "invariant LOCK_ORDER broken");
}

Test(lock, equal_rank_is_reported) {
    expect_report(take_same, "invariant LOCK_ORDER broken");
}

Test(lock, releasing_what_is_not_held_is_reported) {
    expect_report(release_unheld, "invariant LOCK_HELD broken");
}

Test(lock, rising_ranks_are_not_reported) {
    static struct test_child child;
    test_child_run(&child, take_rising, NULL);
    cr_assert_eq(child.exit_code, 0, "signal %d: %s", child.signal, child.text);
    cr_assert_str_empty(child.text);
}

Test(lock, fork_may_take_locks_of_one_rank) {
    struct hak_lock a = HAK_LOCK_INIT(HAK_LOCK_RANK_HEAP), b = HAK_LOCK_INIT(HAK_LOCK_RANK_HEAP);
    hak_lock_acquire_for_fork(&a);
    hak_lock_acquire_for_fork(&b);
    cr_assert(hak_lock_is_held(&a) && hak_lock_is_held(&b));
    hak_lock_release(&a);
    hak_lock_release(&b);
    take_rising(NULL); /* nothing is left counted as held */
}

/* For the time of a fork: locks that are taken already may be asked for again. */
static void use_while_all_are_held(void *unused) {
    struct hak_lock a = HAK_LOCK_INIT(HAK_LOCK_RANK_META), b = HAK_LOCK_INIT(HAK_LOCK_RANK_HEAP);
    (void)unused;
    hak_lock_acquire_for_fork(&b);
    hak_lock_acquire_for_fork(&a);
    hak_lock_hold_all(true);
    hak_lock_acquire(&b); /* neither waits nor breaks the order */
    hak_lock_acquire(&a);
    hak_lock_release(&b);
    hak_lock_release(&a);
    bool still_held = hak_lock_is_held(&a) && hak_lock_is_held(&b);
    hak_lock_hold_all(false);
    hak_lock_release(&a);
    hak_lock_release(&b);
    if (!still_held || hak_lock_is_held(&a) || hak_lock_is_held(&b)) {
        _exit(1);
    }
    take_rising(NULL);
}

Test(lock, while_all_are_held_asking_again_does_nothing, .timeout = 90) {
    static struct test_child child;
    test_child_run(&child, use_while_all_are_held, NULL);
    cr_assert_eq(child.exit_code, 0, "signal %d: %s", child.signal, child.text);
}

/* Trying is exempt from the order, but what it took counts. */
static void try_then_lower(void *unused) {
    struct hak_lock high = HAK_LOCK_INIT(HAK_LOCK_RANK_META);
    struct hak_lock low = HAK_LOCK_INIT(HAK_LOCK_RANK_BIRTH);
    (void)unused;
    if (hak_lock_try_acquire(&high) && hak_lock_try_acquire(&low)) {
        hak_lock_release(&low);
        hak_lock_acquire(&low);
        hak_lock_release(&low);
    }
    hak_lock_release(&high);
}

Test(lock, what_was_tried_counts_as_held) {
    expect_report(try_then_lower, "invariant LOCK_ORDER broken");
}
