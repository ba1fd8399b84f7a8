/* SPDX-License-Identifier: MIT */
/**
 * @file jobs.c
 * Start, wait, count; keep the first failure. A run that failed stays failed.
 */
#include "jobs.h"

#include "command/command_line.h"
#include "command/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { NUMBER_BYTES = 32, ARGUMENTS_MAX = 16 };

struct job {
    pid_t pid; /* 0: free */
    uint64_t run;
    int output; /* what it prints, in memory */
};

/** The arguments of one run, as text. */
struct command {
    char seed[NUMBER_BYTES], threads[NUMBER_BYTES], length[NUMBER_BYTES], timeout[NUMBER_BYTES];
    char *arguments[ARGUMENTS_MAX];
};

static const struct cli_scenario *scenario_of(const struct stability_plan *plan, uint64_t run) {
    return plan->scenarios[run % plan->scenario_count];
}

static void make_command(const struct stability_plan *plan, uint64_t run, struct command *command) {
    size_t count = 0;
    snprintf(command->seed, NUMBER_BYTES, "%llu", (unsigned long long)(plan->seed + run));
    snprintf(command->threads, NUMBER_BYTES, "%llu", (unsigned long long)plan->thread_count);
    snprintf(command->timeout, NUMBER_BYTES, "%.3f", plan->timeout_seconds);
    char **arguments = command->arguments;
    arguments[count++] = (char *)plan->stress_path;
    arguments[count++] = (char *)scenario_of(plan, run)->name;
    arguments[count++] = "--threads";
    arguments[count++] = command->threads;
    arguments[count++] = "--seed";
    arguments[count++] = command->seed;
    arguments[count++] = "--timeout";
    arguments[count++] = command->timeout;
    if (plan->operation_count != 0) {
        snprintf(command->length, NUMBER_BYTES, "%llu", (unsigned long long)plan->operation_count);
        arguments[count++] = "--operations";
    } else {
        snprintf(command->length, NUMBER_BYTES, "%.3f", plan->seconds_per_run);
        arguments[count++] = "--seconds";
    }
    arguments[count++] = command->length;
    if (plan->library != NULL) {
        arguments[count++] = "--library";
        arguments[count++] = (char *)plan->library;
    }
    arguments[count] = NULL;
}

static void print_command(const struct stability_plan *plan, uint64_t run, char *text,
                          size_t text_bytes) {
    struct command command;
    make_command(plan, run, &command);
    size_t used = 0;
    for (size_t i = 0; command.arguments[i] != NULL && used < text_bytes; i++) {
        used += (size_t)snprintf(text + used, text_bytes - used, "%s%s", i > 0 ? " " : "",
                                 command.arguments[i]);
    }
}

static bool start_job(const struct stability_plan *plan, struct job *job, uint64_t run) {
    struct command command;
    make_command(plan, run, &command);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    job->run = run;
    job->output = memfd_create("run", MFD_CLOEXEC);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, job->output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, job->output, STDERR_FILENO);
    int error = posix_spawn(&job->pid, plan->stress_path, &actions, &attributes, command.arguments,
                            environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (error != 0) {
        command_complain("%s cannot be run: %s", plan->stress_path, strerror(error));
        job->pid = 0;
        close(job->output);
    }
    return error == 0;
}

static bool copy_output(int from, int to) {
    char buffer[65536];
    off_t offset = 0;
    ssize_t length;
    while ((length = pread(from, buffer, sizeof(buffer), offset)) > 0) {
        if (write(to, buffer, (size_t)length) != length) {
            return false;
        }
        offset += length;
    }
    return length == 0;
}

/** Keeps the first failure: the command, how it ended, and all it printed. */
static void keep_failure(const struct stability_plan *plan, const struct job *job, int status,
                         struct stability_tally *tally) {
    char temporary[PATH_MAX + 8];
    print_command(plan, job->run, tally->first_command, sizeof(tally->first_command));
    snprintf(tally->first_report, sizeof(tally->first_report), "%s/first-failure.txt",
             plan->out_dir);
    snprintf(temporary, sizeof(temporary), "%s.tmp", tally->first_report);
    int file = open(temporary, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
    bool is_kept = file >= 0 &&
                   dprintf(file, "run %llu\ncommand: %s\n%s %d\n\n", (unsigned long long)job->run,
                           tally->first_command, WIFSIGNALED(status) ? "signal" : "exit status",
                           WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status)) > 0 &&
                   copy_output(job->output, file) && close(file) == 0 &&
                   rename(temporary, tally->first_report) == 0;
    if (!is_kept) {
        command_complain("%s cannot be written: %s", tally->first_report, strerror(errno));
        tally->first_report[0] = '\0';
    }
}

