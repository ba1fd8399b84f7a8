/* SPDX-License-Identifier: MIT */
/* Time, processors and the life of threads: the contract. Layer 1.
 * Thread safe; none allocates, except that registering may (see each). */
#ifndef HAK_OS_THREAD_H
#define HAK_OS_THREAD_H

#include <stdbool.h>
#include <stdint.h>

/* Nanoseconds on a clock that never goes back; cheap, to a few milliseconds. */
uint64_t hak_os_clock_coarse_ns(void);

/* Processors this process may run on, at least 1. */
uint32_t hak_os_cpu_count(void);

/* Creates the hook that runs `on_exit` at the end of each thread that armed it:
 * once, in the second round of POSIX key destructors, so that destructors of other
 * keys may still use the allocator as usual before it. False when the system
 * has no key left. Call once. */
bool hak_os_thread_exit_init(void (*on_exit)(void));

/* Arms the hook for the calling thread; in vain in the last two rounds of its key
 * destructors, and if it ends by the bare system call. The C library may allocate a table for
 * it, so the calling thread must be able to malloc already. */
void hak_os_thread_exit_arm(void);

/* A name for the calling thread that no other living thread has, of this process or another;
 * never 0. */
uint64_t hak_os_thread_self(void);

/* Whether a thread of this process has ended, however it did, and runs no code any more;
 * false for a thread of another, and where the system does not say. Keeps errno. */
bool hak_os_thread_is_gone(uint64_t thread);

/* Registers the three fork handlers. They run while the C library's list of open files is
 * locked, so that `prepare` may take locks that stdio waits for when it allocates. May
 * allocate. */
void hak_os_fork_handlers(void (*prepare)(void), void (*parent)(void), void (*child)(void));

#endif
