/* SPDX-License-Identifier: MIT */
/* A small fuzzer for where libFuzzer is not: the same mutations, the same feedback. */
#ifndef HUNT_EVOLVE_H
#define HUNT_EVOLVE_H

#include "client.h"

struct evolution {
    uint64_t seed;
    uint64_t schedules_max;
    const char *write_folder; /* for inputs that did something new, and the one that fails; or NULL */
    uint64_t turns;           /* so far */
    unsigned kept;            /* out: inputs that did something new */
};

/* Returns the answer of the schedule that failed; NULL: none did. Exits with status 2 when it
 * cannot write, and when the hunter dies. */
const struct hunt_exchange *evolve(struct evolution *evolution);

#endif
