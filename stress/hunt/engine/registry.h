/* SPDX-License-Identifier: MIT */
/* The scenarios linked into this program (HUNT_SCENARIO puts each into a linker section). */
#ifndef HUNT_REGISTRY_H
#define HUNT_REGISTRY_H

#include "../hunt.h"

size_t hunt_scenario_count(void);
const struct hunt_scenario *hunt_scenario_at(size_t index);
const struct hunt_scenario *hunt_scenario_find(const char *name); /* NULL: none of that name */
unsigned hunt_scenario_bodies(const struct hunt_scenario *scenario);

#endif
