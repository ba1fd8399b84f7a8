/* SPDX-License-Identifier: MIT */
/* Shorter words for support/child.h: run it, look how it ended and what it
 * said. Wants a test program with one thread at the moment of the call. */
#ifndef TESTS_MISUSE_OUTCOME_H
#define TESTS_MISUSE_OUTCOME_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "support/child.h"

/* Runs `body(argument)` in a child; what it returns is reused by the next call. */
static inline const struct test_child *outcome_of(void (*body)(void *), void *argument) {
    static struct test_child child;
    test_child_run(&child, body, argument);
    return &child;
}

static inline bool outcome_said(const struct test_child *child, const char *text) {
    return strstr(child->text, text) != NULL;
}

/* How often it said so. */
static inline size_t outcome_count(const struct test_child *child, const char *text) {
    size_t count = 0;
    for (const char *at = strstr(child->text, text); at != NULL; at = strstr(at + 1, text)) {
        count++;
    }
    return count;
}

/* For messages: how it ended and everything that it said. */
#define OUTCOME_FORMAT "it ended with status %d, signal %d, and said:\n%s"
#define OUTCOME_VALUES(child) (child)->exit_code, (child)->signal, (child)->text

#endif
