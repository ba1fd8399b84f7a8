/* SPDX-License-Identifier: MIT */
/* A flag that says "the data is ready", stored relaxed: x86 never shows it, ARM does, and the
 * declared orders say so everywhere. */
#include "hunt.h"

#include <stdatomic.h>

static int data;
static atomic_int ready;

static void write_relaxed(void) {
    data = 42;
    atomic_store_explicit(&ready, 1, memory_order_relaxed);
}

static void write_release(void) {
    data = 42;
    atomic_store_explicit(&ready, 1, memory_order_release);
}

static void read_acquire(void) {
    if (atomic_load_explicit(&ready, memory_order_acquire) != 0)
        hunt_check(data == 42);
}

HUNT_SCENARIO(missing_release) = {
    .name = "missing-release",
    .summary = "a flag stored relaxed does not publish the data before it",
    .flags = HUNT_PLANTED,
    .body = {write_relaxed, read_acquire}};

HUNT_SCENARIO(with_release) = {.name = "with-release",
                               .summary = "a flag stored with release does",
                               .body = {write_release, read_acquire}};
