/* SPDX-License-Identifier: MIT */
/**
 * @file random.h
 * A small seeded generator (SplitMix64: Steele, Lea and Flood 2014). One per
 * thread, so a seed gives each thread the same sequence in every run.
 */
#ifndef STRESS_RANDOM_H
#define STRESS_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct stress_random {
    uint64_t state; /* owner */
};

static inline uint64_t stress_mix(uint64_t value) {
    value = (value ^ (value >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94D049BB133111EB);
    return value ^ (value >> 31);
}

static inline void stress_random_init(struct stress_random *random, uint64_t seed,
                                      uint64_t stream) {
    random->state = stress_mix(seed + UINT64_C(0x9E3779B97F4A7C15)) ^ stress_mix(~stream);
}

static inline uint64_t stress_random_next(struct stress_random *random) {
    random->state += UINT64_C(0x9E3779B97F4A7C15);
    return stress_mix(random->state);
}

/** A number in [0, bound); `bound` is 1 to 2^32. */
static inline uint64_t stress_random_below(struct stress_random *random, uint64_t bound) {
    return ((stress_random_next(random) >> 32) * bound) >> 32;
}

/** A number in [low, high], all equally likely. */
static inline uint64_t stress_random_between(struct stress_random *random, uint64_t low,
                                             uint64_t high) {
    return low + stress_random_below(random, high - low + 1);
}

/** True in `percent` of 100 calls. */
static inline int stress_random_chance(struct stress_random *random, unsigned percent) {
    return stress_random_below(random, 100) < percent;
}

/** A size in [low, high] whose doublings are equally likely, so that small
 *  and large size classes are visited equally often. `low` is at least 1. */
static inline size_t stress_random_size(struct stress_random *random, size_t low, size_t high) {
    unsigned low_bit = 63U - (unsigned)__builtin_clzll(low);
    unsigned high_bit = 63U - (unsigned)__builtin_clzll(high);
    unsigned bit = (unsigned)stress_random_between(random, low_bit, high_bit);
    size_t first = (size_t)1 << bit;
    size_t last = first + (first - 1);
    first = first < low ? low : first;
    last = last > high ? high : last;
    return (size_t)stress_random_between(random, first, last);
}

#endif
