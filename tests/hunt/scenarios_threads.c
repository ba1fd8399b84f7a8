/* SPDX-License-Identifier: MIT */
/* Threads as code under test has them: thread-local variables, keys, threads it starts itself,
 * once, errno; and state that every schedule must find as it was. */
#include "hunt.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

static int initialised = 7;
static int zero;
static _Thread_local int tls_initialised = 11;
static _Thread_local char tls_zero[100];
static atomic_uint ticks;

static void tick(void) {
    atomic_fetch_add_explicit(&ticks, 1, memory_order_relaxed);
}

/* ---- state is restored, and is each thread's own ---- */

static void fresh_setup(void) {
    hunt_check(initialised == 7 && zero == 0, "%d %d", initialised, zero);
    hunt_check(tls_initialised == 11 && tls_zero[50] == 0);
    initialised = zero = tls_initialised = tls_zero[50] = 99;
}

static void fresh_body(void) {
    int self = (int)hunt_self() + 1;
    hunt_check(tls_initialised == 11 && tls_zero[50] == 0, "%d", tls_initialised);
    tls_initialised = self;
    memset(tls_zero, self, sizeof tls_zero);
    errno = self;
    pthread_t me = pthread_self();
    for (unsigned i = 0; i < 3; i++) {
        tick();
        hunt_check(tls_initialised == self && tls_zero[99] == self && errno == self);
        hunt_check(pthread_equal(me, pthread_self()));
    }
}

HUNT_SCENARIO(fresh_state) = {.name = "fresh-state",
                              .summary = "thread-local and static variables",
                              .setup = fresh_setup,
                              .body = {fresh_body, fresh_body, fresh_body}};

/* ---- keys: destructors run in the thread, can be preempted, and race with others ---- */

static pthread_key_t key;
static atomic_uint destroyed;

static void destroy(void *value) {
    hunt_check(value == (void *)(uintptr_t)(hunt_self() + 1));
    tick();
    unsigned seen = atomic_load_explicit(&destroyed, memory_order_relaxed);
    atomic_store_explicit(&destroyed, seen + 1,
                          memory_order_relaxed); /* loses one when preempted */
}

static void key_setup(void) {
    hunt_check(pthread_key_create(&key, destroy) == 0);
}

static void key_body(void) {
    hunt_check(pthread_getspecific(key) == NULL);
    pthread_setspecific(key, (void *)(uintptr_t)(hunt_self() + 1));
    tick();
}

static void key_end(void) {
    hunt_check(atomic_load(&destroyed) == 2, "destructors counted %u of 2",
               atomic_load(&destroyed));
}

HUNT_SCENARIO(key_destructors) = {.name = "key-destructors",
                                  .summary = "a lost update in thread-exit hooks",
                                  .flags = HUNT_PLANTED,
                                  .setup = key_setup,
                                  .body = {key_body, key_body},
                                  .quiescent_invariant = key_end};

/* ---- threads started by the code under test ---- */

static int handed_over;

static void *child(void *argument) {
    hunt_check(handed_over == 5); /* ordered by the start */
    handed_over = 6;
    tick();
    return argument;
}

static void start_and_join(void) {
    pthread_t id;
    void *result = NULL;
    handed_over = 5;
    hunt_check(pthread_create(&id, NULL, child, &handed_over) == 0);
    tick();
    hunt_check(pthread_join(id, &result) == 0 && result == &handed_over);
    hunt_check(handed_over == 6); /* ordered by the join */
}

static void start_without_join(void) {
    pthread_t id;
    handed_over = 5;
    hunt_check(pthread_create(&id, NULL, child, NULL) == 0);
    handed_over = 7;
    pthread_detach(id);
}

HUNT_SCENARIO(start_join) = {.name = "start-join",
                             .summary = "threads the code starts itself",
                             .body = {start_and_join, tick}};
HUNT_SCENARIO(start_no_join) = {.name = "start-no-join",
                                .summary = "a write after the start of a thread",
                                .flags = HUNT_PLANTED,
                                .body = {start_without_join}};

/* ---- once ---- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int made;

static void make(void) {
    tick();
    made++;
}

static void use_once(void) {
    pthread_once(&once, make);
    hunt_check(made == 1, "made %d times", made);
}

HUNT_SCENARIO(first_use) = {.name = "first-use",
                            .summary = "pthread_once by three threads",
                            .body = {use_once, use_once, use_once}};

/* ---- waiting that does not end ---- */

static void spin_for_ever(void) {
    while (atomic_load_explicit(&ticks, memory_order_relaxed) == 0)
        hunt_relax();
}

static void spin_without_relax(void) {
    while (atomic_load_explicit(&ticks, memory_order_acquire) == 0)
        continue;
}

HUNT_SCENARIO(livelock) = {.name = "livelock",
                           .summary = "nobody sets the flag",
                           .flags = HUNT_PLANTED,
                           .body = {spin_for_ever, spin_for_ever}};
HUNT_SCENARIO(spin_ends) = {.name = "spin-ends",
                            .summary = "two spin until the third sets the flag",
                            .body = {spin_for_ever, spin_without_relax, tick}};

/* ---- time-limited waits end when nothing else can ---- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

static void wait_with_limit(void) {
    struct timespec until = {1, 0};
    pthread_mutex_lock(&mutex);
    int result = zero != 0 ? 0 : pthread_cond_timedwait(&cond, &mutex, &until);
    hunt_check(result == 0 || result == ETIMEDOUT);
    hunt_check(result == ETIMEDOUT || zero != 0);
    pthread_mutex_unlock(&mutex);
}

static void set_and_signal(void) {
    pthread_mutex_lock(&mutex);
    zero = 1;
    pthread_cond_signal(&cond);
    pthread_mutex_unlock(&mutex);
}

HUNT_SCENARIO(timed_wait) = {.name = "timed-wait",
                             .summary = "a wait with a limit, signalled",
                             .body = {wait_with_limit, set_and_signal}};
HUNT_SCENARIO(timed_wait_alone) = {.name = "timed-wait-alone",
                                   .summary = "a wait with a limit, never signalled",
                                   .body = {wait_with_limit}};
