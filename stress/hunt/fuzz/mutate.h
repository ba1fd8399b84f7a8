/* SPDX-License-Identifier: MIT */
/* Changes of plans, in whole decisions and whole operations. */
#ifndef HUNT_MUTATE_H
#define HUNT_MUTATE_H

#include "plan.h"

/* libFuzzer's own byte mutations, which know its dictionary; NULL: none. */
typedef size_t (*mutate_bytes)(uint8_t *bytes, size_t size_bytes, size_t max_bytes);

/* Both run plans by client_run() to learn the path that a random schedule took, and keep the result
 * within what client_fit() allows. Equal arguments, equal results, but that the first few are new
 * plans. */
void mutate_plan(struct plan *plan, uint64_t seed, mutate_bytes bytes);
void mutate_cross(struct plan *plan, const struct plan *other, uint64_t seed);

/* A new plan: any scenario, a random schedule. */
void mutate_new(struct plan *plan, uint64_t seed);

#endif
