/* SPDX-License-Identifier: MIT */
/*
 * The harness of hakmem-bench: what a workload gets and what it owes.
 *
 * A workload is a table of functions (struct bench_workload). The harness
 * starts the threads, hands out the budget, keeps the clock and the memory
 * figures, and writes the report; the workload only allocates and frees, with
 * plain malloc and free, so whatever malloc is linked or preloaded is measured.
 *
 * Bookkeeping (arrays of pointers, queues) comes from bench_table_create(),
 * straight from mmap, so it is the same for every allocator.
 */
#ifndef BENCH_HARNESS_BENCH_H
#define BENCH_HARNESS_BENCH_H

#include "command/output_file.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_MAX_THREADS 64u

struct bench_run;
struct bench_worker;

enum bench_kind {
    BENCH_SPEED,  /* time is what it is about */
    BENCH_MEMORY, /* resident memory is; reports the RSS right after free too */
    BENCH_COUNT,  /* a bare loop for counting instructions under callgrind */
};

/* One workload. All functions but `body` may be NULL. */
struct bench_workload {
    const char *name;
    const char *summary;   /* one line for --list */
    const char *operation; /* what is counted as one operation */
    enum bench_kind kind;
    unsigned min_threads;     /* fewest threads it makes sense with */
    unsigned thread_multiple; /* thread count must be a multiple of this */

    void (*prepare)(struct bench_run *run);        /* once, before any thread starts */
    void (*setup)(struct bench_worker *worker);    /* each thread, not timed */
    void (*body)(struct bench_worker *worker);     /* each thread, timed */
    void (*teardown)(struct bench_worker *worker); /* each thread, not timed */
    void (*finish)(struct bench_run *run);         /* once, after all threads ended */
};

/* Memory figures a workload may report; SIZE_MAX stands for "not measured". */
struct bench_memory {
    size_t live_bytes;           /* bytes the program held at its fullest */
    size_t full_rss_bytes;       /* RSS at that moment */
    size_t kept_bytes;           /* bytes the program still holds after the free */
    size_t after_free_rss_bytes; /* RSS right after the free */
    size_t settled_rss_bytes;    /* RSS a little later, after light activity */
};

struct bench_worker {
    struct bench_run *run;         /* const */
    unsigned index;                /* const: 0 .. threads-1 */
    uint64_t random;               /* owner: generator state, from the seed and the index */
    uint64_t remaining_operations; /* owner: what is left (--operations) */
    uint64_t operations;           /* owner: what was handed out so far */
    uint64_t start_ns;             /* owner */
    uint64_t end_ns;               /* owner */
    size_t tls_cache_bytes;        /* owner: at the end of the timed part */
    void *state;                   /* owner: the workload's own */
};

struct bench_run {
    const struct bench_workload *workload; /* const */
    unsigned threads;                      /* const */
    uint64_t seed;                         /* const */
    uint64_t total_operations;             /* const: 0 when the run is bounded by time */
    uint64_t duration_ns;                  /* const: 0 when bounded by operations */
    void *shared;                          /* the workload's own, set in prepare() */
    struct bench_memory memory;            /* worker 0 only */
    uint64_t paused_ns;                    /* worker 0 only: measuring time, not counted */
    bool another_round;                    /* worker 0 writes, all read between barriers */
    pthread_barrier_t barrier;
    struct bench_worker workers[BENCH_MAX_THREADS];
};

/* What one run measured. */
struct bench_result {
    uint64_t operations;
    double seconds;
    size_t start_rss_bytes;
    size_t peak_rss_bytes;
    size_t end_rss_bytes;
    uint64_t minor_faults;
    size_t tls_cache_bytes; /* sum over the threads; SIZE_MAX unless malloc is hakmem's */
};

/* The registry (workloads/registry.c): NULL-terminated. */
extern const struct bench_workload *const bench_workloads[];
const struct bench_workload *bench_workload_find(const char *name);

/* Runs the workload in `run` (workload, threads, seed and one bound are set). */
void bench_run_execute(struct bench_run *run, struct bench_result *result);

/*
 * How many operations to do next: `chunk`, less at the end of the budget, 0
 * when the run is over. The caller does exactly that many. A run bounded by
 * time looks at the clock once a call, so chunks are best 100 operations up.
 */
uint64_t bench_more(struct bench_worker *worker, uint64_t chunk);

/*
 * The same for workloads whose threads go through rounds in step: worker 0
 * decides for all, and every worker gets `chunk` or 0. A run bounded by
 * operations does whole rounds, rounded up. Also a barrier.
 */
uint64_t bench_more_together(struct bench_worker *worker, uint64_t chunk);

/* Waits until every worker of the run is here. */
void bench_barrier(struct bench_run *run);

uint64_t bench_now_ns(void);
void bench_sleep_ns(uint64_t duration_ns);

/* Zeroed bookkeeping memory straight from mmap. Fails the run when there is none. */
void *bench_table_create(size_t size_bytes);
void bench_table_release(void *table, size_t size_bytes);

size_t bench_rss_bytes(void);                            /* now, exact */
size_t bench_rss_off_clock(struct bench_worker *worker); /* worker 0: the time isn't counted */
size_t bench_peak_rss_bytes(void); /* of this program, not of what it was forked from */
uint64_t bench_minor_faults(void);

/* What the calling thread's TLS caches take, blocks and slots, where malloc is
 * hakmem's; SIZE_MAX elsewhere. */
size_t bench_tls_cache_bytes(void);

/* Ends the program with status 1 and one line on stderr. */
_Noreturn void bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Starts a thread or fails the run. */
pthread_t bench_thread_start(void *(*function)(void *), void *argument);

/* The report (harness/report.c). False, with one line on stderr, if it cannot be written. */
void bench_report_print(const struct bench_run *run, const struct bench_result *result);
bool bench_report_write(const struct bench_run *run, const struct bench_result *result,
                        struct command_output *json_file);

#endif
