/* SPDX-License-Identifier: MIT */
/**
 * @file misuse.h
 * One small program per misuse: MISUSE(suite, name, message in release, message
 * in checked builds) { body }. The body runs in a child process, which has to
 * end with SIGABRT and exactly one report: the message, and the block, thread
 * and call that the body announced right before the misuse.
 */
#ifndef TESTS_MISUSE_MISUSE_H
#define TESTS_MISUSE_MISUSE_H

#include <criterion/criterion.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "hakmem.h"

#define FOREIGN "hakmem: foreign pointer: hakmem did not give it out, or took it back"
#define INTERIOR "hakmem: pointer is not the start of a block"
#define DOUBLE "hakmem: double free: the block is free already"
#define BROKEN(id) "hakmem: invariant " #id " broken"

/** One block of each tier, by requested size. */
enum {
    SIZE_OF_CLASS = 100,      /**< 112 bytes in release, 128 in checked builds */
    SIZE_OF_RUN = 200 * 1024, /**< four granules */
    SIZE_OF_MAPPING = 3 << 20,
};

/** Tells the parent what the report has to name: the block and the call. The
 *  thread is the caller. */
void misuse_announce(const void *block, const char *call);

/** Runs the body in a child and looks at how it ended. */
void misuse_expect(void (*body)(void *), void *argument, const char *message);

/** Uses the blocks of a class until its cache has been flushed at least twice:
 *  what release builds see, they see then. `size_bytes` is that of the blocks. */
void misuse_flush(size_t size_bytes);

#define MISUSE(suite, name, in_release, in_checked)                                                \
    static void suite##_##name(void *unused);                                                      \
    Test(suite, name) {                                                                            \
        misuse_expect(suite##_##name, NULL, HAK_CHECK_LEVEL >= 1 ? (in_checked) : (in_release));   \
    }                                                                                              \
    static void suite##_##name(HAK_UNUSED void *unused)

#endif
