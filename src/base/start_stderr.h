/* SPDX-License-Identifier: MIT */
/* The file that standard error was when the process started. Layer 0.
 *
 * What is written unasked goes there or nowhere: descriptor 2 may be closed, and then be
 * the number of a file of the program's. Reports before an abort do not look. */
#ifndef HAK_BASE_START_STDERR_H
#define HAK_BASE_START_STDERR_H

#include <stdbool.h>

#include "base/compiler.h"

/* Remembers which file descriptor 2 is, if it is open. While there is one thread. */
void hak_start_stderr_note(void);

/* A whole line to descriptor 2, if it leads to that file; as hak_write_line(). */
void hak_log_line(const char *format, ...) HAK_PRINTF(1, 2);

/* Whether `fd` leads to that file. Keeps errno. */
bool hak_is_start_stderr(int fd);

/* A descriptor for it, the first free one from `first` on, closed by exec; -1 without. */
int hak_start_stderr_copy(int first);

/* `copy` if it still leads there, else descriptor 2 if that does, else -1. */
int hak_start_stderr_find(int copy);

#endif
