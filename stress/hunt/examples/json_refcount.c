/* SPDX-License-Identifier: MIT */
/* Hunting in someone else's code: reference counts of the JSON library jansson, as its header has
 * them. Two threads each drop a reference to one array. docs/HUNTING.md tells what is found and
 * why. */
#include "hunt.h"

#include <jansson.h>

static json_t *shared;

static void make_shared(void) {
    shared = json_array();
    json_incref(shared); /* one reference for each thread */
}

static void drop(void) {
    json_decref(shared);
}

HUNT_SCENARIO(json_refcount) = {.name = "json-refcount",
                                .summary = "two threads drop their reference at once",
                                .setup = make_shared,
                                .body = {drop, drop}};
