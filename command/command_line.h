/* SPDX-License-Identifier: MIT */
/**
 * @file command_line.h
 * The beginning and the end of a command-line program: options, what is wrong
 * with them in one line, and a stdout that really took what was printed.
 */
#ifndef COMMAND_LINE_H
#define COMMAND_LINE_H

#include <argp.h>

enum { COMMAND_EXIT_USAGE = 2 };

/** argp_parse() for `program`, with --help, --usage and --version. Ends the
 *  program with one line and status 2 when the options are wrong; parsers say
 *  so with command_refuse(), because argp_error() and argp_failure() are silent
 *  here. `flags` as argp_parse()'s. */
void command_parse(const char *program, const struct argp *argp, int argc, char **argv,
                   unsigned flags, void *input);

/** For a program that parses its arguments itself: its name in all messages. */
void command_set_name(const char *program);

/** One line on stderr, the program's name before it. Control characters, which
 *  arguments and file names may hold, are shown as '?'. */
__attribute__((format(printf, 1, 2))) void command_complain(const char *format, ...);

/** The same, and the program ends with status 2. */
__attribute__((format(printf, 1, 2), noreturn)) void command_refuse(const char *format, ...);

/** The program's exit status: `status`, unless stdout did not take all that was
 *  printed; then 2, with one line. */
int command_finish(int status);

#endif
