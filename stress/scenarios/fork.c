/* SPDX-License-Identifier: MIT */
/**
 * @file fork.c
 * Forks while other threads allocate, and forks while all stand still.
 *
 * A child may free only blocks that nobody touched while it was born: the
 * kernel copies pages one by one, so of a thread that goes on running the child
 * sees no consistent state. Hence two kinds of tables: `frozen` ones, filled
 * before a meeting, and `own` ones, which only their thread's children free,
 * except after a fork in the middle of a meeting, when all tables are still.
 * Either way the child frees blocks of heaps whose threads it does not have.
 */
#include "../common/block.h"
#include "scenarios.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { OWN = 96, FROZEN = 48, FORKS_A_STORM = 2, OPERATIONS_A_FORK = 60 };
enum { SIZE_MAX_BYTES = 48 * 1024, CHILD_OPERATIONS = 96, CHILD_THREAD_INDEX = 1000 };

/* The sanitizers' own malloc, which pthread_create() calls, may be locked in a
 * child; TSan supports no new thread there at all. Everywhere else glibc does. */
enum { CHILD_HAS_THREADS = !STRESS_SANITIZED };

struct tables {
    struct stress_block own[OWN];       /* owner; all, in a meeting */
    struct stress_block frozen[FROZEN]; /* owner before the storm, all children in it */
};

struct storm {
    struct stress_meeting meeting;
    struct tables tables[];
};

enum inherited { OWN_AND_FROZEN, EVERYTHING };

static void operate(struct stress_worker *worker, struct stress_block *blocks, size_t count,
                    unsigned operations) {
    for (unsigned i = 0; i < operations; i++) {
        struct stress_block *block = &blocks[stress_random_below(&worker->random, count)];
        if (block->memory == NULL) {
            stress_block_create(worker, block,
                                stress_random_size(&worker->random, 1, SIZE_MAX_BYTES));
        } else {
            stress_block_free(worker->run, block);
        }
    }
}

/** The child's own work: it must be able to do what any process can. */
static void *live(void *argument) {
    struct stress_worker worker = *(struct stress_worker *)argument;
    worker.index += CHILD_THREAD_INDEX;
    struct stress_block blocks[OWN] = {0};
    operate(&worker, blocks, OWN, CHILD_OPERATIONS);
    stress_blocks_free(worker.run, blocks, OWN);
    return NULL;
}

static _Noreturn void child_main(struct stress_worker *worker, struct storm *storm,
                                 enum inherited inherited) {
    struct stress_run *run = worker->run;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    live(worker);
    for (unsigned i = 0; i < run->thread_count; i++) {
        stress_blocks_free(run, storm->tables[i].frozen, FROZEN);
        if (inherited == EVERYTHING || i == worker->index) {
            stress_blocks_free(run, storm->tables[i].own, OWN);
        }
    }
    if (CHILD_HAS_THREADS) {
        pthread_join(stress_thread_start(run, live, worker), NULL);
    }
    live(worker);
    stress_heap_check(run);
    _exit(STRESS_EXIT_OK);
}

static int wait_for(const struct stress_run *run, pid_t child) {
    const struct timespec nap = {0, 100000};
    /* Sooner than the run as a whole is given up, for a better report. */
    uint64_t patience_ns = run->timeout_ns / 2;
    uint64_t limit_ns = stress_now_ns() + patience_ns;
    int status = 0;
    for (;;) {
        pid_t ended = waitpid(child, &status, WNOHANG);
        if (ended == child) {
            return status;
        }
        if (ended < 0 && errno != EINTR) {
            stress_fail(run, "waitpid: %s", strerror(errno));
        }
        if (stress_now_ns() > limit_ns) {
            kill(child, SIGKILL);
            stress_fail(run, "a child of fork() hangs: no exit within %.1f s",
                        (double)patience_ns / 1e9);
        }
        nanosleep(&nap, NULL);
    }
}

static void fork_once(struct stress_worker *worker, struct storm *storm, enum inherited inherited) {
    pid_t child = fork();
    if (child < 0) {
        stress_fail(worker->run, "fork: %s", strerror(errno));
    }
    if (child == 0) {
        child_main(worker, storm, inherited);
    }
    int status = wait_for(worker->run, child);
    if (WIFSIGNALED(status)) {
        stress_fail(worker->run, "a child of fork() was killed by signal %d", WTERMSIG(status));
    }
    if (WEXITSTATUS(status) != STRESS_EXIT_OK) {
        stress_fail(worker->run, "a child of fork() exited with %d", WEXITSTATUS(status));
    }
    stress_worker_step(worker);
}

static void play_round(struct stress_worker *worker, struct storm *storm, unsigned round) {
    struct tables *tables = &storm->tables[worker->index];
    for (unsigned i = 0; i < FROZEN; i++) {
        stress_block_create(worker, &tables->frozen[i],
                            stress_random_size(&worker->random, 1, SIZE_MAX_BYTES));
    }
    stress_meeting_wait(&storm->meeting);
    if (round % worker->run->thread_count == worker->index) {
        fork_once(worker, storm, EVERYTHING);
    }
    stress_meeting_wait(&storm->meeting);
    for (unsigned i = 0; i < FORKS_A_STORM; i++) {
        operate(worker, tables->own, OWN, OPERATIONS_A_FORK);
        fork_once(worker, storm, OWN_AND_FROZEN);
    }
    stress_meeting_wait(&storm->meeting);
    stress_blocks_free(worker->run, tables->frozen, FROZEN);
}

static void fork_body(struct stress_worker *worker, void *context) {
    struct storm *storm = context;
    unsigned round = 0;
    do {
        play_round(worker, storm, round);
        round++;
    } while (!stress_meeting_is_over(&storm->meeting, worker));
    stress_blocks_free(worker->run, storm->tables[worker->index].own, OWN);
}

void stress_scenario_fork(struct stress_run *run) {
    size_t bytes = sizeof(struct storm) + run->thread_count * sizeof(struct tables);
    struct storm *storm = stress_pages_create(run, bytes);
    stress_meeting_init(&storm->meeting, run);
    stress_threads_run(run, fork_body, storm);
    stress_meeting_destroy(&storm->meeting);
    stress_pages_destroy(storm, bytes);
}
