/* SPDX-License-Identifier: MIT */
/**
 * @file pause.c
 * Threads that come and go, of which some stand still for a while where it hurts
 * most. At marked points (src/base/pause_points.def, in checked builds): between
 * two steps of a protocol, the rest goes on and finds what that leaves. And,
 * with any malloc, at random moments: a signal handler that sleeps, wherever the
 * thread was (in the middle of a free, holding a lock). Neither allocates.
 */
#include "../common/exchange.h"
#include "scenarios.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

enum { MAILBOX_SLOTS = 128, HELD = 96, LIFE_MIN = 64, LIFE_MAX = 3000 };
enum { SLAB_SIZE_MAX_BYTES = 4096, RUN_SIZE_MAX_BYTES = 1 << 20, LARGE_SIZE_MAX_BYTES = 3 << 20 };
enum { PAUSE_MAX_NS = 2000000, GAP_MAX_NS = 300000, PAUSER_INDEX = 2000 };
enum { POINT_PERCENT = 12, POINT_ALWAYS = 8 };
/* A parcel fills several slabs, of the largest size more than a SuperSlab. */
enum { PARCEL_BLOCKS = 1000, PARCEL_PERCENT = 50, PARCEL_SLOTS = 2 };
static const size_t parcel_sizes_bytes[] = {300, 700, 1500, 3000};
enum { PARCEL_SIZE_COUNT = sizeof(parcel_sizes_bytes) / sizeof(parcel_sizes_bytes[0]) };
enum { IDLE_MS = 1100 }; /* the adaptive caches' window is 1 s */

/* Present when the malloc under test is hakmem's checked build. */
__attribute__((weak)) extern void (*hak_pause_hook)(enum hak_pause_point point);

/** Blocks of one size that one thread takes and another gives back: whole slabs
 *  become empty through remote frees. */
struct parcel {
    struct stress_block blocks[PARCEL_BLOCKS];
};

struct pause_targets {
    struct stress_mailbox mailbox;
    struct parcel *parcels[PARCEL_SLOTS]; /* atomic: exchanged whole; NULL: none */
    pthread_mutex_t mutex;
    pthread_t threads[STRESS_THREADS_MAX]; /* lock(mutex) */
    bool is_running[STRESS_THREADS_MAX];   /* lock(mutex) */
    unsigned ended_count;                  /* lock(mutex) */
    unsigned paused_count;                 /* atomic: at a point, now */
    struct stress_run *run;                /* const */
};

/** One short thread. */
struct visitor {
    struct stress_worker worker;
    struct pause_targets *targets;
};

static struct pause_targets *the_targets;  /* written before the threads start */
static __thread struct stress_random dice; /* owner: what happens does not depend on it */
static __thread bool may_pause;            /* owner: at marked points */

static void nap(uint64_t length_ns) {
    int kept_errno = errno;
    struct timespec length = {0, (long)length_ns};
    nanosleep(&length, NULL);
    errno = kept_errno;
}

static void handle_pause(int signal_number) {
    (void)signal_number;
    uint64_t *count = &the_targets->run->record->signal_pause_count;
    nap(stress_mix(__atomic_fetch_add(count, 1, __ATOMIC_RELAXED)) % PAUSE_MAX_NS);
}

/** At a point. Half of the threads at most stand still at once: the others must
 *  go on, or nobody sees what is left. The first times always: some points are rare. */
static void handle_point(enum hak_pause_point point) {
    struct pause_targets *targets = the_targets;
    struct stress_point_count *count = &targets->run->record->points[point];
    /* Relaxed, all of them: statistics, and a limit that two threads may pass together. */
    __atomic_fetch_add(&count->reached_count, 1, __ATOMIC_RELAXED);
    bool is_rare = __atomic_load_n(&count->paused_count, __ATOMIC_RELAXED) < POINT_ALWAYS;
    if (!may_pause || !(is_rare || stress_random_chance(&dice, POINT_PERCENT))) {
        return;
    }
    unsigned before = __atomic_fetch_add(&targets->paused_count, 1, __ATOMIC_RELAXED);
    if (is_rare || 2 * before <= targets->run->thread_count) {
        __atomic_fetch_add(&count->paused_count, 1, __ATOMIC_RELAXED);
        nap(stress_random_below(&dice, PAUSE_MAX_NS));
    }
    __atomic_fetch_sub(&targets->paused_count, 1, __ATOMIC_RELAXED);
}

/** Every tier; the larger, the less often: all contents are written and verified. */
static size_t random_size(struct stress_random *random) {
    uint64_t kind = stress_random_below(random, 1000);
    size_t most = kind < 980   ? SLAB_SIZE_MAX_BYTES
                  : kind < 997 ? RUN_SIZE_MAX_BYTES
                               : LARGE_SIZE_MAX_BYTES;
    return most == SLAB_SIZE_MAX_BYTES ? stress_random_size(random, 1, most)
                                       : stress_random_between(random, most / 4, most);
}

/** Says whether the pauser may send this thread signals. */
static void set_running(struct visitor *visitor, bool is_running) {
    struct pause_targets *targets = visitor->targets;
    pthread_mutex_lock(&targets->mutex);
    targets->threads[visitor->worker.index] = pthread_self();
    targets->is_running[visitor->worker.index] = is_running;
    pthread_mutex_unlock(&targets->mutex);
}

static void free_parcel(const struct stress_run *run, struct parcel *parcel) {
    if (parcel != NULL) {
        stress_blocks_free(run, parcel->blocks, PARCEL_BLOCKS);
        stress_pages_destroy(parcel, sizeof(*parcel));
    }
}

/** Leaves a parcel of `size_bytes` for another thread, and frees the one that
 *  lay there. */
