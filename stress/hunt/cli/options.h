/* SPDX-License-Identifier: MIT */
/* The command line of hakmem-hunt. */
#ifndef HUNT_OPTIONS_H
#define HUNT_OPTIONS_H

#include "../report/search.h"

struct hunt_options {
    const char *scenario, *token, *strategy, *executor, *json, *emit_test;
    bool list, minimise, no_table, serve, every_order;
    int socket, memory; /* of --serve */
    uint64_t seed, schedules;
    double seconds;
    unsigned preemptions, stale;
    bool no_stale_loads, no_races, plain_points;
};

/* Exits with status 2 and one line on bad options, 0 after --help. */
void hunt_options_parse(struct hunt_options *options, int argc, char **argv);

#endif
