/* SPDX-License-Identifier: MIT */
/* The region map: registration against look-up, of the block just published and of addresses around
 * it, in both modes; two registrations make one leaf. */
#include "support.h"

#define FIRST ((char *)0x200000000000)
#define SECOND (FIRST + HAK_SUPERSLAB_SIZE_BYTES)

static int first_owner, second_owner;
static _Atomic(char *) published;

static void setup_flat(void) {
    hunt_check(hak_region_init(true));
}

static void setup_two_level(void) {
    hunt_check(hak_region_init(false));
}

/* In two levels the first to come maps the leaf, and that may fail. */
static bool may_register(char *block, const int *owner) {
    bool done = hak_region_register(block, HAK_SUPERSLAB_SIZE_BYTES, (void *)(uintptr_t)owner);
    hunt_check(done || hunt_faults() != 0, "no room, but no call failed");
    return done;
}

static void registers(void) {
    if (!may_register(FIRST, &first_owner))
        return;
    hak_region_set_kind(FIRST, 1, HAK_KIND_RUN);
    hak_store_release(&published, FIRST);
}

static void registers_other(void) {
    if (!may_register(SECOND, &second_owner))
        return;
    hak_region_set_kind(SECOND, 1, HAK_KIND_MAPPING);
    hak_region_set_kind(SECOND, 1, HAK_KIND_NONE);
    hak_region_unregister(SECOND);
}

static void looks(void) {
    enum hak_kind guess = hak_region_kind(SECOND);
    hunt_check(guess == HAK_KIND_NONE || guess == HAK_KIND_MAPPING, "kind %u", (unsigned)guess);
    char *block = hak_load_acquire(&published);
    if (block != NULL) {
        hunt_check(hak_region_kind(block) == HAK_KIND_RUN);
        hunt_check(hak_region_owner(block) == &first_owner);
    }
}

static void quiescent(void) {
    if (hak_load_acquire(&published) != NULL) {
        hunt_check(hak_region_kind(FIRST) == HAK_KIND_RUN);
        hunt_check(hak_region_owner(FIRST) == &first_owner);
    } else {
        hunt_check(hunt_faults() != 0);
        hunt_check(hak_region_kind(FIRST) == HAK_KIND_NONE && hak_region_owner(FIRST) == NULL);
    }
    hunt_check(hak_region_kind(SECOND) == HAK_KIND_NONE && hak_region_owner(SECOND) == NULL);
}

HUNT_SCENARIO(region_flat) = {.name = "region-flat",
                              .summary = "region map, flat: registration against look-up",
                              .setup = setup_flat,
                              .body = {registers, registers_other, looks},
                              .quiescent_invariant = quiescent};

HUNT_SCENARIO(region_two_level) = {.name = "region-two-level",
                                   .summary = "region map, two levels: registration, look-up",
                                   .fault_max = 1,
                                   .setup = setup_two_level,
                                   .body = {registers, registers_other, looks},
                                   .quiescent_invariant = quiescent};
