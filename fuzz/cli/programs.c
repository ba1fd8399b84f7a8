/* SPDX-License-Identifier: MIT */
/* The programs themselves, those that lie beside this one, each with an unknown
 * option before whatever the command line holds: nothing may run, crash or hang;
 * exactly one line names the option, and the exit status is 2. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/child.h"
#include "harness/target.h"
#include "ops.h"

enum { RUN_EVERY = 64, RUN_EVERY_FUZZING = 4096, PROCESSOR_S = 20, ARGV_MAX = 16 };

static const char *const programs[] = {"replay_api",       "hakmem",       "hakmem-stress",
                                       "hakmem-stability", "hakmem-hunt",  "hakmem-bench",
                                       "larson_hakmem",    "replay_region"};
static const char unknown_option[] = "--no-such-option";
static unsigned inputs_since_run;

static int find_program(const char *name, char *path, size_t path_bytes) {
    char self[1024];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0) {
        return 0;
    }
    self[length] = '\0';
    char *slash = strrchr(self, '/');
    *slash = '\0';
    snprintf(path, path_bytes, "%s/%s", self, name);
    return access(path, X_OK) == 0;
}

/* A program that spins is ended by its processor time, which other work on the machine
 * does not shorten; one that waits finds nobody to wait for on its standard input. */
static void set_limits(void) {
    struct rlimit limit = {PROCESSOR_S, PROCESSOR_S};
    setrlimit(RLIMIT_CPU, &limit);
    int nothing = open("/dev/null", O_RDONLY);
    if (nothing >= 0) {
        dup2(nothing, STDIN_FILENO);
    }
}

static void become(const char *path, int output) {
    char *argv[ARGV_MAX] = {(char *)(uintptr_t)path, (char *)(uintptr_t)unknown_option};
    size_t count;
    const char *const *arguments = cli_arguments(&count);
    for (size_t i = 0; i < count && i < ARGV_MAX - 3; i++) {
        argv[i + 2] = (char *)(uintptr_t)arguments[i];
    }
    set_limits();
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    execv(path, argv);
    perror("exec");
    _exit(127);
}

/* libFuzzer's timer ends calls that wait (harness/child.h): this one goes on. */
static ssize_t read_some(int from, char *text, size_t text_bytes) {
    ssize_t got;
    do {
        got = read(from, text, text_bytes);
    } while (got < 0 && errno == EINTR);
    return got;
}

static void read_all(int from, char *text, size_t text_bytes) {
    size_t length = 0;
    ssize_t got;
    char rest[512];
    while ((got = length < text_bytes - 1 ? read_some(from, text + length, text_bytes - 1 - length)
                                          : read_some(from, rest, sizeof rest)) > 0) {
        length += length < text_bytes - 1 ? (size_t)got : 0;
    }
    text[length] = '\0';
}

/* Whether it ran: a machine out of processes or descriptors says nothing about a program.
 * The audit sees to it that some run. */
static bool run(const char *path, char *printed, size_t printed_bytes, int *status) {
    int ends[2];
    if (pipe(ends) != 0) {
        return false;
    }
    pid_t child = fork();
    if (child == 0) {
        become(path, ends[1]);
    }
    close(ends[1]);
    if (child > 0) {
        read_all(ends[0], printed, printed_bytes);
        *status = hak_fuzz_wait(child);
    }
    close(ends[0]);
    return child > 0;
}

void cli_run_program(size_t which) {
    char path[1100], printed[2048];
    const char *name = programs[which % (sizeof programs / sizeof programs[0])];
    unsigned every = hak_fuzz_is_fuzzing() ? RUN_EVERY_FUZZING : RUN_EVERY;
    if ((inputs_since_run < every && !hak_fuzz_is_thorough()) ||
        !find_program(name, path, sizeof path)) {
        return;
    }
    inputs_since_run = 0;
    int status;
    if (!run(path, printed, sizeof printed, &status)) {
        return;
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 2) {
        hak_fuzz_fail("program: %s with an unknown option ended with status 0x%x: '%.300s'", name,
                      (unsigned)status, printed);
    }
    if (strstr(printed, name) == NULL || strstr(printed, unknown_option) == NULL ||
        strchr(printed, '\n') != printed + strlen(printed) - 1) {
        hak_fuzz_fail("program: %s refused without the one line that says so: '%.300s'", name,
                      printed);
    }
    hak_fuzz_tally(OUTCOME_program_refused);
}

void cli_begin(void) {
    inputs_since_run++;
    cli_clear();
    cli_settings_begin();
}

void cli_end(void) {
    cli_settings_end();
}
