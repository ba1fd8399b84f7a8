/* SPDX-License-Identifier: MIT */
/* Random numbers for tests: splitmix64 (Steele, Lea, Flood, 2014). */
#include "random.h"

void test_random_init(struct test_random *random, uint64_t seed) {
    random->state = seed;
}

uint64_t test_random_next(struct test_random *random) {
    uint64_t z = random->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint32_t test_random_below(struct test_random *random, uint32_t bound) {
    return (uint32_t)((test_random_next(random) >> 32) * bound >> 32);
}
