/* SPDX-License-Identifier: MIT */
/* Runs one function in several threads that start together. */
#ifndef TEST_SUPPORT_THREADS_H
#define TEST_SUPPORT_THREADS_H

#include <stdint.h>

enum { TEST_THREADS_MAX = 32 };

/* Calls body(argument, 0) .. body(argument, count - 1), each in a thread of its
 * own, let go at once; returns when all have ended. */
void test_threads_run(uint32_t count, void (*body)(void *argument, uint32_t index), void *argument);

#endif