static void post(struct stress_worker *worker, struct pause_targets *targets, size_t size_bytes) {
    struct parcel *parcel = stress_pages_create(worker->run, sizeof(*parcel));
    for (unsigned i = 0; i < PARCEL_BLOCKS && stress_worker_step(worker); i++) {
        stress_block_malloc(worker, &parcel->blocks[i], size_bytes);
    }
    stress_blocks_shuffle(&worker->random, parcel->blocks, PARCEL_BLOCKS);
    unsigned slot = (unsigned)stress_random_below(&worker->random, PARCEL_SLOTS);
    /* Release: the blocks are written; acquire: so are those that come. */
    free_parcel(worker->run,
                __atomic_exchange_n(&targets->parcels[slot], parcel, __ATOMIC_ACQ_REL));
}

static size_t parcel_size(struct stress_random *random) {
    return parcel_sizes_bytes[stress_random_below(random, PARCEL_SIZE_COUNT)];
}

static void mingle(struct stress_worker *worker, struct stress_mailbox *mailbox) {
    struct stress_block held[HELD] = {0};
    uint64_t life = stress_random_between(&worker->random, LIFE_MIN, LIFE_MAX);
    for (uint64_t i = 0; i < life && stress_worker_step(worker); i++) {
        struct stress_block *block = &held[stress_random_below(&worker->random, HELD)];
        if (block->memory == NULL) {
            stress_block_malloc(worker, block, random_size(&worker->random));
        } else if (stress_random_chance(&worker->random, 50)) {
            stress_mailbox_swap(mailbox, &worker->random, block);
        } else {
            stress_block_free(worker->run, block);
        }
    }
    stress_blocks_free(worker->run, held, HELD);
}

/** However many signals come meanwhile. */
static void sleep_ms(uint64_t length_ms) {
    uint64_t end_ns = stress_now_ns() + length_ms * 1000000U;
    const struct timespec end = {(time_t)(end_ns / 1000000000U), (long)(end_ns % 1000000000U)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) == EINTR) {
    }
}

/** In runs that are long enough: lets all but one class idle for two windows of
 *  adaptive sizing, which is what makes their caches shrink. */
static void doze(struct stress_worker *worker, struct pause_targets *targets) {
    size_t size_bytes = parcel_size(&worker->random);
    uint64_t needed_ns = 2 * (uint64_t)IDLE_MS * 1000000U;
    const struct stress_run *run = worker->run;
    if (run->operations_per_thread == 0 && stress_now_ns() + needed_ns < run->deadline_ns) {
        sleep_ms(IDLE_MS);
        post(worker, targets, size_bytes);
        sleep_ms(IDLE_MS);
        post(worker, targets, size_bytes);
    }
}

/** To the thread's end: its heap is abandoned in a key destructor. */
static void let_pause(const struct stress_worker *worker) {
    dice = worker->random;
    may_pause = true;
}

static void *visitor_main(void *argument) {
    struct visitor *visitor = argument;
    let_pause(&visitor->worker);
    set_running(visitor, true);
    mingle(&visitor->worker, &visitor->targets->mailbox);
    if (visitor->worker.index == 0) {
        doze(&visitor->worker, visitor->targets);
    } else if (stress_random_chance(&visitor->worker.random, PARCEL_PERCENT) &&
               !stress_worker_is_over(&visitor->worker)) {
        post(&visitor->worker, visitor->targets, parcel_size(&visitor->worker.random));
    }
    set_running(visitor, false);
    return NULL;
}

/** One place: short threads follow each other in it, and adopt each other's heaps. */
static void pause_body(struct stress_worker *worker, void *context) {
    struct pause_targets *targets = context;
    struct visitor *visitor = stress_pages_create(worker->run, sizeof(*visitor));
    visitor->worker = *worker; /* the ids of its blocks go on counting */
    visitor->targets = targets;
    let_pause(worker);
    do {
        pthread_t thread = stress_thread_start(worker->run, visitor_main, visitor);
        pthread_join(thread, NULL);
    } while (!stress_worker_is_over(&visitor->worker));
    stress_worker_report(&visitor->worker);
    stress_pages_destroy(visitor, sizeof(*visitor));
    pthread_mutex_lock(&targets->mutex);
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

static void run_threads(struct stress_run *run, struct pause_targets *targets) {
    bool has_signals = ((unsigned)run->pauses & STRESS_PAUSES_SIGNALS) != 0;
    pthread_t pauser;
    if (has_signals) {
        struct sigaction action = {.sa_handler = handle_pause, .sa_flags = SA_RESTART};
        sigaction(SIGUSR1, &action, NULL);
        pauser = stress_thread_start(run, pauser_main, targets);
    }
    stress_threads_run(run, pause_body, targets);
    if (has_signals) {
        pthread_join(pauser, NULL);
    }
}

void stress_scenario_pause(struct stress_run *run) {
    struct pause_targets *targets = stress_pages_create(run, sizeof(*targets));
    targets->run = run;
    the_targets = targets;
    if (&hak_pause_hook != NULL && ((unsigned)run->pauses & STRESS_PAUSES_POINTS) != 0) {
        hak_pause_hook = handle_point;
    }
    pthread_mutex_init(&targets->mutex, NULL);
    stress_mailbox_init(&targets->mailbox, run, MAILBOX_SLOTS);
    run_threads(run, targets);
    stress_mailbox_destroy(&targets->mailbox, run);
    for (unsigned i = 0; i < PARCEL_SLOTS; i++) {
        free_parcel(run, targets->parcels[i]);
    }
    stress_pages_destroy(targets, sizeof(*targets));
}
