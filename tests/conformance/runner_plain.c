/* SPDX-License-Identifier: MIT */
/* A plain main for the conformance cases: each runs in a process of its own.
 * It exists for what Criterion can't do: run under ThreadSanitizer, and run
 * on the plain names with no other library's allocations in between. */
#include "family.h"

#include <argp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/wait.h>

static struct family_case *first_case;
static const char *only;
static const char *except;
static bool list_only;

void family_register(struct family_case *entry) {
    entry->next = first_case;
    first_case = entry;
}

void family_fail(const char *file, int line, const char *condition, const char *format, ...) {
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    dprintf(STDOUT_FILENO, "%s:%d: %s is false: %s\n", file, line, condition, message);
    _exit(1);
}

static error_t parse(int key, char *argument, struct argp_state *state) {
    switch (key) {
    case 'l':
        list_only = true;
        return 0;
    case 'x':
        except = argument;
        return 0;
    case 'o':
        only = argument;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "unexpected argument '%s'", argument);
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static double seconds_since(const struct timespec *start) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) * 1e-9;
}

/* Whether the case passed, in a child of its own. */
static bool run_case(const struct family_case *entry) {
    struct timespec start;
    clock_gettime(CLOCK_MONOTONIC, &start);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(CASE_TIMEOUT_S);
        entry->run();
        _exit(0);
    }
    int status = -1;
    if (child < 0 || waitpid(child, &status, 0) != child) {
        perror("conformance: cannot run a case in a child process");
        exit(2);
    }
    bool passed = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    printf("[%s] %s::%s (%.2f s)%s%s\n", passed ? "PASS" : "FAIL", entry->suite, entry->name,
           seconds_since(&start), WIFSIGNALED(status) ? " ended by " : "",
           WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "");
    return passed;
}

static bool is_chosen(const struct family_case *entry) {
    char name[256];
    snprintf(name, sizeof name, "%s::%s", entry->suite, entry->name);
    return (only == NULL || strstr(name, only) != NULL) &&
           (except == NULL || strstr(name, except) == NULL);
}

int main(int argc, char **argv) {
    static const struct argp_option options[] = {
        {"list", 'l', NULL, 0, "List the cases", 0},
        {"only", 'o', "TEXT", 0, "Run only cases whose name contains TEXT", 0},
        {"except", 'x', "TEXT", 0, "Run no cases whose name contains TEXT", 0},
        {0},
    };
    static const struct argp argp = {
        options, parse, NULL, "Conformance cases of the malloc family, each in its own process.",
        NULL,    NULL,  NULL};
    argp_err_exit_status = 2;
    argp_parse(&argp, argc, argv, 0, NULL, NULL);

    size_t passed = 0;
    size_t failed = 0;
    for (const struct family_case *entry = first_case; entry != NULL; entry = entry->next) {
        if (!is_chosen(entry)) {
            continue;
        }
        if (list_only) {
            printf("%s::%s\n", entry->suite, entry->name);
        } else if (run_case(entry)) {
            passed++;
        } else {
            failed++;
        }
    }
    if (list_only) {
        return 0;
    }
    if (passed + failed == 0) {
        fprintf(stderr, "conformance: no case matches '%s'; --list shows them\n",
                only == NULL ? "" : only);
        return 2;
    }
    printf("%zu passed, %zu failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}
