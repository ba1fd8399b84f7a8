/* SPDX-License-Identifier: MIT */
/* Runs a function in a child process and tells how it ended and what it wrote
 * to stderr: for reports, which are half the point of a check. */
#ifndef TEST_SUPPORT_CHILD_H
#define TEST_SUPPORT_CHILD_H

#include <stddef.h>

enum { TEST_CHILD_TEXT_BYTES = 64 * 1024 };

struct test_child {
    int exit_code;                    /* -1 when a signal ended it */
    int signal;                       /* 0 when it exited */
    char text[TEST_CHILD_TEXT_BYTES]; /* stderr, NUL-terminated; what is beyond is dropped */
};

/* A child still running after a minute is ended by SIGALRM. `body` returning is
 * exit status 0. */
void test_child_run(struct test_child *child, void (*body)(void *), void *argument);

#endif
