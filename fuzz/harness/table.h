/* SPDX-License-Identifier: MIT */
/**
 * @file table.h
 * Short ways to write a target's tables (target.h says what they mean).
 */
#ifndef HAK_FUZZ_TABLE_H
#define HAK_FUZZ_TABLE_H

#include "target.h"

#define HAK_FUZZ_COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/** A bucket of the values from `low` to `high`. */
#define HAK_FUZZ_RANGE(name, weight, low, high)                                                    \
    { name, low, high, weight, NULL, 0 }

/** A bucket of the values at most `margin` away from those in an array. */
#define HAK_FUZZ_NEAR(name, weight, margin, values)                                                \
    { name, margin, margin, weight, values, HAK_FUZZ_COUNT_OF(values) }

/** Makes the domain `name` of the array `name##_buckets`. */
#define HAK_FUZZ_DOMAIN(name, text)                                                                \
    static const struct hak_fuzz_domain name = {text, name##_buckets,                              \
                                                HAK_FUZZ_COUNT_OF(name##_buckets)}

/** Functions that apply an operation of 0 to 3 arguments: do_<kind>(). */
#define HAK_FUZZ_DO_0(target, kind)                                                                \
    static void do_##kind(const struct hak_fuzz_op *op) {                                          \
        (void)op;                                                                                  \
        target##_##kind();                                                                         \
    }
#define HAK_FUZZ_DO_1(target, kind)                                                                \
    static void do_##kind(const struct hak_fuzz_op *op) {                                          \
        target##_##kind(op->args[0]);                                                              \
    }
#define HAK_FUZZ_DO_2(target, kind)                                                                \
    static void do_##kind(const struct hak_fuzz_op *op) {                                          \
        target##_##kind(op->args[0], op->args[1]);                                                 \
    }
#define HAK_FUZZ_DO_3(target, kind)                                                                \
    static void do_##kind(const struct hak_fuzz_op *op) {                                          \
        target##_##kind(op->args[0], op->args[1], op->args[2]);                                    \
    }

/** Rows of the table of kinds. */
#define HAK_FUZZ_KIND_0(kind, weight)                                                              \
    { #kind, weight, {{NULL, NULL }, {NULL, NULL }, {NULL, NULL } }, do_##kind }
#define HAK_FUZZ_KIND_1(kind, weight, name, domain)                                                \
    { #kind, weight, {{name, &domain }, {NULL, NULL }, {NULL, NULL } }, do_##kind }
#define HAK_FUZZ_KIND_2(kind, weight, name1, domain1, name2, domain2)                              \
    { #kind, weight, {{name1, &domain1 }, {name2, &domain2 }, {NULL, NULL } }, do_##kind }
#define HAK_FUZZ_KIND_3(kind, weight, name1, domain1, name2, domain2, name3, domain3)              \
    { #kind, weight, {{name1, &domain1 }, {name2, &domain2 }, {name3, &domain3 } }, do_##kind }

#endif
