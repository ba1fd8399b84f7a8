/* SPDX-License-Identifier: MIT */
/**
 * @file runner.h
 * The parts of the `hakmem` program: which library, which program.
 */
#ifndef HAKMEM_RUNNER_H
#define HAKMEM_RUNNER_H

#include <stddef.h>

enum runner_build { RUNNER_ANY, RUNNER_RELEASE, RUNNER_CHECKED };

/** Finds the drop-in library of a build near this program, in an installed tree
 *  or a build tree; RUNNER_ANY takes release first. The path is one that
 *  LD_PRELOAD can take. Ends the program, with one line and status 2, if there
 *  is none. */
void runner_find_library(enum runner_build build, char *path, size_t path_bytes);

enum runner_program {
    RUNNER_PROGRAM_FOUND,
    RUNNER_PROGRAM_MISSING,
    RUNNER_PROGRAM_STATIC, /* the dynamic linker, and so a preload, plays no part */
};

/** Looks for a program as execvp() does. Anything that is not plainly an ELF
 *  executable without a dynamic linker counts as found. */
enum runner_program runner_inspect_program(const char *name);

#endif
