/* SPDX-License-Identifier: MIT */
/* The end of the road: one report on stderr, then abort(). Layer 0.
 *
 * Nothing here allocates, takes a lock of the allocator or returns. When two
 * threads fail at once the first one reports; the others wait for the end. A
 * thread that fails in its own report says so and ends the process there. */
#ifndef HAK_BASE_PANIC_H
#define HAK_BASE_PANIC_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/format.h"

/* Begins the report: at most one thread gets past this. */
void hak_panic_begin(void);

/* Ends the process with SIGABRT. */
__attribute__((noreturn)) void hak_panic_end(void);

/* What a program did wrong that every build stops. */
enum hak_misuse {
    HAK_MISUSE_FOREIGN_POINTER,  /* hakmem never gave this address out, or took it back whole */
    HAK_MISUSE_INTERIOR_POINTER, /* ours, but not the start of a block */
    HAK_MISUSE_DOUBLE_FREE,      /* the block is free already */
    HAK_MISUSE_COUNT
};

/* Reports misuse of `block` by the function `call` and aborts.
 * `class_stride_bytes` is 0 where no class is known. */
__attribute__((noreturn, cold)) void hak_misuse(enum hak_misuse what, const void *block,
                                                size_t class_stride_bytes, const char *call);

/* A setting that cannot be used: one line, exit status 2. */
__attribute__((noreturn, cold)) void hak_bad_setting(const char *name, const char *value,
                                                     const char *takes);

#endif
