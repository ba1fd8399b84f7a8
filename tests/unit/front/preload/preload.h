/* SPDX-License-Identifier: MIT */
/* Programs that run on the preloaded library: a case is a function that ends
 * the process with one line when something is not so. */
#ifndef TESTS_FRONT_PRELOAD_H
#define TESTS_FRONT_PRELOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

enum { PRELOAD_THREADS = 4 };

#define DEMAND(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                \
            _Exit(1);                                                                              \
        }                                                                                          \
    } while (0)

/* A block that is filled and looked at: out of the compiler's sight. */
void *preload_use(size_t size_bytes);

/* Ends the process unless malloc is hakmem's. Every program calls it first: a
 * test of another malloc would prove nothing. */
void preload_demand_hakmem(void);

/* Every size and function a bit. */
void preload_use_family(unsigned seed);

/* Runs `body(index)` in PRELOAD_THREADS threads. */
void preload_in_threads(void (*body)(unsigned index));

/* The cases: preload NAME [PLUGIN]. */
void case_early(const char *plugin);
void case_keys(const char *plugin);
void case_dlsym(const char *plugin);
void case_plugin(const char *plugin);
void case_thread_exit(const char *plugin);
void case_fork(const char *plugin);
void case_fork_handlers(const char *plugin);
void case_fork_stdio(const char *plugin);
void case_cxx_plugin(const char *plugin);
void case_no_stderr(const char *path);
void case_taken_stderr(const char *path);
void case_first_calls(const char *plugin);
void case_exit_handlers(const char *plugin);
void case_libc(const char *plugin);
void case_no_fallback(const char *plugin);
void case_no_fallback_without_memory(const char *plugin);

#endif
