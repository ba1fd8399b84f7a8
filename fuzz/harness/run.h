/* SPDX-License-Identifier: MIT */
/**
 * @file run.h
 * Running one input, and saying what it was when it fails.
 */
#ifndef HAK_FUZZ_RUN_H
#define HAK_FUZZ_RUN_H

#include "program.h"

/** How this process runs inputs. */
struct hak_fuzz_mode {
    bool print;      /**< each operation on stderr before it is applied */
    bool thorough;   /**< verify the whole model after each operation */
    bool is_fuzzing; /**< inside libFuzzer, or as there: be quick */
    bool is_whole;   /**< of the input that runs: hak_fuzz_is_whole() */
    bool walks_all;  /**< a walk of everything is under way: HAK_FUZZ_CHECKED */
    /** Called when the model fails, after the report; does not return. */
    void (*on_failure)(void);
};
extern struct hak_fuzz_mode hak_fuzz_mode;

/** Decodes and runs an input; returns how many operations it had. */
size_t hak_fuzz_run(const uint8_t *data, size_t size_bytes);

/** Prints operations as a readable program, marking the one at `failed`
 *  (SIZE_MAX for none). Writes with write(2), for use in a signal handler. */
void hak_fuzz_print_program(int fd, const struct hak_fuzz_op *ops, size_t count, size_t failed);

/** Prints the running program, once, with the operation it is at. */
void hak_fuzz_report_current(const char *reason);

/** Prints the program when the process dies: by a signal, or by a sanitizer's
 *  report. With `then_exit` it then exits 1, else earlier handlers go on. */
void hak_fuzz_catch_death(bool then_exit);

/** How many times this was asked since the input began: see sample.c. */
unsigned hak_fuzz_walk_number(void);

/** Whether this input has all that an input may have, and walks of everything leave nothing
 *  out: while fuzzing one in 64, always the same ones, because much of what operations
 *  can do costs as much as many of the others. */
static inline bool hak_fuzz_is_whole(void) {
    return hak_fuzz_mode.is_whole;
}

/** How much an input may ask for of something costly, when it wants `wanted` and that costs
 *  `cost`: of `*left`, which this lowers, all of it, and beyond that at most `few`. Whole
 *  inputs have no bound, and `few` are always free. */
static inline size_t hak_fuzz_ration(size_t *left, size_t few, size_t wanted, size_t cost) {
    if (hak_fuzz_is_whole() || cost <= few) {
        return wanted;
    }
    if (cost > *left) {
        return few;
    }
    *left -= cost;
    return wanted;
}

/** The tallies of hak_fuzz_tally(), by outcome. */
extern uint64_t hak_fuzz_outcome_counts[HAK_FUZZ_OUTCOME_MAX];

#endif
