/* SPDX-License-Identifier: MIT */
/**
 * @file output_file.h
 * A file that a program writes at its end, such as --json's. Whether that can
 * be is found before the run, which may take hours. A regular file appears
 * whole or not at all; what is none (a FIFO, a device) is written to as it is.
 */
#ifndef COMMAND_OUTPUT_FILE_H
#define COMMAND_OUTPUT_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

struct command_output {
    const char *path;      /* as the user gave it; NULL: not wanted */
    char target[PATH_MAX]; /* the same, symbolic links followed */
    char temporary[PATH_MAX + 32];
    bool is_direct; /* written as it is, not replaced */
    int descriptor; /* stdout's or stderr's, if the file is one of these; else -1 */
    FILE *stream;
};

/** Ends the program with one line and status 2 if `path` cannot be written;
 *  NULL is not wanted. If it is the program's stdout, what is printed to stdout
 *  goes to stderr from here on. `option` is for the message. */
void command_output_prepare(struct command_output *output, const char *option, const char *path);

/** Where to write it; NULL, with errno, where that cannot be. */
FILE *command_output_open(struct command_output *output);

/** Puts it in its place. Or not: false and one line on stderr, when it could not
 *  be opened or written, or `is_complete` is false. errno says why, if it can. */
bool command_output_close(struct command_output *output, bool is_complete);

#endif
