/* SPDX-License-Identifier: MIT */
/* The check macros. Layer 0.
 *
 *   hak_assert(c, ID, values...)    level 1 and up: an O(1) condition
 *   hak_verify(c, ID, values...)    any checked build: inside predicates
 *   hak_assert_valid(module, x)     level 2 and up: hak_<module>_verify(x), a predicate
 *
 * Up to HAK_CHECK_VALUE_COUNT values (integers or pointers cast to uintptr_t) are printed with
 * their names when the check fails; the ID names a row of invariants.def.
 * A check that is off still type-checks, and generates nothing.
 *
 * Misuse by the program that release builds stop too (foreign pointer, double
 * free where it is free to see) goes through hak_misuse() in base/panic.h. */
#ifndef HAK_BASE_CHECK_H
#define HAK_BASE_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

#ifndef HAK_CHECK_LEVEL
#error "HAK_CHECK_LEVEL comes from the build (HAKMEM_CHECK_LEVEL)"
#endif

enum hak_invariant {
#define HAK_INVARIANT(id, module, when, equation, meaning) HAK_INV_##id,
#include "base/invariants.def"
#undef HAK_INVARIANT
    HAK_INV_COUNT
};

/* One row of the catalogue. Every field: const. */
struct hak_invariant_row {
    const char *id, *module, *when, *equation, *meaning;
};

enum { HAK_CHECK_VALUE_COUNT = 5 };

/* Where a check stands, and what it looked at. Every field: const. */
struct hak_check_site {
    enum hak_invariant id;
    const char *condition;
    const char *value_names;     /* as written, separated by commas */
    const char *file;
    int line;
};

/* Reports and aborts. Checked builds only. */
__attribute__((noreturn, cold)) void hak_invariant_failed(const struct hak_check_site *site,
                                                          const uint64_t values[HAK_CHECK_VALUE_COUNT]);

#define HAK_CHECK_VALUES(a, b, c, d, e, ...)                                                       \
    {(uint64_t)(a), (uint64_t)(b), (uint64_t)(c), (uint64_t)(d), (uint64_t)(e)}
#define hak_verify(condition_, id_, ...)                                                           \
    do {                                                                                           \
        if (hak_unlikely(!(condition_))) {                                                         \
            static const struct hak_check_site hak_site_ = {HAK_INV_##id_, #condition_,            \
                                                            #__VA_ARGS__, __FILE__, __LINE__};     \
            const uint64_t hak_values_[HAK_CHECK_VALUE_COUNT] =                                    \
                HAK_CHECK_VALUES(__VA_ARGS__, 0, 0, 0, 0, 0);                                      \
            hak_invariant_failed(&hak_site_, hak_values_);                                         \
        }                                                                                          \
    } while (0)

#define HAK_CHECK_NOTHING(condition_) ((void)sizeof((condition_) ? 1 : 0))

#if HAK_CHECK_LEVEL >= 1
#define hak_assert(condition_, id_, ...) hak_verify(condition_, id_, __VA_ARGS__)
#else
#define hak_assert(condition_, id_, ...) HAK_CHECK_NOTHING(condition_)
#endif

/* A module's predicate finds the first broken invariant itself and reports it
 * with its values, so that the report names the equation and not just the
 * predicate. `hak_<module>_verify(const struct *)` never allocates and never
 * changes what it looks at. */
#if HAK_CHECK_LEVEL >= 2
#define hak_assert_valid(module_, ...) hak_##module_##_verify(__VA_ARGS__)
#else
#define hak_assert_valid(module_, ...) ((void)sizeof(hak_##module_##_verify(__VA_ARGS__), 1))
#endif

/* The catalogue, in the order of invariants.def. Defined in base/catalogue.c,
 * which is empty in release builds. */
extern const struct hak_invariant_row hak_invariant_rows[HAK_INV_COUNT];

#endif
