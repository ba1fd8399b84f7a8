/* SPDX-License-Identifier: MIT */
/**
 * @file main.c
 * hakmem [--checked|--release] [--stats] -- PROGRAM ARGS: sets LD_PRELOAD and
 * becomes the program, so its exit status is the program's own.
 */
#include "runner.h"

#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* As the shell and env(1) use them. */
enum { EXIT_USAGE = 2, EXIT_CANNOT_RUN = 126, EXIT_NO_PROGRAM = 127 };

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

static void take_build(struct argp_state *state, enum runner_build build, struct options *options) {
    if (options->build != RUNNER_ANY && options->build != build) {
        argp_failure(state, EXIT_USAGE, 0, "--checked and --release exclude each other");
    }
    options->build = build;
}

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    struct options *options = state->input;
    (void)argument;
    switch (key) {
    case 'c':
        take_build(state, RUNNER_CHECKED, options);
        return 0;
    case 'r':
        take_build(state, RUNNER_RELEASE, options);
        return 0;
    case 's':
        options->wants_stats = true;
        return 0;
    case ARGP_KEY_ARG: /* the program; what follows is its own */
        options->program = &state->argv[state->next - 1];
        state->next = state->argc;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_failure(state, EXIT_USAGE, 0, "no program given; as in: hakmem -- ls -l");
        return 0;
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
        fprintf(stderr, "hakmem: out of memory\n");
        exit(EXIT_USAGE);
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
        fprintf(stderr, "hakmem: no program '%s'\n", name);
        exit(EXIT_NO_PROGRAM);
    case RUNNER_PROGRAM_STATIC:
        fprintf(stderr,
                "hakmem: '%s' is statically linked, so no library can be put under it; link it "
                "with libhakmem.a\n",
                name);
        exit(EXIT_CANNOT_RUN);
    }
}

/** LD_PRELOAD has no quoting. */
static void check_path(const char *library) {
    if (strpbrk(library, " :") != NULL) {
        fprintf(stderr, "hakmem: '%s': LD_PRELOAD takes no path with a space or colon in it\n",
                library);
        exit(EXIT_USAGE);
    }
}

int main(int argc, char **argv) {
    argp_err_exit_status = EXIT_USAGE;
    struct options options = {.build = RUNNER_ANY};
    char found[PATH_MAX], library[PATH_MAX];
    argp_parse(&parser, argc, argv, ARGP_IN_ORDER, NULL, &options);
    if (!runner_find_library(options.build, found, sizeof(found))) {
        return EXIT_USAGE;
    }
    if (realpath(found, library) == NULL) {
        fprintf(stderr, "hakmem: %s: %s\n", found, strerror(errno));
        return EXIT_USAGE;
    }
    check_path(library);
    check_program(options.program[0]);
    set_environment(library, options.wants_stats);
    execvp(options.program[0], options.program);
    fprintf(stderr, "hakmem: '%s': %s\n", options.program[0], strerror(errno));
    return errno == ENOENT ? EXIT_NO_PROGRAM : EXIT_CANNOT_RUN;
}
