/* SPDX-License-Identifier: MIT */
/* What scenarios call (hunt.h) that needs no more than the engine's state, and the list of them. */
#include "engine.h"
#include "registry.h"

#include <stdio.h>
#include <string.h>

extern const struct hunt_scenario *const __start_hunt_scenarios[] __attribute__((weak));
extern const struct hunt_scenario *const __stop_hunt_scenarios[] __attribute__((weak));

size_t hunt_scenario_count(void) {
    return (size_t)(__stop_hunt_scenarios - __start_hunt_scenarios);
}

const struct hunt_scenario *hunt_scenario_at(size_t index) {
    return __start_hunt_scenarios[index];
}

const struct hunt_scenario *hunt_scenario_find(const char *name) {
    for (size_t i = 0; i < hunt_scenario_count(); i++)
        if (strcmp(hunt_scenario_at(i)->name, name) == 0)
            return hunt_scenario_at(i);
    return NULL;
}

unsigned hunt_scenario_bodies(const struct hunt_scenario *scenario) {
    unsigned count = 0;
    while (count < HUNT_BODIES_MAX && scenario->body[count] != NULL)
        count++;
    return count;
}

bool hunt_is_running(void) {
    return hunt.current != NULL;
}

unsigned hunt_self(void) {
    return hunt.current != NULL ? hunt.current->body : HUNT_SETUP;
}

uint64_t hunt_random(void) {
    uint64_t number = hunt_random_next(&hunt.random);
    hunt_signature_saw(number);
    return number;
}

unsigned hunt_choose(unsigned count) {
    if (!hunt_is_on() || hunt.current->id == 0 || count < 2)
        return 0;
    return hunt_decide_value(HUNT_DECIDE_CHOOSE, count < 255 ? count : 254);
}

unsigned hunt_op_count(void) {
    unsigned self = hunt_self();
    return self < HUNT_BODIES_MAX ? hunt.choices.op_count[self] : 0;
}

uint32_t hunt_op(unsigned index) {
    return index < hunt_op_count() ? hunt.choices.ops[hunt_self()][index] : 0;
}

unsigned hunt_faults(void) {
    return hunt.fault_count;
}

uint64_t hunt_clock_ns(void) {
    hunt_signature_saw(hunt.clock_ns);
    return hunt.clock_ns;
}

void hunt_clock_advance(uint64_t ns) {
    hunt.clock_ns += ns;
}
