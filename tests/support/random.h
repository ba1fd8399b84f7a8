/* SPDX-License-Identifier: MIT */
/* Random numbers for tests: the same for the same seed, on every machine. */
#ifndef TEST_SUPPORT_RANDOM_H
#define TEST_SUPPORT_RANDOM_H

#include <stdint.h>

struct test_random {
    uint64_t state;
};

void test_random_init(struct test_random *random, uint64_t seed);
uint64_t test_random_next(struct test_random *random);

/* From 0 to bound - 1; bound > 0. */
uint32_t test_random_below(struct test_random *random, uint32_t bound);

#endif
