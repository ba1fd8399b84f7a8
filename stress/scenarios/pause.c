/* SPDX-License-Identifier: MIT */
/**
 * @file pause.c
 * `mixed`, while a thread beside it stops random others at random moments: a
 * signal handler that sleeps, wherever the thread was (in the middle of a free,
 * holding a lock), while the rest goes on. The handler allocates nothing.
 */
#include "../common/exchange.h"
#include "scenarios.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

enum { MAILBOX_SLOTS = 64, PAUSE_MAX_NS = 2000000, GAP_MAX_NS = 300000, PAUSER_INDEX = 2000 };

struct pause_targets {
    struct stress_mailbox mailbox;
    pthread_mutex_t mutex;
    pthread_t threads[STRESS_THREADS_MAX]; /* lock(mutex) */
    bool is_running[STRESS_THREADS_MAX];   /* lock(mutex) */
    unsigned ended_count;                  /* lock(mutex) */
    struct stress_run *run;                /* const */
};

static void handle_pause(int signal_number) {
    (void)signal_number;
    static uint64_t pause_count; /* atomic */
    int kept_errno = errno;
    uint64_t number = __atomic_fetch_add(&pause_count, 1, __ATOMIC_RELAXED);
    struct timespec nap = {0, (long)(stress_mix(number) % PAUSE_MAX_NS)};
    nanosleep(&nap, NULL);
    errno = kept_errno;
}

static void pause_body(struct stress_worker *worker, void *context) {
    struct pause_targets *targets = context;
    pthread_mutex_lock(&targets->mutex);
    targets->threads[worker->index] = pthread_self();
    targets->is_running[worker->index] = true;
    pthread_mutex_unlock(&targets->mutex);

    stress_mixed_body(worker, &targets->mailbox);

    pthread_mutex_lock(&targets->mutex);
    targets->is_running[worker->index] = false;
    targets->ended_count++;
    pthread_mutex_unlock(&targets->mutex);
}

/** Stops one random thread for a while. False once all have ended. */
static bool pause_one(struct pause_targets *targets, struct stress_random *random) {
    unsigned chosen = (unsigned)stress_random_below(random, targets->run->thread_count);
    pthread_mutex_lock(&targets->mutex);
    bool goes_on = targets->ended_count < targets->run->thread_count;
    if (targets->is_running[chosen]) {
        pthread_kill(targets->threads[chosen], SIGUSR1);
    }
    pthread_mutex_unlock(&targets->mutex);
    return goes_on;
}

static void *pauser_main(void *argument) {
    struct pause_targets *targets = argument;
    struct stress_random random;
    stress_random_init(&random, targets->run->seed, PAUSER_INDEX);
    while (pause_one(targets, &random)) {
        struct timespec gap = {0, (long)stress_random_below(&random, GAP_MAX_NS)};
        nanosleep(&gap, NULL);
    }
    return NULL;
}

void stress_scenario_pause(struct stress_run *run) {
    struct sigaction action = {.sa_handler = handle_pause, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &action, NULL);
    struct pause_targets *targets = stress_pages_create(run, sizeof(*targets));
    targets->run = run;
    pthread_mutex_init(&targets->mutex, NULL);
    stress_mailbox_init(&targets->mailbox, run, MAILBOX_SLOTS);
    pthread_t pauser = stress_thread_start(run, pauser_main, targets);
    stress_threads_run(run, pause_body, targets);
    pthread_join(pauser, NULL);
    stress_mailbox_destroy(&targets->mailbox, run);
    stress_pages_destroy(targets, sizeof(*targets));
}
