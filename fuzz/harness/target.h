/* SPDX-License-Identifier: MIT */
/**
 * @file target.h
 * What a fuzz target is: a table of operations and the domains of their
 * arguments. Everything else (decoding, printing, mutating, replaying, the
 * audit, the two mains) is the harness's and the same for all targets.
 *
 * A target defines `hak_fuzz_target`, once, and nothing more. It must not
 * call the C library's malloc while operations run, so that an execution
 * costs what the code under test costs.
 */
#ifndef HAK_FUZZ_TARGET_H
#define HAK_FUZZ_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
    HAK_FUZZ_ARG_COUNT = 3,
    HAK_FUZZ_BUCKET_MAX = 64,
    HAK_FUZZ_KIND_MAX = 64,
    HAK_FUZZ_DOMAIN_MAX = 16,
    HAK_FUZZ_OUTCOME_MAX = 64,
    HAK_FUZZ_NO_NESTING = 255,
};

/** A range of values that the generator must be able to reach: the audit
 *  counts each. With `values` the range is around one of them: from
 *  `value - low` to `value + high`; else it is [low, high]. */
struct hak_fuzz_bucket {
    const char *name;
    uint64_t low;
    uint64_t high;
    unsigned weight; /**< how often, against the domain's other buckets; not 0 */
    const uint64_t *values;
    size_t value_count;
};

/** What an argument may be. */
struct hak_fuzz_domain {
    const char *name;
    const struct hak_fuzz_bucket *buckets;
    size_t bucket_count;
};

/** One operation, decoded. */
struct hak_fuzz_op {
    uint64_t args[HAK_FUZZ_ARG_COUNT];
    uint8_t kind;
    uint8_t buckets[HAK_FUZZ_ARG_COUNT]; /**< where each argument came from */
};

struct hak_fuzz_arg {
    const char *name;
    const struct hak_fuzz_domain *domain; /**< NULL: no such argument */
};

/** An operation's name, arguments and effect. */
struct hak_fuzz_kind {
    const char *name;
    unsigned weight; /**< how often, against the other kinds; not 0 */
    struct hak_fuzz_arg args[HAK_FUZZ_ARG_COUNT];
    /** Does it to the code under test and to the model, and compares. */
    void (*apply)(const struct hak_fuzz_op *op);
};

struct hak_fuzz_target {
    const char *name; /**< as in fuzz_<name> */
    const struct hak_fuzz_kind *kinds;
    size_t kind_count;
    const struct hak_fuzz_domain *const *domains; /**< audited: all that kinds use */
    size_t domain_count;
    const char *const *outcomes; /**< audited: what operations came to */
    size_t outcome_count;
    void (*begin)(void);  /**< an empty model */
    void (*end)(void);    /**< verifies everything, gives everything back */
    void (*verify)(void); /**< verifies the whole model; replay does so after each operation */
    const char *header;   /**< declares <name>_begin(), <name>_end() and, for each
                               kind, <name>_<kind>() with its arguments: what a
                               test made by --emit-test calls */
    uint8_t nesting_kind; /**< the kind whose first argument says how many of the
                               operations after it run inside it (say on a new
                               thread); HAK_FUZZ_NO_NESTING when there is none */
};

extern const struct hak_fuzz_target hak_fuzz_target;

/** Ends the input as failed, with a message and the program. */
__attribute__((noreturn, format(printf, 1, 2))) void hak_fuzz_fail(const char *format, ...);

/** Counts an outcome (an index into the target's `outcomes`). */
void hak_fuzz_tally(size_t outcome);

/** Applies the next operation of the running program; false at its end. For
 *  operations that run others, such as "the next n on a new thread". */
bool hak_fuzz_step(void);

/** The index of the operation being applied. */
size_t hak_fuzz_op_index(void);

/** True when every block is to be verified whole, at any cost (replay). */
bool hak_fuzz_is_thorough(void);

/** True in a process that has to be quick; rare, costly operations may then
 *  happen only every so many inputs. */
bool hak_fuzz_is_fuzzing(void);

#endif
