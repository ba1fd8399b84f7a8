/* SPDX-License-Identifier: MIT */
/**
 * @file main.c
 * hakmem [--checked|--release] [--stats] -- PROGRAM ARGS: sets LD_PRELOAD and
 * becomes the program, so its exit status is the program's own.
 */
#include "runner.h"

#include "command/command_line.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* As the shell and env(1) use them. */
enum { EXIT_CANNOT_RUN = 126, EXIT_NO_PROGRAM = 127 };

struct options {
    enum runner_build build;
    bool wants_stats;
    char **program; /* its name and arguments, NULL at the end */
};

static const struct argp_option option_list[] = {
    {"checked", 'c', NULL, 0, "the checked library: every invariant on", 0},
    {"release", 'r', NULL, 0, "the release library", 0},
    {"stats", 's', NULL, 0, "print the allocator's summary on stderr at the program's end", 0},
    {0},
};

static void take_build(enum runner_build build, struct options *options) {
    if (options->build != RUNNER_ANY && options->build != build) {
        command_refuse("--checked and --release exclude each other; give one");
    }
    options->build = build;
}

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    struct options *options = state->input;
    (void)argument;
    switch (key) {
    case 'c':
        take_build(RUNNER_CHECKED, options);
        return 0;
    case 'r':
        take_build(RUNNER_RELEASE, options);
        return 0;
    case 's':
        options->wants_stats = true;
        return 0;
    case ARGP_KEY_ARG: /* the program; what follows is its own */
        options->program = &state->argv[state->next - 1];
        state->next = state->argc;
        return 0;
    case ARGP_KEY_NO_ARGS:
        command_refuse("no program given; as in: hakmem -- ls -l");
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    option_list,
    parse_option,
    "-- PROGRAM [ARGUMENT...]",
    "Run a program on hakmem instead of the C library's malloc."
    "\vThe library beside this program is used, release first, or that of a neighbouring build. "
    "The exit status is the program's; 2 usage or no library, 126 the program cannot be run, "
    "127 there is no such program.",
    NULL,
    NULL,
    NULL};

/** What was preloaded already stays, after hakmem. */
static void set_environment(const char *library, bool wants_stats) {
    const char *kept = getenv("LD_PRELOAD");
    bool has_kept = kept != NULL && kept[0] != '\0';
    size_t bytes = strlen(library) + (has_kept ? strlen(kept) : 0) + 2;
    char *preload = malloc(bytes);
    if (preload == NULL) {
        command_refuse("out of memory; is there a limit on it (ulimit -v)?");
    }
    snprintf(preload, bytes, "%s%s%s", library, has_kept ? ":" : "", has_kept ? kept : "");
    setenv("LD_PRELOAD", preload, 1);
    free(preload);
    if (wants_stats) {
        setenv("HAKMEM_STATS", "1", 1);
    }
}

static void check_program(const char *name) {
    switch (runner_inspect_program(name)) {
    case RUNNER_PROGRAM_FOUND:
        return;
    case RUNNER_PROGRAM_MISSING:
        command_complain("no program '%s'; is its name right, and its folder in PATH?", name);
        exit(EXIT_NO_PROGRAM);
    case RUNNER_PROGRAM_STATIC:
        command_complain("'%s' is statically linked, so no library can be put under it; link it "
                         "with libhakmem.a",
                         name);
        exit(EXIT_CANNOT_RUN);
    }
}

int main(int argc, char **argv) {
    struct options options = {.build = RUNNER_ANY};
    char library[PATH_MAX];
    command_parse("hakmem", &parser, argc, argv, ARGP_IN_ORDER, &options);
    runner_find_library(options.build, library, sizeof(library));
    check_program(options.program[0]);
    set_environment(library, options.wants_stats);
    execvp(options.program[0], options.program);
    command_complain("'%s' cannot be run: %s", options.program[0], strerror(errno));
    return errno == ENOENT ? EXIT_NO_PROGRAM : EXIT_CANNOT_RUN;
}
