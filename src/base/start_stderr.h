/* SPDX-License-Identifier: MIT */
/* The file that standard error was when the process started. Layer 0.
 *
 * What is written unasked goes there or nowhere: descriptor 2 may be closed, and then be
 * the number of a file of the program's. Reports before an abort do not look. */
#ifndef HAK_BASE_START_STDERR_H
#define HAK_BASE_START_STDERR_H

#include <stdbool.h>

/* Remembers which file descriptor 2 is, if it is open. While there is one thread. */
void hak_start_stderr_note(void);

/* Whether `fd` leads to that file. Keeps errno. */
bool hak_is_start_stderr(int fd);

#endif
