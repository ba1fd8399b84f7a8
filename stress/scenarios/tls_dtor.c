/* SPDX-License-Identifier: MIT */
/**
 * @file tls_dtor.c
 * Destructors of thread-specific keys that free, allocate, and set their key
 * again, in every round the C library makes of them: before, between and after
 * the allocator's own clean-up of the thread. More keys than glibc keeps inside
 * its thread structure, so that setting one may itself call calloc.
 */
#include "../common/exchange.h"
#include "scenarios.h"

#include <limits.h>
#include <string.h>

/* ThreadSanitizer takes its own state of the thread away in the last round. */
enum { ROUNDS = PTHREAD_DESTRUCTOR_ITERATIONS - STRESS_TSAN };
enum { KEYS = 40, BLOCKS_A_KEY = 3, SIZE_MAX_BYTES = 40 * 1024, MAILBOX_SLOTS = 256 };

/** What one key of one thread holds. */
struct holder {
    struct stress_worker *worker;
    struct stress_mailbox *mailbox;
    pthread_key_t key;
    unsigned rounds_left; /* of destructors that still set the key again */
    struct stress_block blocks[BLOCKS_A_KEY];
};

struct tls_dtor {
    struct stress_mailbox mailbox;
    pthread_key_t keys[KEYS];
};

/** A thread's place: the holders outlive each thread that uses them. */
struct place {
    struct stress_worker worker;
    struct tls_dtor *shared;
    struct holder holders[KEYS];
};

static void take_blocks(struct holder *holder) {
    for (unsigned i = 0; i < BLOCKS_A_KEY; i++) {
        stress_block_create(holder->worker, &holder->blocks[i],
                            stress_random_size(&holder->worker->random, 1, SIZE_MAX_BYTES));
    }
}

static void set_key(struct holder *holder) {
    int error = pthread_setspecific(holder->key, holder);
    if (error != 0) {
        stress_fail(holder->worker->run, "pthread_setspecific: %s", strerror(error));
    }
}

static void holder_destructor(void *value) {
    struct holder *holder = value;
    /* Some blocks go to a thread that lives, some come from one that is gone. */
    stress_mailbox_swap(holder->mailbox, &holder->worker->random, &holder->blocks[0]);
    stress_blocks_free(holder->worker->run, holder->blocks, BLOCKS_A_KEY);
    stress_worker_step(holder->worker);
    if (holder->rounds_left > 0) {
        holder->rounds_left--;
        take_blocks(holder);
        set_key(holder);
    }
}

static void *place_main(void *argument) {
    struct place *place = argument;
    for (unsigned i = 0; i < KEYS; i++) {
        struct holder *holder = &place->holders[i];
        holder->worker = &place->worker;
        holder->mailbox = &place->shared->mailbox;
        holder->key = place->shared->keys[i];
        holder->rounds_left = (unsigned)stress_random_below(&place->worker.random, ROUNDS);
        take_blocks(holder);
        set_key(holder);
    }
    return NULL;
}

static void check_ended(const struct place *place) {
    for (unsigned i = 0; i < KEYS; i++) {
        const struct holder *holder = &place->holders[i];
        if (holder->rounds_left != 0) {
            stress_fail(place->worker.run, "key %u: %u rounds of destructors were not run", i,
                        holder->rounds_left);
        }
    }
}

static void tls_dtor_body(struct stress_worker *worker, void *context) {
    struct place *place = stress_pages_create(worker->run, sizeof(*place));
    place->worker = *worker;
    place->shared = context;
    do {
        pthread_join(stress_thread_start(worker->run, place_main, place), NULL);
        check_ended(place);
    } while (!stress_worker_is_over(&place->worker));
    stress_worker_report(&place->worker);
    stress_pages_destroy(place, sizeof(*place));
}

void stress_scenario_tls_dtor(struct stress_run *run) {
    struct tls_dtor shared;
    stress_mailbox_init(&shared.mailbox, run, MAILBOX_SLOTS);
    for (unsigned i = 0; i < KEYS; i++) {
        int error = pthread_key_create(&shared.keys[i], holder_destructor);
        if (error != 0) {
            stress_fail(run, "pthread_key_create: %s", strerror(error));
        }
    }
    stress_threads_run(run, tls_dtor_body, &shared);
    for (unsigned i = 0; i < KEYS; i++) {
        pthread_key_delete(shared.keys[i]);
    }
    stress_mailbox_destroy(&shared.mailbox, run);
}
