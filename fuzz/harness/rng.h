/* SPDX-License-Identifier: MIT */
/* A small generator of pseudo-random numbers (splitmix64): the same seed gives
 * the same programs on every machine. */
#ifndef HAK_FUZZ_RNG_H
#define HAK_FUZZ_RNG_H

#include <stdint.h>

struct hak_fuzz_rng {
    uint64_t state;
};

static inline uint64_t hak_fuzz_mix(uint64_t value) {
    value = (value ^ (value >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94D049BB133111EB);
    return value ^ (value >> 31);
}

static inline uint64_t hak_fuzz_next(struct hak_fuzz_rng *rng) {
    rng->state += UINT64_C(0x9E3779B97F4A7C15);
    return hak_fuzz_mix(rng->state);
}

/** A number below `bound`, which is not 0. */
static inline uint64_t hak_fuzz_below(struct hak_fuzz_rng *rng, uint64_t bound) {
    return hak_fuzz_next(rng) % bound;
}

#endif
