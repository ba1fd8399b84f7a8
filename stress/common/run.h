/* SPDX-License-Identifier: MIT */
/**
 * @file run.h
 * One run of one scenario: what was asked for, when it is over, how it fails.
 * Nothing here calls malloc, so that a broken one cannot stop the report.
 */
#ifndef STRESS_RUN_H
#define STRESS_RUN_H

#include "base/pause.h"
#include "random.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STRESS_THREADS_MAX = 256, STRESS_MESSAGE_BYTES = 1024 };

/** Exit statuses of a worker; hakmem-stress passes them on. */
enum { STRESS_EXIT_OK = 0, STRESS_EXIT_FOUND = 1, STRESS_EXIT_USAGE = 2 };

/** How often threads came to a pause point, and how often one stood still there. */
struct stress_point_count {
    uint64_t reached_count; /* atomic */
    uint64_t paused_count;  /* atomic */
};

/** Where the scenario `pause` stops threads. */
enum stress_pauses {
    STRESS_PAUSES_NONE = 0,
    STRESS_PAUSES_SIGNALS = 1, /* at random moments */
    STRESS_PAUSES_POINTS = 2,  /* at marked points, in checked builds */
    STRESS_PAUSES_BOTH = 3,
};

/** Whoever fails first tells why; others that fail let it finish. */
enum stress_failure {
    STRESS_FAILURE_NONE,
    STRESS_FAILURE_BEING_TOLD, /* and stays so when a signal ends the process meanwhile */
    STRESS_FAILURE_TOLD,
};

/** What a worker shares with hakmem-stress, which outlives its crash. Child
 *  processes of the fork scenario write to the same memory. */
struct stress_record {
    uint64_t operation_count;    /* atomic: also the sign of life */
    uint64_t heap_check_count;   /* atomic: structures hak_heap_check() looked at */
    uint64_t grow_count;         /* written at the end, from hak_stats */
    uint64_t shrink_count;       /* the same */
    uint64_t signal_pause_count; /* atomic: threads stopped by a signal */
    struct stress_point_count points[HAK_PAUSE_POINT_COUNT]; /* the scenario `pause` */
    uint32_t failure;                   /* atomic: enum stress_failure, goes up only */
    char message[STRESS_MESSAGE_BYTES]; /* whoever fails first; all, once it is told */
};

struct stress_run {
    const char *scenario;           /* const */
    unsigned thread_count;          /* const */
    uint64_t seed;                  /* const */
    uint64_t operations_per_thread; /* const; 0: by time */
    uint64_t deadline_ns;           /* const; monotonic clock */
    uint64_t timeout_ns;            /* const; without progress for so long, a run hangs */
    struct stress_record *record;   /* const */
    bool is_supervised;             /* const; hakmem-stress reports a failure */
    enum stress_pauses pauses;      /* const */
};

/** A thread of a run. */
struct stress_worker {
    struct stress_run *run;      /* const */
    unsigned index;              /* const; below run->thread_count */
    struct stress_random random; /* owner */
    uint64_t block_count;        /* owner: blocks made, part of their ids */
    uint64_t operation_count;    /* owner */
    uint64_t unreported_count;   /* owner: operations not yet in the record */
    bool is_late;                /* owner: the deadline was seen to pass */
};

/** Prepares `*worker` for thread `index`; also for threads a scenario makes
 *  itself, whose index may be any number not used by another living one. */
void stress_worker_init(struct stress_worker *worker, struct stress_run *run, unsigned index);

/** Counts one operation. False once the run is over. */
bool stress_worker_step(struct stress_worker *worker);

/** True once the run is over; counts nothing. */
bool stress_worker_is_over(struct stress_worker *worker);

/** Adds what was counted to the record. Call before a worker goes. */
void stress_worker_report(struct stress_worker *worker);

/** Reports a failure (the first one of the run wins) and ends the process
 *  with STRESS_EXIT_FOUND. Safe from any thread and in a child of fork(). */
_Noreturn void stress_fail(const struct stress_run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Zeroed memory that does not come from the malloc under test, for a
 *  scenario's own tables. Fails the run if there is none. */
void *stress_pages_create(const struct stress_run *run, size_t size_bytes);
void stress_pages_destroy(void *pages, size_t size_bytes);

/** Monotonic time. */
uint64_t stress_now_ns(void);

typedef void stress_body(struct stress_worker *worker, void *context);

/** Runs `body` on run->thread_count threads that start together, and returns
 *  when all have ended. */
void stress_threads_run(struct stress_run *run, stress_body *body, void *context);

/** Starts one thread; fails the run when the system has none to give. */
pthread_t stress_thread_start(const struct stress_run *run, void *(*main)(void *), void *argument);

/** Walks the heap's invariants if the malloc under test can (hakmem, checked
 *  builds). No other thread may be using it. */
void stress_heap_check(struct stress_run *run);

/** Meeting point of all threads of a run. */
struct stress_meeting {
    pthread_barrier_t barrier;
    bool is_over; /* written by thread 0 between two barriers */
};

void stress_meeting_init(struct stress_meeting *meeting, const struct stress_run *run);
void stress_meeting_destroy(struct stress_meeting *meeting);

/** Waits for all threads. */
void stress_meeting_wait(struct stress_meeting *meeting);

/** Waits for all threads; the same answer for all: is the run over? */
bool stress_meeting_is_over(struct stress_meeting *meeting, struct stress_worker *worker);

/** Waits for all threads, then each in turn walks its heap's invariants while
 *  the others stand still. */
void stress_meeting_heap_check(struct stress_meeting *meeting, struct stress_worker *worker);

#endif
