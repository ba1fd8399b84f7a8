/* SPDX-License-Identifier: MIT */
/**
 * @file command_line.c
 * argp finds what is wrong with an option; what it would print of it takes
 * several lines and begins with the program's path. So it is kept silent
 * (ARGP_NO_ERRS), and both the reason and --help, which that flag also silences,
 * are said here.
 */
#include "command_line.h"

#include "hakmem.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 8192, KEY_USAGE = 0x7F0001 };

static const char *program_name = "hakmem";
static const struct argp *whole; /* what --help describes */
static int next_at_error;        /* which argument argp would have looked at next */

/* --- One line ------------------------------------------------------------- */

__attribute__((format(printf, 1, 0))) static void say(const char *format, va_list arguments) {
    char line[LINE_BYTES];
    int start = snprintf(line, sizeof(line), "%s: ", program_name);
    vsnprintf(line + start, sizeof(line) - (size_t)start - 1, format, arguments);
    size_t length = strlen(line);
    for (size_t i = 0; i < length; i++) {
        unsigned char character = (unsigned char)line[i];
        line[i] = character < 0x20 || character == 0x7F ? '?' : line[i];
    }
    line[length] = '\n';
    fflush(stdout); /* what was printed before stands before it */
    fwrite(line, 1, length + 1, stderr);
}

void command_complain(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
}

void command_refuse(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
    exit(COMMAND_EXIT_USAGE);
}

int command_finish(int status) {
    bool is_written = fflush(stdout) == 0 && !ferror(stdout);
    if (is_written) {
        return status;
    }
    command_complain("stdout cannot be written; is it closed, or the disk full?");
    return COMMAND_EXIT_USAGE;
}

/* --- --help, --usage, --version ------------------------------------------- */

static const struct argp_option common_options[] = {
    {"help", '?', NULL, 0, "Give this help list", -1},
    {"usage", KEY_USAGE, NULL, 0, "Give a short usage message", 0},
    {"version", 'V', NULL, 0, "Print program version", -1},
    {0},
};

static _Noreturn void help(unsigned flags) {
    argp_help(whole, stdout, flags, (char *)(uintptr_t)program_name);
    exit(command_finish(EXIT_SUCCESS));
}

static error_t parse_common(int key, char *argument, struct argp_state *state) {
    (void)argument;
    switch (key) {
    case ARGP_KEY_ERROR:
        next_at_error = state->next;
        return 0;
    case '?':
        help(ARGP_HELP_SHORT_USAGE | ARGP_HELP_LONG | ARGP_HELP_DOC);
    case KEY_USAGE:
        help(ARGP_HELP_USAGE);
    case 'V':
        printf("%s %s\n", program_name, HAKMEM_VERSION);
        exit(command_finish(EXIT_SUCCESS));
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp common = {.options = common_options, .parser = parse_common};

/* --- What is wrong with an option ----------------------------------------- */

static const struct argp_option *find_short(const struct argp *argp, int key) {
    const struct argp_option *option = argp->options;
    while (option->name != NULL && option->key != key) {
        option++;
    }
    return option->name != NULL ? option : NULL;
}

/** The option whose name begins so; several with one key are one. */
static const struct argp_option *find_long(const struct argp *argp, const char *name, size_t length,
                                           bool *is_ambiguous) {
    const struct argp_option *found = NULL;
    for (const struct argp_option *option = argp->options; option->name != NULL; option++) {
        if (strncmp(option->name, name, length) != 0) {
            continue;
        }
        if (option->name[length] == '\0') {
            *is_ambiguous = false;
            return option;
        }
        *is_ambiguous = *is_ambiguous || (found != NULL && found->key != option->key);
        found = option;
    }
    return found;
}

/** Ends the program if `--name` or `--name=value` is wrong. */
static void judge_long(const struct argp *argp, const char *text, bool is_last) {
    int length = (int)strcspn(text, "=");
    bool is_ambiguous = false;
    const struct argp_option *own = find_long(argp, text + 2, (size_t)length - 2, &is_ambiguous);
    const struct argp_option *other =
        find_long(&common, text + 2, (size_t)length - 2, &is_ambiguous);
    const struct argp_option *option = own != NULL ? own : other;
    is_ambiguous |= own != NULL && other != NULL && own->name[length - 2] != '\0';
    if (is_ambiguous) {
        command_refuse("'%.*s' is the beginning of several options; write the name out", length,
                       text);
    }
    if (option == NULL) {
        command_refuse("unknown option '%.*s'; --help lists the options", length, text);
    }
    if (text[length] == '=' && option->arg == NULL) {
        command_refuse("--%s takes no value; leave '%s' away", option->name, text + length);
    }
    if (text[length] == '\0' && option->arg != NULL && is_last) {
        command_refuse("--%s needs a value, %s; --help says more", option->name, option->arg);
    }
}

/** The same for `-abc`. */
static void judge_short(const struct argp *argp, const char *text, bool is_last) {
    for (const char *at = text + 1; *at != '\0'; at++) {
        const struct argp_option *own = find_short(argp, *at);
        const struct argp_option *option = own != NULL ? own : find_short(&common, *at);
        if (option == NULL) {
            command_refuse("unknown option '-%c'; --help lists the options", *at);
        }
        if (option->arg != NULL && at[1] == '\0' && is_last) {
            command_refuse("-%c (--%s) needs a value, %s; --help says more", *at, option->name,
                           option->arg);
        }
        if (option->arg != NULL) {
            return; /* the rest is its value */
        }
    }
}

/** Only for what argp refused: it knows that there is something wrong, this says
 *  what. It is the argument before the one that was to come next, or, where
 *  several letters are in one, the next itself. */
static _Noreturn void refuse(const struct argp *argp, int argc, char **argv, int next) {
    for (int i = next - 1; i <= next && i < argc; i++) {
        bool is_last = i == argc - 1;
        if (i > 0 && strncmp(argv[i], "--", 2) == 0) {
            judge_long(argp, argv[i], is_last);
        } else if (i > 0 && argv[i][0] == '-') {
            judge_short(argp, argv[i], is_last);
        }
    }
    command_refuse("wrong options; --help lists them");
}

void command_set_name(const char *program) {
    program_name = program;
}

void command_parse(const char *program, const struct argp *argp, int argc, char **argv,
                   unsigned flags, void *input) {
    const struct argp_child parts[] = {{argp, 0, NULL, 0}, {&common, 0, NULL, 0}, {0}};
    const struct argp top = {.children = parts};
    int next = argc;
    program_name = program;
    whole = &top;
    error_t error = argp_parse(&top, argc, argv, flags | ARGP_NO_ERRS | ARGP_NO_HELP, &next, input);
    whole = NULL;
    if (error != 0) {
        refuse(argp, argc, argv, next_at_error);
    }
    if (next < argc) {
        command_refuse("'%s' is one argument too many; there are only options", argv[next]);
    }
}
