/* SPDX-License-Identifier: MIT */
/* larson_hakmem's command line, read in this process: exit() comes back here, and
 * what is printed goes to memory. */
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../stress/larson/arguments.h"
#include "harness/target.h"
#include "ops.h"

enum { ARGUMENT_MAX = 12, LARSON_COUNT = 7, SEED = 5, PRINTED_BYTES = 16384 };

static char texts[ARGUMENT_MAX][CLI_TEXT_BYTES + 8]; /* 8: "--seed=" */
static const char *arguments[ARGUMENT_MAX];
static size_t argument_count;
static sigjmp_buf exited_at;
static bool is_caught;
static int exit_status;

__typeof__(exit) __real_exit, __wrap_exit;

void __wrap_exit(int status) {
    if (!is_caught) {
        __real_exit(status);
    }
    exit_status = status;
    siglongjmp(exited_at, 1);
}

const char *const *cli_arguments(size_t *count) {
    *count = argument_count;
    return arguments;
}

void cli_argument(size_t form, size_t number) {
    if (argument_count < ARGUMENT_MAX) {
        cli_make_text(texts[argument_count], form, number);
        arguments[argument_count] = texts[argument_count];
        argument_count++;
    }
}

void cli_option(size_t which, size_t form, size_t number) {
    static const char *const words[CLI_OPTION_COUNT] = {"--seed", "--json",
                                                        "--seed=", "--json=", "--seeds"};
    const char *word = words[which % CLI_OPTION_COUNT];
    if (argument_count == ARGUMENT_MAX) {
        return;
    }
    char *text = texts[argument_count];
    size_t length = (size_t)sprintf(text, "%s", word);
    arguments[argument_count++] = text;
    if (word[length - 1] == '=') {
        cli_make_text(text + length, form, number);
    } else {
        cli_argument(form, number);
    }
}

void cli_clear(void) {
    argument_count = 0;
}

/* SLEEP MIN MAX CHUNKS ROUNDS SEED THREADS, as its --help gives the ranges. */
static const uint64_t lows[LARSON_COUNT] = {1, 1, 1, 1, 1, 0, 1};
static const uint64_t highs[LARSON_COUNT] = {86400,      1 << 30,    1 << 30, 10000000,
                                             1000000000, UINT64_MAX, 1024};

void cli_right_arguments(size_t seed) {
    cli_clear();
    for (size_t i = 0; i < LARSON_COUNT; i++) {
        uint64_t number = seed >> i & 1 ? highs[i] : lows[i];
        cli_argument(0, seed >> 8 & 1 ? lows[i] + seed % 8 : number);
    }
}

/* The command line, as its --help describes it. */
struct reading {
    const char *numbers[ARGUMENT_MAX];
    size_t number_count;
    const char *seed, *json; /* NULL: no such option */
    bool asks_for_help, has_wrong_option;
};

/* "--NAME VALUE" or "--NAME=VALUE" at `*i`, which is then at the last word of it. */
static const char *option_value(const char *name, size_t *i) {
    size_t length = strlen(name);
    if (strcmp(arguments[*i], name) == 0) {
        ++*i;
        return *i < argument_count ? arguments[*i] : "";
    }
    bool is_it = strncmp(arguments[*i], name, length) == 0 && arguments[*i][length] == '=';
    return is_it ? arguments[*i] + length + 1 : NULL;
}

/* Up to what ends the reading: a plea for help, or an option that is none. */
static struct reading read_words(void) {
    struct reading reading = {.number_count = 0};
    for (size_t i = 0; i < argument_count; i++) {
        const char *value;
        if (strncmp(arguments[i], "--", 2) != 0) {
            reading.numbers[reading.number_count++] = arguments[i];
        } else if (strcmp(arguments[i], "--help") == 0) {
            reading.asks_for_help = true;
            break;
        } else if ((value = option_value("--seed", &i)) != NULL && value[0] != '\0') {
            reading.seed = value;
        } else if (value == NULL && (value = option_value("--json", &i)) != NULL &&
                   value[0] != '\0') {
            reading.json = value;
        } else {
            reading.has_wrong_option = true;
            break;
        }
    }
    return reading;
}

/* The index of the first that is wrong; LARSON_COUNT when none is. `numbers` has the
 * seed of the option, if there is one. */
