/* SPDX-License-Identifier: MIT */
/* fuzz_hunt: libFuzzer's entry points. It chooses operations and schedule, a hunter runs them, and
 * what each read saw is its feedback. docs/HUNTING.md. */
#include "client.h"
#include "mutate.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size_bytes, size_t max_bytes, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *first, size_t first_bytes, const uint8_t *second,
                                 size_t second_bytes, uint8_t *out, size_t max_bytes,
                                 unsigned seed);
/* Provided by libFuzzer; other engines may lack it. */
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t size_bytes, size_t max_bytes);

/* libFuzzer clears them before each input and reads them after it. */
__attribute__((section("__libfuzzer_extra_counters"))) static volatile uint8_t
    counters[EXCHANGE_COUNTERS];

/*
 * One mutation between two runs, unless the caller wants it otherwise: a second one would have to
 * run the input in between, to learn its path. First of all options, so that a later one counts.
 */
static void mutate_once_at_a_time(int *argc, char ***argv) {
    static char option[] = "-mutate_depth=1";
    char **longer = calloc((size_t)*argc + 2, sizeof *longer);
    if (longer == NULL)
        abort();
    longer[0] = (*argv)[0];
    longer[1] = option;
    for (int i = 1; i < *argc; i++)
        longer[i + 1] = (*argv)[i];
    *argv = longer;
    ++*argc;
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    mutate_once_at_a_time(argc, argv);
    client_open("fuzz_hunt");
    return 0;
}

static void feed_back(const uint8_t *seen) {
    for (size_t i = 0; i < EXCHANGE_COUNTERS; i += 8) {
        uint64_t eight;
        memcpy(&eight, seen + i, 8);
        for (size_t j = i; eight != 0; j++, eight >>= 8)
            counters[j] = (uint8_t)eight;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
    struct plan plan;
    plan_decode(&plan, data, size_bytes);
    client_fit(&plan);
    const struct hunt_exchange *answer = client_run(&plan);
    if (answer == NULL) {
        fputs("fuzz_hunt: the hunter died running this input\n", stderr);
        abort();
    }
    if (answer->is_found) {
        client_print_finding(stderr, answer);
        fprintf(stderr, "fuzz_hunt: found after %llu schedules\n",
                (unsigned long long)client_schedules());
        abort();
    }
    feed_back(answer->counters);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size_bytes, size_t max_bytes, unsigned seed) {
    struct plan plan;
    plan_decode(&plan, data, size_bytes);
    if (size_bytes < PLAN_HEAD_BYTES)
        mutate_new(&plan, seed);
    else
        mutate_plan(&plan, seed, LLVMFuzzerMutate);
    return plan_encode(&plan, data, max_bytes);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *first, size_t first_bytes, const uint8_t *second,
                                 size_t second_bytes, uint8_t *out, size_t max_bytes,
                                 unsigned seed) {
    struct plan plan, other;
    plan_decode(&plan, first, first_bytes);
    plan_decode(&other, second, second_bytes);
    mutate_cross(&plan, &other, seed);
    return plan_encode(&plan, out, max_bytes);
}
