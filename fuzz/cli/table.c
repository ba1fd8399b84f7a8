/* SPDX-License-Identifier: MIT */
/* fuzz_cli's tables. New rows go at the end: inputs made earlier then keep their
 * meaning. */
#include "harness/table.h"
#include "ops.h"

static const struct hak_fuzz_bucket name_buckets[] = {
    HAK_FUZZ_RANGE("switches", 4, 0, CLI_SWITCH_COUNT - 1),
    HAK_FUZZ_RANGE("HAKMEM_TLS_CAPACITY", 3, CLI_SWITCH_COUNT, CLI_SWITCH_COUNT),
    HAK_FUZZ_RANGE("not ours", 1, CLI_SWITCH_COUNT + 1, CLI_NAME_COUNT - 1),
};
HAK_FUZZ_DOMAIN(name, "variables");

static const struct hak_fuzz_bucket form_buckets[] = {
    HAK_FUZZ_RANGE("decimal", 20, 0, 0),
    HAK_FUZZ_RANGE("decimal with zeros before", 1, 1, 1),
    HAK_FUZZ_RANGE("with a sign", 1, 2, 3),
    HAK_FUZZ_RANGE("with a space", 1, 4, 5),
    HAK_FUZZ_RANGE("with something behind", 1, 6, 7),
    HAK_FUZZ_RANGE("hexadecimal", 1, 8, 8),
    HAK_FUZZ_RANGE("too long a number", 1, 9, 9),
    HAK_FUZZ_RANGE("empty", 1, 10, 10),
    HAK_FUZZ_RANGE("a word", 1, 11, 11),
    HAK_FUZZ_RANGE("--help", 1, 12, 12),
    HAK_FUZZ_RANGE("one byte, many times", 1, 13, 13),
};
HAK_FUZZ_DOMAIN(form, "texts");

static const uint64_t powers[] = {
    8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 1U << 30, UINT64_C(1) << 32, UINT64_C(1) << 63};
static const uint64_t limits[] = {86400, 1024, 10000000, 1000000000, UINT64_MAX};
static const struct hak_fuzz_bucket number_buckets[] = {
    HAK_FUZZ_RANGE("0, 1", 8, 0, 1),
    HAK_FUZZ_NEAR("power of two", 6, 0, powers),
    HAK_FUZZ_NEAR("power of two -1..+1", 2, 1, powers),
    HAK_FUZZ_NEAR("limit -1..+1", 2, 1, limits),
    HAK_FUZZ_RANGE("2..5000", 2, 2, 5000),
    HAK_FUZZ_RANGE("any", 1, 0, UINT64_MAX),
};
HAK_FUZZ_DOMAIN(number, "numbers");

static const struct hak_fuzz_bucket seed_buckets[] = {
    HAK_FUZZ_RANGE("smallest and largest", 1, 0, 255),
    HAK_FUZZ_RANGE("small", 1, 256, 511),
};
HAK_FUZZ_DOMAIN(seed, "right arguments");

static const struct hak_fuzz_bucket which_buckets[] = {
    HAK_FUZZ_RANGE("replayers", 1, 0, 0),
    HAK_FUZZ_RANGE("any program", 2, 0, 7),
};
HAK_FUZZ_DOMAIN(which, "programs");

static const struct hak_fuzz_bucket option_buckets[] = {
    HAK_FUZZ_RANGE("two words", 2, 0, 1),
    HAK_FUZZ_RANGE("one word", 2, 2, 3),
    HAK_FUZZ_RANGE("unknown", 1, CLI_OPTION_COUNT - 1, CLI_OPTION_COUNT - 1),
};
HAK_FUZZ_DOMAIN(option, "options");

HAK_FUZZ_DO_3(cli, variable)
HAK_FUZZ_DO_0(cli, read_settings)
HAK_FUZZ_DO_2(cli, argument)
HAK_FUZZ_DO_0(cli, clear)
HAK_FUZZ_DO_1(cli, right_arguments)
HAK_FUZZ_DO_0(cli, read_larson)
HAK_FUZZ_DO_1(cli, run_program)
HAK_FUZZ_DO_3(cli, option)

static const struct hak_fuzz_kind kinds[] = {
    HAK_FUZZ_KIND_3(variable, 30, "name", name, "form", form, "number", number),
    HAK_FUZZ_KIND_0(read_settings, 20),
    HAK_FUZZ_KIND_2(argument, 30, "form", form, "number", number),
    HAK_FUZZ_KIND_0(clear, 2),
    HAK_FUZZ_KIND_1(right_arguments, 8, "seed", seed),
    HAK_FUZZ_KIND_0(read_larson, 10),
    HAK_FUZZ_KIND_1(run_program, 3, "which", which),
    HAK_FUZZ_KIND_3(option, 8, "which", option, "form", form, "number", number),
};

static const struct hak_fuzz_domain *const domains[] = {&name, &form,  &number,
                                                        &seed, &which, &option};

static const char *const outcomes[] = {
#define X(name, text) text,
    CLI_OUTCOMES(X)
#undef X
};

const struct hak_fuzz_target hak_fuzz_target = {
    .name = "cli",
    .kinds = kinds,
    .kind_count = HAK_FUZZ_COUNT_OF(kinds),
    .domains = domains,
    .domain_count = HAK_FUZZ_COUNT_OF(domains),
    .outcomes = outcomes,
    .outcome_count = HAK_FUZZ_COUNT_OF(outcomes),
    .begin = cli_begin,
    .end = cli_end,
    .header = "cli/ops.h",
    .nesting_kind = HAK_FUZZ_NO_NESTING,
};
