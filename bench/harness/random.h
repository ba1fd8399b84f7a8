/* SPDX-License-Identifier: MIT */
/*
 * The workloads' random numbers: the SplitMix64 generator (Steele, Lea and
 * Flood, OOPSLA 2014), short enough that it doesn't drown a fast malloc.
 * Not for anything that must be unpredictable.
 */
#ifndef BENCH_HARNESS_RANDOM_H
#define BENCH_HARNESS_RANDOM_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t bench_random(uint64_t *state) {
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* Uniform in 0 .. bound-1; bound below 2^32. */
static inline size_t bench_random_below(uint64_t *state, size_t bound) {
    return (size_t)(((bench_random(state) >> 32) * bound) >> 32);
}

/* Uniform in low .. high, both included. */
static inline size_t bench_random_between(uint64_t *state, size_t low, size_t high) {
    return low + bench_random_below(state, high - low + 1);
}

/*
 * Sizes as programs ask for them: each doubling from `low` to `high` is equally
 * likely, and uniform inside a doubling, so small sizes are common and large
 * ones rare. Both ends included; `doublings` is log2(high / low).
 */
static inline size_t bench_random_skewed(uint64_t *state, size_t low, unsigned doublings) {
    uint64_t r = bench_random(state);
    size_t base = low << (((r & 0xFFFFu) * doublings) >> 16);
    return base + (size_t)(((r >> 32) * (base + 1)) >> 32);
}

#endif
