/* SPDX-License-Identifier: MIT */
/**
 * @file family.h
 * What the conformance tests are written against: one spelling of the malloc
 * family and one spelling of a test case, so that the same sources run
 *
 *   - on the prefixed API (FAMILY_PREFIXED), linked with hakmem_core;
 *   - on the plain names, linked with the drop-in library;
 *   - on glibc itself (FAMILY_GLIBC), which validates the tests: what is
 *     demanded of hakmem must be true of the allocator whose manual it cites.
 *
 * CASE() is a Criterion test when FAMILY_CRITERION is set; otherwise it
 * registers with runner_plain.c, a plain main that also works under
 * ThreadSanitizer, where Criterion aborts.
 *
 * Where hakmem promises more than glibc 2.36 does, `family_is_glibc` guards
 * the stricter demand. The complete list:
 *   1. aligned_alloc() with an alignment that is not a power of two: hakmem
 *      gives EINVAL (POSIX 2024, glibc from 2.38 on); glibc 2.36 rounds up.
 *   2. posix_memalign() leaves errno alone even when it fails (hakmem.h);
 *      the manual page calls errno indeterminate, and glibc sets it.
 *   3. glibc 2.36 has no free_sized() and free_aligned_sized(); free() stands
 *      in for them there.
 *   4. libstdc++ 12's aligned operator new rounds the size up to a multiple of
 *      the alignment without looking for overflow, so sizes within one
 *      alignment of SIZE_MAX succeed there with an empty block.
 *   5. mallopt() of an unknown parameter is 0 (its manual); glibc 2.36 gives 1.
 *   6. mallinfo() stops at INT_MAX; glibc's wraps around.
 */
#ifndef CONFORMANCE_FAMILY_H
#define CONFORMANCE_FAMILY_H

#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(FAMILY_PREFIXED)
#include "hakmem.h"
#define FAMILY(name) hak_##name
#elif defined(FAMILY_GLIBC)
#define FAMILY(name) name
#define free_sized(block, size_bytes) ((void)(size_bytes), free(block))
#define free_aligned_sized(block, alignment_bytes, size_bytes)                                     \
    ((void)(alignment_bytes), (void)(size_bytes), free(block))
#else
#define FAMILY(name) name
/* C23's; declared here because glibc 2.36's headers do not. */
void free_sized(void *block, size_t size_bytes);
void free_aligned_sized(void *block, size_t alignment_bytes, size_t size_bytes);
#endif

#if defined(FAMILY_GLIBC)
enum { family_is_glibc = 1 };
#else
enum { family_is_glibc = 0 };
#endif

enum { CASE_TIMEOUT_S = 300 };

#if defined(FAMILY_CRITERION)
#include <criterion/criterion.h>
#define CASE(suite, name) Test(suite, name, .timeout = CASE_TIMEOUT_S)
#else
struct family_case {
    const char *suite;
    const char *name;
    void (*run)(void);
    struct family_case *next;
};
void family_register(struct family_case *entry);
#define CASE(suite_, name_)                                                                        \
    static void suite_##_##name_##_run(void);                                                      \
    __attribute__((constructor)) static void suite_##_##name_##_register(void) {                   \
        static struct family_case entry = {#suite_, #name_, suite_##_##name_##_run, NULL};         \
        family_register(&entry);                                                                   \
    }                                                                                              \
    static void suite_##_##name_##_run(void)
#endif

/** Ends the case as failed. Both runners provide it. */
__attribute__((noreturn, format(printf, 4, 5))) void
family_fail(const char *file, int line, const char *condition, const char *format, ...);

#ifdef __cplusplus
}
#endif

/** A demand. It costs one compare when met (unlike cr_assert, which reports
 *  every success too), so it may stand in loops of millions. */
#define REQUIRE(condition, ...)                                                                    \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            family_fail(__FILE__, __LINE__, #condition, __VA_ARGS__);                              \
        }                                                                                          \
    } while (0)

#endif
