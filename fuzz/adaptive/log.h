/* SPDX-License-Identifier: MIT */
/**
 * @file log.h
 * The adaptive log, caught on its way to stderr and compared with the lines that
 * the reference expects. hak_log_line() is wrapped by the linker; that it writes
 * a line whole is its own unit test's business.
 */
#ifndef HAK_FUZZ_ADAPTIVE_LOG_H
#define HAK_FUZZ_ADAPTIVE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "reference.h"

/** No line so far, and the log on. */
void adaptive_log_begin(void);
/** The setting, and what is expected. */
void adaptive_log_set(bool is_on);
void adaptive_log_expect_grow(size_t class_index, uint32_t from, const struct reference *reference);
void adaptive_log_expect_shrink(size_t class_index, uint32_t from,
                                const struct reference *reference);
void adaptive_log_expect_keep(size_t class_index, uint32_t per_mille,
                              const struct reference *reference);
void adaptive_log_expect_announcement(bool adapts, uint32_t capacity);
/** Fails unless exactly the expected lines were written. */
void adaptive_log_compare(void);

#endif
