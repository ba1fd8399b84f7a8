/* SPDX-License-Identifier: MIT */
/*
 * Bare loops for counting instructions (ci/bench --instructions). No tags, no
 * random numbers: only calls through pointers. Each loop has a twin that runs
 * the same machine code with a function of one instruction (a return) in place
 * of malloc and free, so the loop's own cost can be subtracted; run at two
 * lengths, start-up cancels as well. Not for timing: the pairs workloads are.
 */
#include "harness/block.h"
#include "workloads/workloads.h"

#define PAIR_BYTES 64u
#define GROWN_BYTES 200u
#define DEPTH 64u
#define CHUNK (1u << 20)

/* One return instruction, on every architecture that spells it `ret`. */
__asm__(".text\n"
        ".globl bench_count_empty\n"
        ".hidden bench_count_empty\n"
        ".type bench_count_empty, %function\n"
        "bench_count_empty:\n"
        "    ret\n"
        ".size bench_count_empty, 1\n");
void bench_count_empty(void);

typedef void any_function(void);
typedef void *malloc_function(size_t);
typedef void *calloc_function(size_t, size_t);
typedef void *realloc_function(void *, size_t);
typedef void free_function(void *);

static __attribute__((noinline)) void loop_1(uint64_t n, any_function *take, any_function *give) {
    malloc_function *acquire = (malloc_function *)take;
    free_function *release = (free_function *)give;
    for (uint64_t i = 0; i < n; i++)
        release(acquire(PAIR_BYTES));
}

static __attribute__((noinline)) void loop_64(uint64_t n, any_function *take, any_function *give) {
    malloc_function *acquire = (malloc_function *)take;
    free_function *release = (free_function *)give;
    void *blocks[DEPTH];
    for (uint64_t done = 0; done + DEPTH <= n; done += DEPTH) {
        for (size_t i = 0; i < DEPTH; i++)
            blocks[i] = acquire(PAIR_BYTES);
        bench_escape(blocks);
        for (size_t i = 0; i < DEPTH; i++)
            release(blocks[i]);
    }
}

static __attribute__((noinline)) void loop_calloc(uint64_t n, any_function *take,
                                                  any_function *give) {
    calloc_function *acquire = (calloc_function *)take;
    free_function *release = (free_function *)give;
    for (uint64_t i = 0; i < n; i++)
        release(acquire(1, PAIR_BYTES));
}

/* Grows and shrinks one block, between two size classes everywhere. */
static __attribute__((noinline)) void loop_realloc(uint64_t n, any_function *take,
                                                   any_function *give) {
    realloc_function *resize = (realloc_function *)take;
    free_function *release = (free_function *)give;
    void *block = resize(NULL, PAIR_BYTES);
    for (uint64_t i = 0; i < n; i++)
        block = resize(block, i % 2 == 0 ? GROWN_BYTES : PAIR_BYTES);
    release(block);
}

#define COUNT_WORKLOAD(id, text, what, loop, take, give)                                           \
    static void body_##id(struct bench_worker *worker) {                                           \
        for (uint64_t n; (n = bench_more(worker, CHUNK)) != 0;)                                    \
            loop(n, (any_function *)(take), (any_function *)(give));                               \
    }                                                                                              \
    const struct bench_workload workload_count_##id = {                                            \
        .name = text,                                                                              \
        .summary = what,                                                                           \
        .operation = "loop turn",                                                                  \
        .kind = BENCH_COUNT,                                                                       \
        .min_threads = 1,                                                                          \
        .thread_multiple = 1,                                                                      \
        .body = body_##id,                                                                         \
    }

COUNT_WORKLOAD(pair_1, "count-pair-1", "malloc(64), free", loop_1, malloc, free);
COUNT_WORKLOAD(pair_64, "count-pair-64", "64 times malloc(64), 64 times free", loop_64, malloc,
               free);
COUNT_WORKLOAD(calloc, "count-calloc", "calloc(1, 64), free", loop_calloc, calloc, free);
COUNT_WORKLOAD(realloc, "count-realloc", "realloc of one block, 64 and 200 bytes in turn",
               loop_realloc, realloc, free);
COUNT_WORKLOAD(none_1, "count-none-1", "the loop of count-pair-1 with empty functions", loop_1,
               bench_count_empty, bench_count_empty);
COUNT_WORKLOAD(none_64, "count-none-64", "the loop of count-pair-64 with empty functions", loop_64,
               bench_count_empty, bench_count_empty);
COUNT_WORKLOAD(none_calloc, "count-none-calloc", "the loop of count-calloc with empty functions",
               loop_calloc, bench_count_empty, bench_count_empty);
COUNT_WORKLOAD(none_realloc, "count-none-realloc", "the loop of count-realloc with empty functions",
               loop_realloc, bench_count_empty, bench_count_empty);
