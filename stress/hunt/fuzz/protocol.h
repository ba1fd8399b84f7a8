/* SPDX-License-Identifier: MIT */
/*
 * How a fuzzer and a hunter talk: two processes, so that neither's state is in the other's way (the
 * engine restores .data and .bss before each schedule), and the token is the hunter's own.
 *
 * They share one struct hunt_exchange. A byte through a socket hands it over, one way and the
 * other; the end of the stream means that the other side has died. The hunter sends the first byte,
 * when its list of scenarios stands.
 */
#ifndef HUNT_PROTOCOL_H
#define HUNT_PROTOCOL_H

#include "plan.h"

#define EXCHANGE_COUNTERS 16384u /* the engine's HUNT_FEEDBACK_BYTES */
#define EXCHANGE_SCENARIOS 128u
#define EXCHANGE_NAME_BYTES 64u

struct exchange_scenario {
    char name[EXCHANGE_NAME_BYTES];
    uint8_t body_count, op_count_max;
    uint8_t is_planted;
};

struct hunt_exchange {
    uint32_t scenario_count;
    struct exchange_scenario scenarios[EXCHANGE_SCENARIOS];

    /* question */
    struct plan plan;

    /* answer */
    uint32_t is_found;
    uint32_t decision_total;  /* decisions that the schedule had */
    uint16_t deviation_count; /* those that were not the usual answer, up to the maximum */
    struct plan_decision deviations[PLAN_DECISIONS_MAX];
    uint8_t op_count[PLAN_BODIES];
    uint32_t ops[PLAN_BODIES][PLAN_OPS_MAX]; /* the program that ran */
    char text[512];
    char token[65536];
    uint8_t counters[EXCHANGE_COUNTERS];
};

/* The hunter's side: answers until the other end closes. Returns main's exit status. */
int hunt_serve(int socket, int memory);

#endif
