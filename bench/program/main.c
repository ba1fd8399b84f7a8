/* SPDX-License-Identifier: MIT */
/*
 * hakmem-bench-program: runs a whole program, with an allocator preloaded into
 * it but not into this launcher, and reports wall and CPU time, peak RSS and
 * minor faults of it and its children.
 *
 * A program of its own because a process's ru_maxrss starts at the RSS of
 * whoever forked it: started from a script's interpreter, small programs would
 * all show the interpreter's memory.
 */
#include "command/command_line.h"
#include "command/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EXEC_FAILED 127
#define BYTES_PER_KIB 1024

struct options {
    const char *json_path;
    const char *preload;
    char **command;
};

static const struct argp_option option_table[] = {
    {"json", 'j', "FILE", 0, "Write the result to FILE as JSON", 0},
    {"preload", 'p', "LIBRARY", 0, "LD_PRELOAD for the program", 0},
    {0},
};

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    struct options *options = state->input;
    switch (key) {
    case 'j':
        options->json_path = argument;
        return 0;
    case 'p':
        options->preload = argument;
        return 0;
    case ARGP_KEY_ARGS:
        options->command = state->argv + state->next;
        return 0;
    case ARGP_KEY_NO_ARGS:
        command_refuse("name a program to run, after --");
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    .options = option_table,
    .parser = parse_option,
    .args_doc = "-- PROGRAM [ARGUMENT...]",
    .doc = "Run a program on an allocator and report its time and memory.\v"
           "Exit status: 0 the program ended with 0, 1 it failed, 2 usage or it can't be started.",
};

static double now_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double timeval_seconds(struct timeval time) {
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static _Noreturn void exec_program(const struct options *options) {
    if (options->preload != NULL)
        setenv("LD_PRELOAD", options->preload, 1);
    execvp(options->command[0], options->command);
    command_complain("%s cannot be run: %s", options->command[0], strerror(errno));
    _exit(EXEC_FAILED);
}

static bool write_json(const struct options *options, double seconds, int status,
                       struct command_output *json_file) {
    struct rusage usage;
    if (json_file->path == NULL)
        return true;
    getrusage(RUSAGE_CHILDREN, &usage);
    json_t *json = json_pack(
        "{s:s, s:i, s:s, s:f, s:f, s:f, s:I, s:I, s:i, s:i}", "program", "hakmem-bench-program",
        "version", 1, "command", options->command[0], "seconds", seconds, "user_seconds",
        timeval_seconds(usage.ru_utime), "system_seconds", timeval_seconds(usage.ru_stime),
        "peak_rss_bytes", (json_int_t)usage.ru_maxrss * BYTES_PER_KIB, "minor_faults",
        (json_int_t)usage.ru_minflt, "exit_status", WIFEXITED(status) ? WEXITSTATUS(status) : -1,
        "signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    FILE *stream = command_output_open(json_file);
    bool is_complete =
        json != NULL && stream != NULL && json_dumpf(json, stream, JSON_INDENT(2)) == 0;
    json_decref(json);
    return command_output_close(json_file, is_complete);
}

static int wait_for(pid_t child) {
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return status;
}

int main(int argc, char **argv) {
    struct options options = {0};
    static struct command_output json;
    command_parse("hakmem-bench-program", &parser, argc, argv, ARGP_IN_ORDER, &options);
    command_output_prepare(&json, "--json", options.json_path);
    double start = now_seconds();
    pid_t child = fork();
    if (child < 0)
        command_refuse("no process can be started: %s", strerror(errno));
    if (child == 0)
        exec_program(&options);
    int status = wait_for(child);
    double seconds = now_seconds() - start;
    if (!write_json(&options, seconds, status, &json))
        return COMMAND_EXIT_USAGE;
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXEC_FAILED)
        return COMMAND_EXIT_USAGE;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
}
