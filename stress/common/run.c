/* SPDX-License-Identifier: MIT */
/**
 * @file run.c
 * A run's clock, counters and failure report.
 */
#include "run.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { REPORT_EVERY = 64, PATIENCE_NS = 1000000000 };

uint64_t stress_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

void stress_worker_init(struct stress_worker *worker, struct stress_run *run, unsigned index) {
    *worker = (struct stress_worker){.run = run, .index = index};
    stress_random_init(&worker->random, run->seed, index);
}

void stress_worker_report(struct stress_worker *worker) {
    /* Relaxed: a count, read by a process that only compares it with itself. */
    __atomic_fetch_add(&worker->run->record->operation_count, worker->unreported_count,
                       __ATOMIC_RELAXED);
    worker->unreported_count = 0;
}

bool stress_worker_is_over(struct stress_worker *worker) {
    if (worker->run->operations_per_thread != 0) {
        return worker->operation_count >= worker->run->operations_per_thread;
    }
    worker->is_late = worker->is_late || stress_now_ns() >= worker->run->deadline_ns;
    return worker->is_late;
}

bool stress_worker_step(struct stress_worker *worker) {
    worker->operation_count++;
    worker->unreported_count++;
    if (worker->unreported_count >= REPORT_EVERY) {
        stress_worker_report(worker);
        return !stress_worker_is_over(worker);
    }
    if (worker->run->operations_per_thread != 0) {
        return worker->operation_count < worker->run->operations_per_thread;
    }
    return !worker->is_late;
}

static void print_failure(const struct stress_run *run, const char *line) {
    char whole[STRESS_MESSAGE_BYTES + 128];
    int length = snprintf(whole, sizeof(whole), "hakmem-stress: FAIL %s seed=%llu: %s\n",
                          run->scenario, (unsigned long long)run->seed, line);
    ssize_t written = write(STDERR_FILENO, whole, (size_t)length);
    (void)written; /* nowhere left to complain to */
}

/** The first to fail may still be telling why, and _exit() would end it too. It
 *  takes microseconds, unless it is a child process that was killed meanwhile. */
static void wait_until_told(const struct stress_record *record) {
    const struct timespec nap = {0, 100000};
    uint64_t limit_ns = stress_now_ns() + PATIENCE_NS;
    while (__atomic_load_n(&record->failure, __ATOMIC_ACQUIRE) != STRESS_FAILURE_TOLD &&
           stress_now_ns() < limit_ns) {
        nanosleep(&nap, NULL);
    }
}

void stress_fail(const struct stress_run *run, const char *format, ...) {
    char line[STRESS_MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);

    struct stress_record *record = run->record;
    uint32_t failure = STRESS_FAILURE_NONE;
    if (__atomic_compare_exchange_n(&record->failure, &failure, STRESS_FAILURE_BEING_TOLD, false,
                                    __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
        memcpy(record->message, line, sizeof(line));
        if (!run->is_supervised) {
            print_failure(run, line);
        }
        __atomic_store_n(&record->failure, STRESS_FAILURE_TOLD, __ATOMIC_RELEASE);
    }
    wait_until_told(record);
    _exit(STRESS_EXIT_FOUND);
}

void *stress_pages_create(const struct stress_run *run, size_t size_bytes) {
    void *pages =
        mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) {
        stress_fail(run, "no memory for the scenario's own tables (%zu bytes): %s", size_bytes,
                    strerror(errno));
    }
    return pages;
}

void stress_pages_destroy(void *pages, size_t size_bytes) {
    munmap(pages, size_bytes);
}
