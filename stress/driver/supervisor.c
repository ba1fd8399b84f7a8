/* SPDX-License-Identifier: MIT */
/**
 * @file supervisor.c
 * Start a worker, wait for it, look for signs of life.
 */
#include "supervisor.h"
#include "../cli/cli.h"
#include "command/interrupt.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { NUMBER_BYTES = 32, LIBRARY_NAME_BYTES = PATH_MAX + 16 };

static struct command_interrupt interrupt;

struct worker_process {
    pid_t pid;
    int record_file;
    struct stress_record *record;
    int observation_file; /* -1: not observed */
    struct stress_observation *observation;
    struct rusage usage;
};

/** Shared memory; its descriptor is inherited by the worker. */
static void *create_shared(size_t size_bytes, int *descriptor) {
    *descriptor = memfd_create("hakmem-stress", 0);
    if (*descriptor < 0 || ftruncate(*descriptor, (off_t)size_bytes) != 0) {
        return NULL;
    }
    void *memory = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, *descriptor, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

/** Returns 0 or an error number. */
static int spawn_worker(const struct supervisor_request *request, struct worker_process *worker) {
    char program[PATH_MAX];
    char threads[NUMBER_BYTES], seed[NUMBER_BYTES], seconds[NUMBER_BYTES];
    char operations[NUMBER_BYTES], timeout[NUMBER_BYTES], record[NUMBER_BYTES];
    char observation[NUMBER_BYTES] = "-", pauses[NUMBER_BYTES];
    const char *name = request->library != NULL ? "hakmem-stress-any" : "hakmem-stress-worker";
    if (!cli_sibling(name, program, sizeof(program))) {
        return ENOENT;
    }
    snprintf(threads, sizeof(threads), "%llu", (unsigned long long)request->thread_count);
    snprintf(seed, sizeof(seed), "%llu", (unsigned long long)request->seed);
    snprintf(seconds, sizeof(seconds), "%.6f", request->seconds);
    snprintf(operations, sizeof(operations), "%llu", (unsigned long long)request->operation_count);
    snprintf(timeout, sizeof(timeout), "%.6f", request->timeout_seconds);
    snprintf(record, sizeof(record), "%d", worker->record_file);
    snprintf(pauses, sizeof(pauses), "%d", (int)request->pauses);
    if (worker->observation != NULL) {
        snprintf(observation, sizeof(observation), "%d", worker->observation_file);
    }
    char *arguments[] = {program,    (char *)request->scenario, threads, seed,
                         seconds,    operations,                timeout, record,
                         observation, pauses,                    (char *)request->library, NULL};
    posix_spawnattr_t attributes;
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    int error = posix_spawn(&worker->pid, program, NULL, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    if (error != 0) {
        fprintf(stderr, "hakmem-stress: %s: %s\n", program, strerror(error));
    }
    return error;
}

/** The library under test is preloaded into the worker, never into us. */
static int start_worker(const struct supervisor_request *request, struct worker_process *worker) {
    const char *outer = getenv("LD_PRELOAD");
    char *kept = outer != NULL ? strdup(outer) : NULL;
    if (request->library != NULL) {
        char preload[2 * LIBRARY_NAME_BYTES];
        snprintf(preload, sizeof(preload), "%s%s%s", request->library, kept != NULL ? ":" : "",
                 kept != NULL ? kept : "");
        setenv("LD_PRELOAD", preload, 1);
    }
    int error = spawn_worker(request, worker);
    unsetenv("LD_PRELOAD");
    if (kept != NULL) {
        setenv("LD_PRELOAD", kept, 1);
        free(kept);
    }
    return error;
}

/** Ends a worker that hangs; its checks get a second to report first. */
static void end_worker(struct worker_process *worker, int *status) {
    const struct timespec second = {1, 0};
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    kill(worker->pid, SIGABRT);
    sigtimedwait(&child, NULL, &second);
    kill(worker->pid, SIGKILL);
    wait4(worker->pid, status, 0, &worker->usage);
}

enum ending { ENDED, HUNG, INTERRUPTED };

/** When it did not end by itself it was killed. SIGCHLD is held back, so the end
 *  of the worker is never missed between two looks. */
static enum ending wait_for_worker(struct worker_process *worker, double timeout_seconds,
                                   int *status) {
    uint64_t seen_count = 0;
    uint64_t seen_ns = stress_now_ns();
    for (;;) {
        if (wait4(worker->pid, status, WNOHANG, &worker->usage) == worker->pid) {
            return ENDED;
        }
        if (interrupt.caught != 0) {
            kill(worker->pid, SIGKILL);
            wait4(worker->pid, status, 0, &worker->usage);
            return INTERRUPTED;
        }
        command_interrupt_wait(0.5);
        uint64_t now_count = __atomic_load_n(&worker->record->operation_count, __ATOMIC_RELAXED);
        uint64_t now_ns = stress_now_ns();
        if (now_count != seen_count) {
            seen_count = now_count;
            seen_ns = now_ns;
        } else if ((double)(now_ns - seen_ns) > timeout_seconds * 1e9) {
            end_worker(worker, status);
            return HUNG;
        }
    }
}

static bool is_told(const struct stress_record *record) {
    return __atomic_load_n(&record->failure, __ATOMIC_ACQUIRE) == STRESS_FAILURE_TOLD;
}

/** Ctrl-C goes to the worker too, which may be seen to end of it first. A failure
 *  that it told of before stays one. */
static bool is_interrupted(const struct worker_process *worker, enum ending ending, int status) {
    command_interrupt_wait(0);
    return interrupt.caught != 0 && !is_told(worker->record) &&
           (ending == INTERRUPTED || (ending == ENDED && WIFSIGNALED(status)));
}

static void judge(const struct stress_record *record, int status,
                  struct supervisor_result *result) {
    char *message = result->message;
    bool is_silent = record->failure == STRESS_FAILURE_NONE;
    if (WIFEXITED(status) && WEXITSTATUS(status) == STRESS_EXIT_OK && is_silent) {
        result->exit_status = STRESS_EXIT_OK;
    } else if (WIFEXITED(status) && WEXITSTATUS(status) == STRESS_EXIT_USAGE) {
        result->exit_status = STRESS_EXIT_USAGE;
    } else if (is_told(record)) {
        memcpy(message, record->message, STRESS_MESSAGE_BYTES);
        message[STRESS_MESSAGE_BYTES - 1] = '\0';
    } else if (WIFSIGNALED(status)) {
        snprintf(message, STRESS_MESSAGE_BYTES, "killed by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    } else {
        snprintf(message, STRESS_MESSAGE_BYTES, "exited with status %d", WEXITSTATUS(status));
    }
}

static void collect(struct worker_process *worker, const struct supervisor_request *request,
                    struct supervisor_result *result) {
    int status = 0;
    uint64_t start_ns = stress_now_ns();
    enum ending ending = wait_for_worker(worker, request->timeout_seconds, &status);
    if (is_interrupted(worker, ending, status)) {
        result->interrupted_by = interrupt.caught;
        result->exit_status = command_interrupt_status(interrupt.caught);
    } else if (ending != HUNG) {
        judge(worker->record, status, result);
    } else {
        snprintf(result->message, sizeof(result->message), "hangs: no operation ended for %.0f s",
                 request->timeout_seconds);
    }
    result->elapsed_seconds = (double)(stress_now_ns() - start_ns) / 1e9;
    result->operation_count = worker->record->operation_count;
    result->heap_check_count = worker->record->heap_check_count;
    result->grow_count = worker->record->grow_count;
    result->shrink_count = worker->record->shrink_count;
    result->resident_max_kib = worker->usage.ru_maxrss;
    result->signal_pause_count = worker->record->signal_pause_count;
    memcpy(result->points, worker->record->points, sizeof(result->points));
    result->observation = worker->observation;
}

/** False when there is no memory to share. */
static bool create_memory(const struct supervisor_request *request, struct worker_process *worker) {
    worker->record = create_shared(sizeof(*worker->record), &worker->record_file);
    if (request->is_observed) {
        worker->observation =
            create_shared(sizeof(*worker->observation), &worker->observation_file);
    }
    return worker->record != NULL && (worker->observation != NULL || !request->is_observed);
}

void supervisor_run(const struct supervisor_request *request, struct supervisor_result *result) {
    *result = (struct supervisor_result){.exit_status = STRESS_EXIT_FOUND};
    struct worker_process worker = {.record_file = -1, .observation_file = -1};
    if (!create_memory(request, &worker)) {
        fprintf(stderr, "hakmem-stress: no shared memory: %s\n", strerror(errno));
        result->exit_status = STRESS_EXIT_USAGE;
        return;
    }
    command_interrupt_hold(&interrupt);
    if (start_worker(request, &worker) != 0) {
        result->exit_status = STRESS_EXIT_USAGE;
    } else {
        collect(&worker, request, result);
    }
    munmap(worker.record, sizeof(struct stress_record));
    close(worker.record_file);
    close(worker.observation_file);
}
