/* SPDX-License-Identifier: MIT */
/* libFuzzer's entry points (AFL++ and other engines with the same interface
 * use them too). HAKMEM_FUZZ_PRINT=1 prints each operation before it is
 * applied; HAKMEM_FUZZ_THOROUGH=1 verifies the whole model after each;
 * HAKMEM_FUZZ_STATS=1 says at the end what ran, in libFuzzer's form. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "arena.h"
#include "mutate.h"
#include "run.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size_bytes, size_t max_bytes, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *first, size_t first_bytes, const uint8_t *second,
                                 size_t second_bytes, uint8_t *out, size_t max_bytes,
                                 unsigned seed);
/* Provided by libFuzzer; other engines may lack it. */
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t size_bytes, size_t max_bytes);

static uint64_t run_count, op_count;

/* The processor's time, not the clock's: other work on the machine does not count. */
static void print_stats(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double seconds = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                     (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    double per_second = seconds > 0 ? 1 / seconds : 0;
    fprintf(stderr,
            "stat::executed_operations:     %" PRIu64 "\n"
            "stat::cpu_seconds:             %.2f\n"
            "stat::executions_per_cpu_s:    %.0f\n"
            "stat::operations_per_cpu_s:    %.0f\n",
            op_count, seconds, (double)run_count * per_second, (double)op_count * per_second);
}

static bool is_set(const char *variable) {
    const char *value = getenv(variable);
    return value != NULL && strcmp(value, "1") == 0;
}

static void set_up(void) {
    hak_fuzz_mode.print = is_set("HAKMEM_FUZZ_PRINT");
    hak_fuzz_mode.thorough = is_set("HAKMEM_FUZZ_THOROUGH");
    hak_fuzz_mode.is_fuzzing = true;
    if (!hak_fuzz_mode.thorough) {
        hak_fuzz_arena_enable();
    }
    /* At the first input, not before: libFuzzer's own handlers are in place
     * then, and ours pass on to them. */
    hak_fuzz_catch_death(false);
    if (is_set("HAKMEM_FUZZ_STATS")) {
        atexit(print_stats);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
    static bool is_set_up;
    if (!is_set_up) {
        set_up();
        is_set_up = true;
    }
    op_count += hak_fuzz_run(data, size_bytes);
    run_count++;
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size_bytes, size_t max_bytes, unsigned seed) {
    struct hak_fuzz_rng rng = {seed};
    return hak_fuzz_mutate(data, size_bytes, max_bytes, &rng, LLVMFuzzerMutate);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *first, size_t first_bytes, const uint8_t *second,
                                 size_t second_bytes, uint8_t *out, size_t max_bytes,
                                 unsigned seed) {
    struct hak_fuzz_rng rng = {seed};
    return hak_fuzz_cross(first, first_bytes, second, second_bytes, out, max_bytes, &rng);
}
