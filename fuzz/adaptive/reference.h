/* SPDX-License-Identifier: MIT */
/**
 * @file reference.h
 * Adaptive sizing as DESIGN.md section 3 words it, written from there and
 * sharing nothing with src/: integers and fractions where that has tenths,
 * numbers of its own, its own idea of each class's maximum.
 */
#ifndef HAK_FUZZ_ADAPTIVE_REFERENCE_H
#define HAK_FUZZ_ADAPTIVE_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REFERENCE_CLASS_COUNT = 41, REFERENCE_SLOTS_MAX = 2048 };

struct reference {
    uint32_t capacity, capacity_max;
    uint32_t mark;
    uint32_t event_count; /* refills, and flushes of a full cache */
    uint64_t window_ns;   /* when it began */
    bool has_window;
    uint32_t grow_count, shrink_count;
    uint32_t refills, full_flushes; /* of late: of the last 64 to 128 events */
    uint32_t row, turns; /* events of one kind in a row; rows up to 16 one after the other */
    bool is_row_of_flushes;
    bool is_rare; /* events of this window, on average, more than 200 us apart */
    bool has_settled; /* a Keep line was written */
    uint32_t settled_per_mille;
    uint64_t settled_ns;
};

enum reference_decision { REFERENCE_KEEP, REFERENCE_GROW, REFERENCE_SHRINK };

/** Distance between the blocks of a class, in bytes. */
size_t reference_stride(size_t class_index);
/** The most slots: capacity * stride stays within 128 KiB, in 16..2048. */
uint32_t reference_capacity_max(size_t class_index);
/** The most while refills and flushes take turns: within 1 MiB. */
uint32_t reference_swing_max(size_t class_index);

/** What the first refill of a class asks for: 8 blocks, fewer where these exceed 4 KiB, but one
 *  (docs/ARCHITECTURE.md). */
uint32_t reference_first_refill(size_t class_index);

void reference_init(struct reference *reference, size_t class_index, uint32_t capacity);
enum reference_decision reference_decide(uint32_t mark, uint32_t capacity, uint32_t capacity_max);
/** A refill, or a flush of a full cache, belongs to the late ones. */
void reference_late(struct reference *reference, bool is_full_flush);
/** Whether they took turns eight times, up to 16 of one kind in a row
 *  (docs/ADAPTIVE.md, "The maximum of a class"). */
bool reference_swings(const struct reference *reference);
/** How full the cache counts as that is flushed because it is full. With
 *  `reuse_only` (docs/ADAPTIVE.md, "Reuse only") half, from 128 slots on, where
 *  of late more than eight such flushes come on a refill. */
uint32_t reference_full_mark(const struct reference *reference, bool reuse_only);
/** Notes a refill or a flush of a full cache; true when it is time to adapt. */
bool reference_event(struct reference *reference, uint32_t count, uint64_t now_ns);
/** Whether the window has lasted its time. */
bool reference_is_over(const struct reference *reference, uint64_t now_ns);
void reference_new_window(struct reference *reference, uint64_t now_ns);
/** Whether a Keep line is due, and notes it as written; usage in per mille. */
bool reference_settles(struct reference *reference, uint64_t now_ns, uint32_t *per_mille);

#endif
