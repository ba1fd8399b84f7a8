/* SPDX-License-Identifier: MIT */
/**
 * @file ops.h
 * The operations of fuzz_cli: an environment and a command line are put together
 * piece by piece, then read by the code that reads them in the programs. What
 * must come of it is worked out here from the documentation: the values, or one
 * line and status 2.
 */
#ifndef HAK_FUZZ_CLI_OPS_H
#define HAK_FUZZ_CLI_OPS_H

#include <stddef.h>
#include <stdint.h>

void cli_begin(void);
void cli_end(void);

/** Adds a variable to the environment: which, and its value as a text. */
void cli_variable(size_t name, size_t form, size_t number);
/** The allocator reads its settings. */
void cli_read_settings(void);
/** Adds an argument to the command line. */
void cli_argument(size_t form, size_t number);
/** Adds an option of larson_hakmem, or one that is none, with a value. */
void cli_option(size_t which, size_t form, size_t number);
/** Forgets the command line. */
void cli_clear(void);
/** Seven numbers, each in its range: what larson_hakmem takes. */
void cli_right_arguments(size_t seed);
/** larson_hakmem reads the command line. */
void cli_read_larson(void);
/** A program is run with an unknown option and the command line: 2 and a line. */
void cli_run_program(size_t which);

/* settings.c: the variables' numbers, the switches first, then the one capacity. */
enum { CLI_SWITCH_COUNT = 5, CLI_NAME_COUNT = 9 };

/* texts.c */
enum { CLI_TEXT_BYTES = 5000, CLI_FORM_COUNT = 14, CLI_OPTION_COUNT = 5 };
void cli_make_text(char *text, size_t form, uint64_t number);
/** Whether a text is a decimal number of digits alone, and which. */
int cli_is_number(const char *text, uint64_t *number);

/* settings.c, larson.c, programs.c */
void cli_settings_begin(void);
void cli_settings_end(void);
const char *const *cli_arguments(size_t *count);

#define CLI_OUTCOMES(X)                                                                            \
    X(settings_read, "settings read")                                                              \
    X(settings_defaults, "no setting of ours in the environment")                                  \
    X(switch_refused, "switch refused")                                                            \
    X(capacity_refused, "capacity refused")                                                        \
    X(capacity_read, "capacity read")                                                              \
    X(first_counts, "variable set twice")                                                          \
    X(larson_read, "larson's arguments read")                                                      \
    X(larson_helped, "larson's --help")                                                            \
    X(larson_number, "larson's number refused")                                                    \
    X(larson_count, "larson's number of arguments refused")                                        \
    X(larson_order, "larson's MIN above MAX refused")                                              \
    X(program_refused, "program refused its command line")                                         \
    X(larson_option, "larson's option refused")                                                    \
    X(larson_option_read, "larson's options read")

enum cli_outcome {
#define X(name, text) OUTCOME_##name,
    CLI_OUTCOMES(X)
#undef X
};

#endif