static size_t first_wrong(const struct reading *reading, uint64_t *numbers) {
    for (size_t i = 0; i < LARSON_COUNT; i++) {
        if (!cli_is_number(reading->numbers[i], &numbers[i]) || numbers[i] < lows[i] ||
            numbers[i] > highs[i]) {
            return i;
        }
    }
    bool is_right = reading->seed == NULL || cli_is_number(reading->seed, &numbers[SEED]);
    return is_right ? LARSON_COUNT : SEED;
}

static bool has_newline_in_arguments(void) {
    for (size_t i = 0; i < argument_count; i++) {
        if (strchr(arguments[i], '\n') != NULL) {
            return true;
        }
    }
    return false;
}

static void demand_usage_line(const char *printed, const char *what) {
    size_t length = strlen(printed);
    bool is_one_line = length > 0 && strchr(printed, '\n') == printed + length - 1;
    if (exit_status != 2 || strncmp(printed, "usage: larson_hakmem ", 21) != 0 ||
        (!is_one_line && !has_newline_in_arguments())) {
        hak_fuzz_fail("larson: %s: exit status %d, printed '%.80s'", what, exit_status, printed);
    }
}

static void judge_refusal(const char *printed) {
    uint64_t numbers[LARSON_COUNT];
    const struct reading reading = read_words();
    if (reading.asks_for_help) {
        if (exit_status != 0) {
            hak_fuzz_fail("larson: --help ended with %d", exit_status);
        }
        hak_fuzz_tally(OUTCOME_larson_helped);
        return;
    }
    if (reading.has_wrong_option) {
        demand_usage_line(printed, "wrong option");
        hak_fuzz_tally(OUTCOME_larson_option);
    } else if (reading.number_count != LARSON_COUNT) {
        demand_usage_line(printed, "wrong number of arguments");
        hak_fuzz_tally(OUTCOME_larson_count);
    } else if (first_wrong(&reading, numbers) < LARSON_COUNT) {
        demand_usage_line(printed, "wrong number");
        hak_fuzz_tally(OUTCOME_larson_number);
    } else if (numbers[1] > numbers[2]) {
        demand_usage_line(printed, "MIN above MAX");
        hak_fuzz_tally(OUTCOME_larson_order);
    } else {
        hak_fuzz_fail("larson: right arguments were refused: '%.200s'", printed);
    }
}

static void judge_numbers(const struct larson_arguments *found) {
    uint64_t numbers[LARSON_COUNT];
    const uint64_t read[LARSON_COUNT] = {
        found->sleep_seconds, found->size_min_bytes, found->size_max_bytes, found->chunk_count,
        found->round_count,   found->seed,           found->thread_count,
    };
    const struct reading reading = read_words();
    if (reading.asks_for_help || reading.has_wrong_option || reading.number_count != LARSON_COUNT ||
        first_wrong(&reading, numbers) < LARSON_COUNT || numbers[1] > numbers[2]) {
        hak_fuzz_fail("larson: %zu arguments, wrong ones, were taken", argument_count);
    }
    if (memcmp(read, numbers, sizeof read) != 0) {
        hak_fuzz_fail("larson: the numbers were read as others");
    }
    if ((found->json_path == NULL) != (reading.json == NULL) ||
        (reading.json != NULL && strcmp(found->json_path, reading.json) != 0)) {
        hak_fuzz_fail("larson: the file of --json was read as '%.80s'", found->json_path);
    }
    if (reading.json != NULL || reading.seed != NULL) {
        hak_fuzz_tally(OUTCOME_larson_option_read);
    }
    hak_fuzz_tally(OUTCOME_larson_read);
}

void cli_read_larson(void) {
    static char printed[PRINTED_BYTES];
    char *argv[ARGUMENT_MAX + 2] = {(char *)"larson_hakmem"};
    struct larson_arguments found = {0};
    FILE *kept_out = stdout, *kept_error = stderr;
    memset(printed, 0, sizeof printed);
    for (size_t i = 0; i < argument_count; i++) {
        argv[i + 1] = texts[i];
    }
    stdout = stderr = fmemopen(printed, sizeof printed - 1, "w");
    is_caught = true;
    bool exited = sigsetjmp(exited_at, 0) != 0;
    if (!exited) {
        larson_arguments_parse((int)argument_count + 1, argv, &found);
    }
    is_caught = false;
    fclose(stderr);
    stdout = kept_out;
    stderr = kept_error;
    if (exited) {
        judge_refusal(printed);
    } else {
        judge_numbers(&found);
    }
    cli_clear();
}
