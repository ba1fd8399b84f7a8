/* SPDX-License-Identifier: MIT */
/*
 * One fuzz input: a scenario, a program of operations for each of its threads, and a schedule as
 * decisions. As bytes (little endian):
 *
 *   4  hash of the scenario's name     6  operations of each body
 *   1  strategy for the rest           4  each operation, body after body
 *   4  seed                            4  each decision to the end: index 2, value 1, kind 1
 *
 * Every byte string is a plan: what is out of range is brought into it. The schedule follows the
 * decisions, gives the usual answers between them, and after the last one goes on as the strategy
 * for the rest says. Knows neither the engine nor hakmem.
 */
#ifndef HUNT_PLAN_H
#define HUNT_PLAN_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define PLAN_BODIES 6u
#define PLAN_OPS_MAX 16u
#define PLAN_DECISIONS_MAX 256u
#define PLAN_HEAD_BYTES 15u
#define PLAN_BYTES_MAX                                                                             \
    (PLAN_HEAD_BYTES + PLAN_BODIES * PLAN_OPS_MAX * 4 + PLAN_DECISIONS_MAX * 4)

/* How a schedule goes on after the last decision. */
enum plan_rest { PLAN_USUAL, PLAN_RANDOM, PLAN_POS, PLAN_REST_COUNT };

struct plan_decision {
    uint16_t index; /* which decision of the schedule */
    uint8_t value;
    uint8_t kind; /* what it was when it was recorded; mutations use it, running does not */
};

struct plan {
    uint32_t scenario; /* plan_hash() of its name */
    uint32_t seed;
    uint8_t rest;
    uint8_t op_count[PLAN_BODIES]; /* all 0: the program that the seed gives */
    uint16_t decision_count;
    uint32_t ops[PLAN_BODIES][PLAN_OPS_MAX];
    struct plan_decision decisions[PLAN_DECISIONS_MAX]; /* ascending by index */
};

uint32_t plan_hash(const char *scenario_name);
void plan_decode(struct plan *plan, const uint8_t *bytes, size_t size_bytes);
/* At most max_bytes: decisions that do not fit are left out. Returns the size. */
size_t plan_encode(const struct plan *plan, uint8_t *bytes, size_t max_bytes);
/* Orders the decisions and drops all but the first of an index. */
void plan_normalise(struct plan *plan);
void plan_print(FILE *out, const struct plan *plan, const char *scenario_name);

#endif
