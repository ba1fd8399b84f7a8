/* SPDX-License-Identifier: MIT */
/* A table that grows: the reader trusts the counter. The bug publishes the counter before the
 * pointer it counts; the twin the other way round. */
#include "hunt.h"

#include <stdatomic.h>

#define SLOTS 2u

static int objects[SLOTS];
static int *_Atomic table[SLOTS];
static atomic_uint count;

static void append_counter_first(void) {
    for (unsigned i = 0; i < SLOTS; i++) {
        atomic_store_explicit(&count, i + 1, memory_order_release);
        atomic_store_explicit(&table[i], &objects[i], memory_order_release);
    }
}

static void append_pointer_first(void) {
    for (unsigned i = 0; i < SLOTS; i++) {
        atomic_store_explicit(&table[i], &objects[i], memory_order_release);
        atomic_store_explicit(&count, i + 1, memory_order_release);
    }
}

static void read_all(void) {
    unsigned known = atomic_load_explicit(&count, memory_order_acquire);
    for (unsigned i = 0; i < known; i++) {
        int *object = atomic_load_explicit(&table[i], memory_order_acquire);
        hunt_check(object != NULL, "slot %u of %u is empty", i, known);
    }
}

HUNT_SCENARIO(publish_counter_first) = {
    .name = "publish-counter-first",
    .summary = "the counter is published before the pointer it counts",
    .flags = HUNT_PLANTED,
    .body = {append_counter_first, read_all}};

HUNT_SCENARIO(publish_pointer_first) = {.name = "publish-pointer-first",
                                        .summary = "the pointer is published before the counter",
                                        .body = {append_pointer_first, read_all}};
