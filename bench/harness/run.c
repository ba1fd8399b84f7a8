/* SPDX-License-Identifier: MIT */
/*
 * Runs one workload: threads, budget, clock. One thread means the main thread,
 * so a single-threaded run is a single-threaded program; more are all started
 * threads.
 */
#include "harness/bench.h"
#include "harness/block.h"
#include "harness/random.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_SECOND 1000000000u

void bench_fail(const char *format, ...) {
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    int prefix = snprintf(line, sizeof line, "hakmem-bench: ");
    vsnprintf(line + prefix, sizeof line - (size_t)prefix - 1, format, arguments);
    va_end(arguments);
    strcat(line, "\n");
    ssize_t written = write(STDERR_FILENO, line, strlen(line));
    _exit(written < 0 ? 2 : 1);
}

void bench_fail_null(const char *function, size_t size_bytes) {
    bench_fail("%s(%zu) returned NULL", function, size_bytes);
}

void bench_fail_tag(const void *block, size_t size_bytes, uint64_t found) {
    bench_fail("block %p of %zu bytes was overwritten: its first word is 0x%016" PRIx64
               ", not 0x%016" PRIx64,
               block, size_bytes, found, bench_tag(block, size_bytes));
}

uint64_t bench_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

void bench_sleep_ns(uint64_t duration_ns) {
    struct timespec left = {.tv_sec = (time_t)(duration_ns / NS_PER_SECOND),
                            .tv_nsec = (long)(duration_ns % NS_PER_SECOND)};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}

pthread_t bench_thread_start(void *(*function)(void *), void *argument) {
    pthread_t thread;
    int error = pthread_create(&thread, NULL, function, argument);
    if (error != 0)
        bench_fail("pthread_create: %s", strerror(error));
    return thread;
}

void bench_barrier(struct bench_run *run) {
    pthread_barrier_wait(&run->barrier);
}

static uint64_t more_by_time(struct bench_worker *worker, uint64_t chunk) {
    /* At least one chunk, so that every run has something to report. */
    if (worker->operations != 0 && bench_now_ns() - worker->start_ns >= worker->run->duration_ns)
        return 0;
    return chunk;
}

uint64_t bench_more(struct bench_worker *worker, uint64_t chunk) {
    uint64_t granted = chunk;
    if (worker->run->duration_ns != 0) {
        granted = more_by_time(worker, chunk);
    } else {
        if (granted > worker->remaining_operations)
            granted = worker->remaining_operations;
        worker->remaining_operations -= granted;
    }
    worker->operations += granted;
    return granted;
}

size_t bench_rss_off_clock(struct bench_worker *worker) {
    uint64_t start_ns = bench_now_ns();
    size_t rss_bytes = bench_rss_bytes();
    if (worker->end_ns == 0) /* still in the timed part */
        worker->run->paused_ns += bench_now_ns() - start_ns;
    return rss_bytes;
}

uint64_t bench_more_together(struct bench_worker *worker, uint64_t chunk) {
    struct bench_run *run = worker->run;
    if (worker->index == 0) {
        uint64_t left = worker->remaining_operations;
        if (run->duration_ns != 0)
            run->another_round = more_by_time(worker, chunk) != 0;
        else
            run->another_round = left > 0;
        worker->remaining_operations = left > chunk ? left - chunk : 0;
    }
    bench_barrier(run);
    uint64_t granted = run->another_round ? chunk : 0;
    worker->operations += granted;
    /* Nobody may come round again and change the flag before all have read it. */
    bench_barrier(run);
    return granted;
}

static void *worker_main(void *argument) {
    struct bench_worker *worker = argument;
    const struct bench_workload *workload = worker->run->workload;
    if (workload->setup != NULL)
        workload->setup(worker);
    bench_barrier(worker->run);
    worker->start_ns = bench_now_ns();
    workload->body(worker);
    worker->end_ns = bench_now_ns();
    worker->tls_cache_bytes = bench_tls_cache_bytes();
    bench_barrier(worker->run);
    if (workload->teardown != NULL)
        workload->teardown(worker);
    return NULL;
}

/* Splits the operations so that the shares differ by one at most. */
static void workers_init(struct bench_run *run) {
    uint64_t share = run->total_operations / run->threads;
    uint64_t extra = run->total_operations % run->threads;
    for (unsigned i = 0; i < run->threads; i++) {
        struct bench_worker *worker = &run->workers[i];
        uint64_t seed = run->seed * BENCH_MAX_THREADS + i;
        *worker = (struct bench_worker){.run = run, .index = i};
        worker->random = bench_random(&seed);
        worker->remaining_operations = share + (i < extra);
    }
}

static void workers_run(struct bench_run *run) {
    pthread_t threads[BENCH_MAX_THREADS];
    if (run->threads == 1) {
        worker_main(&run->workers[0]);
        return;
    }
    for (unsigned i = 0; i < run->threads; i++)
        threads[i] = bench_thread_start(worker_main, &run->workers[i]);
    for (unsigned i = 0; i < run->threads; i++)
        pthread_join(threads[i], NULL);
}

static void result_collect(const struct bench_run *run, struct bench_result *result) {
    uint64_t start_ns = UINT64_MAX;
    uint64_t end_ns = 0;
    for (unsigned i = 0; i < run->threads; i++) {
        const struct bench_worker *worker = &run->workers[i];
        result->operations += worker->operations;
        result->tls_cache_bytes = worker->tls_cache_bytes == SIZE_MAX
                                      ? SIZE_MAX
                                      : result->tls_cache_bytes + worker->tls_cache_bytes;
        if (worker->start_ns < start_ns)
            start_ns = worker->start_ns;
        if (worker->end_ns > end_ns)
            end_ns = worker->end_ns;
    }
    uint64_t elapsed_ns = end_ns - start_ns - run->paused_ns;
    result->seconds = (double)(elapsed_ns > 0 ? elapsed_ns : 1) / NS_PER_SECOND;
}

/* The kernel's high-water mark lags by its per-CPU counters; what was seen exactly counts too. */
static size_t peak_seen(const struct bench_run *run, size_t end_rss_bytes) {
    size_t peak = bench_peak_rss_bytes();
    size_t full = run->memory.full_rss_bytes;
    if (end_rss_bytes > peak)
        peak = end_rss_bytes;
    return full != SIZE_MAX && full > peak ? full : peak;
}

void bench_run_execute(struct bench_run *run, struct bench_result *result) {
    *result = (struct bench_result){.start_rss_bytes = bench_rss_bytes()};
    memset(&run->memory, 0xFF, sizeof run->memory);
    run->paused_ns = 0;
    workers_init(run);
    pthread_barrier_init(&run->barrier, NULL, run->threads);
    uint64_t faults = bench_minor_faults();
    if (run->workload->prepare != NULL)
        run->workload->prepare(run);
    workers_run(run);
    if (run->workload->finish != NULL)
        run->workload->finish(run);
    result->minor_faults = bench_minor_faults() - faults;
    result->end_rss_bytes = bench_rss_bytes();
    result->peak_rss_bytes = peak_seen(run, result->end_rss_bytes);
    pthread_barrier_destroy(&run->barrier);
    result_collect(run, result);
}
