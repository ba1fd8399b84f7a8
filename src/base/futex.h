/* SPDX-License-Identifier: MIT */
/* Sleeping on a word of memory: the one kernel service below the os layer,
 * because locks need it. Layer 0. */
#ifndef HAK_BASE_FUTEX_H
#define HAK_BASE_FUTEX_H

#include <stdatomic.h>
#include <stdint.h>

/* Sleeps while *word == expected; may return early. Keeps errno. */
void hak_futex_wait(_Atomic uint32_t *word, uint32_t expected);

/* Wakes up to `count` threads that sleep on the word. Keeps errno. */
void hak_futex_wake(_Atomic uint32_t *word, int count);

#endif
