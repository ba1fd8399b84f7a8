/* SPDX-License-Identifier: MIT */
/**
 * @file child.h
 * Processes that an operation starts.
 */
#ifndef HAK_FUZZ_CHILD_H
#define HAK_FUZZ_CHILD_H

#include <sys/types.h>

/** Waits for `child` and returns its status, as waitpid() has it. libFuzzer's timer
 *  goes off now and then, by the clock, and ends calls that wait: this one goes on.
 *  Fails the input when there is no such child. */
int hak_fuzz_wait(pid_t child);

#endif
