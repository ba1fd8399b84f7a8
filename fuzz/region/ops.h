/* SPDX-License-Identifier: MIT */
/**
 * @file ops.h
 * The operations of fuzz_region: the region map in both of its modes, against a
 * sorted list of ranges. The map never touches what it maps, so addresses are
 * any; only the map's own tables are real (tables.c).
 */
#ifndef HAK_FUZZ_REGION_OPS_H
#define HAK_FUZZ_REGION_OPS_H

#include <stddef.h>
#include <stdint.h>

void region_begin(void);
void region_end(void);
void region_verify_all(void);

/** Forgets everything and starts anew, flat if `allow_flat` and there is memory. */
/** The map as fork() leaves it, in the parent or the `child`. */
void region_fork(size_t child);
void region_init(size_t allow_flat);
/** Registers `granules` granules from a multiple of 2 MiB on. */
void region_register(size_t address, size_t granules);
/** Unregisters the range at or below an address. */
void region_unregister(size_t address);
/** Gives `count` granules of the range at or below an address a kind. */
void region_set_kind(size_t address, size_t count, size_t kind);
/** Takes one granule's kind, as free() does: right if `matches`. */
void region_take_kind(size_t address, size_t matches);
/** Looks up any value of a pointer. */
void region_look_up(size_t address);
/** The `nth` request for memory fails, and `count - 1` more; 0: none. */
void region_fault(size_t nth, size_t count);

#define REGION_OUTCOMES(X)                                                                         \
    X(flat, "flat mode")                                                                           \
    X(two_level, "two-level mode as asked")                                                        \
    X(fallback, "two-level mode because flat had no memory")                                       \
    X(no_start, "not even the root had memory")                                                    \
    X(registered, "range registered")                                                              \
    X(many_leaves, "range over more than one leaf registered")                                     \
    X(refused, "range refused without memory for a leaf")                                          \
    X(unregistered, "range unregistered")                                                          \
    X(kind_set, "kind set")                                                                        \
    X(kind_taken, "kind taken")                                                                    \
    X(kind_kept, "take of another kind refused")                                                   \
    X(found, "look-up found a kind")                                                               \
    X(not_found, "look-up found none")                                                             \
    X(no_user_address, "look-up of what is no user address")                                       \
    X(fault_hit, "request for memory failed")

enum region_outcome {
#define X(name, text) OUTCOME_##name,
    REGION_OUTCOMES(X)
#undef X
};

#endif
