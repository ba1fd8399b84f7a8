/* SPDX-License-Identifier: MIT */
/* The fuzzer's side of protocol.h: starts a hunter and has it run plans. */
#ifndef HUNT_CLIENT_H
#define HUNT_CLIENT_H

#include "protocol.h"

#include <stdbool.h>

/*
 * Starts the hunter that HAKMEM_HUNT names, else the hakmem-hunt beside this program, in a process
 * of its own on the same CPU: one of the two always waits for the other. HAKMEM_HUNT_SCENARIO names
 * the one scenario to run; else it is all but those with a planted bug. When that cannot be done,
 * says so in one line and exits with status 2. `program` is for messages.
 */
void client_open(const char *program);

/* Runs one schedule. The answer stays until the next call; NULL: the hunter has died. */
const struct hunt_exchange *client_run(const struct plan *plan);

/* How many have run, also those that a mutation asked for. */
uint64_t client_schedules(void);

/* Gives the plan a scenario that may run, if it has none, and keeps its operations within bounds. */
void client_fit(struct plan *plan);

unsigned client_scenario_count(void); /* those that may run */
const struct exchange_scenario *client_scenario_at(unsigned index);
const struct exchange_scenario *client_scenario_of(const struct plan *plan);

/* What was found, with the command that replays it. */
void client_print_finding(FILE *out, const struct hunt_exchange *answer);

/* Ends the hunter and waits for it. */
void client_close(void);

#endif
