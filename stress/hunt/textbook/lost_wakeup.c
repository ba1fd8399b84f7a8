/* SPDX-License-Identifier: MIT */
/* Waiting for a flag with a condition variable. The bug looks at the flag before it takes the
 * mutex: a signal in between goes to nobody. The twin looks under the mutex. */
#include "hunt.h"

#include <pthread.h>
#include <stdatomic.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static atomic_int ready;

static void wait_unlocked_check(void) {
    if (atomic_load(&ready) != 0)
        return;
    pthread_mutex_lock(&mutex);
    pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
}

static void wait_locked_check(void) {
    pthread_mutex_lock(&mutex);
    while (atomic_load(&ready) == 0)
        pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
}

static void signal_ready(void) {
    pthread_mutex_lock(&mutex);
    atomic_store(&ready, 1);
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&mutex);
}

HUNT_SCENARIO(lost_wakeup) = {.name = "lost-wakeup",
                              .summary = "the flag is checked before the mutex is taken",
                              .flags = HUNT_PLANTED,
                              .body = {wait_unlocked_check, signal_ready}};

HUNT_SCENARIO(kept_wakeup) = {.name = "kept-wakeup",
                              .summary = "the flag is checked under the mutex",
                              .body = {wait_locked_check, signal_ready}};
