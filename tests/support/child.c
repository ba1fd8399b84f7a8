/* SPDX-License-Identifier: MIT */
/* Functions in a child process: see child.h. */
#include "child.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_S = 60 };

static void give_up(const char *what) {
    perror(what);
    exit(2);
}

static void run_in_child(int out, void (*body)(void *), void *argument) {
    const struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    dup2(out, STDERR_FILENO);
    alarm(PATIENCE_S);
    body(argument);
    _exit(0);
}

/* To the end, so that the child never blocks on a full pipe. */
static void read_all(int in, char *text, size_t capacity_bytes) {
    char chunk[4096];
    size_t length = 0;
    for (;;) {
        ssize_t n = read(in, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            break;
        }
        size_t room = capacity_bytes - 1 - length;
        size_t kept = (size_t)n < room ? (size_t)n : room;
        memcpy(text + length, chunk, kept);
        length += kept;
    }
    text[length] = '\0';
}

void test_child_run(struct test_child *child, void (*body)(void *), void *argument) {
    int ends[2], status;
    fflush(NULL);
    if (pipe(ends) != 0) {
        give_up("pipe");
    }
    pid_t pid = fork();
    if (pid < 0) {
        give_up("fork");
    }
    if (pid == 0) {
        run_in_child(ends[1], body, argument);
    }
    close(ends[1]);
    read_all(ends[0], child->text, sizeof child->text);
    close(ends[0]);
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            give_up("waitpid");
        }
    }
    child->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    child->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}