static void drop_job(struct job *job) {
    close(job->output);
    job->pid = 0;
}

/** Counts a run that ended. False when it says that it could not run. */
static bool finish_job(const struct stability_plan *plan, struct job *job, int status,
                       struct stability_tally *tally) {
    size_t scenario = job->run % plan->scenario_count;
    bool could_run = !(WIFEXITED(status) && WEXITSTATUS(status) == STRESS_EXIT_USAGE);
    if (!could_run) {
        copy_output(job->output, STDERR_FILENO);
    } else {
        bool is_failed = !WIFEXITED(status) || WEXITSTATUS(status) != STRESS_EXIT_OK;
        if (is_failed && tally->failure_count == 0) {
            keep_failure(plan, job, status, tally);
        }
        tally->done_count++;
        tally->run_counts[scenario]++;
        tally->failure_count += is_failed;
        tally->failure_counts[scenario] += is_failed;
    }
    drop_job(job);
    return could_run;
}

static struct job *find_job(struct job *jobs, uint64_t job_count, pid_t pid) {
    for (uint64_t i = 0; i < job_count; i++) {
        if (jobs[i].pid == pid) {
            return &jobs[i];
        }
    }
    return NULL;
}

static struct command_interrupt interrupt;

/** Each ends its worker, too. Those that Ctrl-C reached as well do not mind. */
static void end_jobs(const struct job *jobs, uint64_t job_count) {
    for (uint64_t i = 0; i < job_count; i++) {
        if (jobs[i].pid > 0) {
            kill(jobs[i].pid, SIGTERM);
        }
    }
}

/** After an interrupt a run counts only if it had come to its own end by then. */
static bool counts(int status) {
    return interrupt.caught == 0 ||
           (WIFEXITED(status) &&
            (WEXITSTATUS(status) == STRESS_EXIT_OK || WEXITSTATUS(status) == STRESS_EXIT_FOUND));
}

/** Takes one that has ended, or waits for a while. False when it says that it
 *  could not run. */
static bool reap_job(const struct stability_plan *plan, struct job *jobs, uint64_t *running_count,
                     struct stability_tally *tally) {
    int status = 0;
    pid_t pid = waitpid(-1, &status, WNOHANG);
    struct job *job = pid > 0 ? find_job(jobs, plan->job_count, pid) : NULL;
    command_interrupt_wait(pid > 0 ? 0 : 1.0); /* also the interrupt that ended this one */
    if (job == NULL) {
        return true;
    }
    (*running_count)--;
    if (!counts(status)) {
        drop_job(job);
        return true;
    }
    return finish_job(plan, job, status, tally);
}

bool stability_run(const struct stability_plan *plan, struct progress *progress,
                   struct stability_tally *tally) {
    struct job jobs[JOBS_MAX] = {0};
    uint64_t started_count = 0, running_count = 0;
    bool could_run = true, is_ending = false;
    command_interrupt_hold(&interrupt);
    while (running_count > 0 || (could_run && !is_ending && started_count < plan->run_count)) {
        if (interrupt.caught != 0 && !is_ending) {
            is_ending = true;
            end_jobs(jobs, plan->job_count);
            continue;
        }
        if (could_run && !is_ending && started_count < plan->run_count &&
            running_count < plan->job_count) {
            could_run = start_job(plan, find_job(jobs, plan->job_count, 0), started_count);
            started_count += could_run;
            running_count += could_run;
            continue;
        }
        could_run = reap_job(plan, jobs, &running_count, tally) && could_run;
        progress_update(progress, tally->done_count, tally->failure_count);
    }
    tally->interrupted_by = tally->done_count < plan->run_count ? interrupt.caught : 0;
    return could_run;
}
