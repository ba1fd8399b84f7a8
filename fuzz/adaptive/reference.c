/* SPDX-License-Identifier: MIT */
/* The reference of adaptive sizing; see reference.h. */
#include "reference.h"

enum {
    SLOTS_MIN = 16,
    EVENTS_PER_WINDOW = 10,
    CACHE_BYTES_MAX = 128 * 1024,
    SWINGING_CACHE_BYTES_MAX = 1024 * 1024,
    KEEP_LINE_MOVED = 50, /* per mille: 5 points */
    LATE_EVENTS = 128,
    SLOTS_ALL_MAY_HAVE = 64, /* whether they reuse anything or not */
    ROW_MAX = 16,
    TURNS_MIN = 8,
};
static const uint64_t SECOND_NS = 1000000000, RARE_NS = 200000;

size_t reference_stride(size_t class_index) {
    if (class_index == 0) {
        return 8;
    }
    if (class_index <= 8) {
        return 16 * class_index;
    }
    size_t doubling = (class_index - 9) / 4; /* above 128 << doubling, in quarters of it */
    size_t quarter = (class_index - 9) % 4 + 1;
    return ((size_t)128 << doubling) + quarter * ((size_t)32 << doubling);
}

static uint32_t slots_within(size_t bytes, size_t class_index) {
    uint32_t slots = REFERENCE_SLOTS_MAX;
    while (slots > SLOTS_MIN && slots * reference_stride(class_index) > bytes) {
        slots /= 2;
    }
    return slots;
}

uint32_t reference_capacity_max(size_t class_index) {
    return slots_within(CACHE_BYTES_MAX, class_index);
}

uint32_t reference_swing_max(size_t class_index) {
    return slots_within(SWINGING_CACHE_BYTES_MAX, class_index);
}

uint32_t reference_first_refill(size_t class_index) {
    uint32_t blocks = 8;
    while (blocks > 1 && blocks * reference_stride(class_index) > 4096) {
        blocks--;
    }
    return blocks;
}

void reference_init(struct reference *reference, size_t class_index, uint32_t capacity) {
    static uint32_t known[REFERENCE_CLASS_COUNT];
    if (known[class_index] == 0) {
        known[class_index] = reference_capacity_max(class_index);
    }
    uint32_t most = known[class_index];
    *reference =
        (struct reference){.capacity = capacity < most ? capacity : most, .capacity_max = most};
}

/* Above four fifths, below one fifth. */
enum reference_decision reference_decide(uint32_t mark, uint32_t capacity, uint32_t capacity_max) {
    if (5 * mark > 4 * capacity) {
        return 2 * capacity <= capacity_max ? REFERENCE_GROW : REFERENCE_KEEP;
    }
    if (5 * mark < capacity) {
        return capacity / 2 >= SLOTS_MIN ? REFERENCE_SHRINK : REFERENCE_KEEP;
    }
    return REFERENCE_KEEP;
}

void reference_late(struct reference *reference, bool is_full_flush) {
    *(is_full_flush ? &reference->full_flushes : &reference->refills) += 1;
    if (reference->refills + reference->full_flushes == LATE_EVENTS) {
        reference->refills -= (reference->refills + 1) / 2;
        reference->full_flushes -= (reference->full_flushes + 1) / 2;
    }
    bool has_turned = reference->is_row_of_flushes != is_full_flush;
    reference->is_row_of_flushes = is_full_flush;
    reference->row = has_turned ? 1 : reference->row + 1;
    reference->turns += has_turned;
    if (reference->row > ROW_MAX) {
        reference->turns = 0;
    }
}

bool reference_swings(const struct reference *reference) {
    return reference->turns >= TURNS_MIN;
}

uint32_t reference_full_mark(const struct reference *reference, bool reuse_only) {
    bool only_frees = reference->full_flushes > 8 * reference->refills;
    bool is_half = reuse_only && only_frees && reference->capacity > SLOTS_ALL_MAY_HAVE;
    return is_half ? reference->capacity / 2 : reference->capacity;
}

bool reference_event(struct reference *reference, uint32_t count, uint64_t now_ns) {
    reference->mark = count > reference->mark ? count : reference->mark;
    reference->event_count++;
    if (!reference->has_window) {
        reference->has_window = true;
        reference->window_ns = now_ns;
    }
    reference->is_rare = now_ns - reference->window_ns > RARE_NS * reference->event_count;
    return reference->event_count >= EVENTS_PER_WINDOW || reference_is_over(reference, now_ns);
}

bool reference_is_over(const struct reference *reference, uint64_t now_ns) {
    return reference->has_window && now_ns - reference->window_ns >= SECOND_NS;
}

void reference_new_window(struct reference *reference, uint64_t now_ns) {
    reference->mark = 0;
    reference->event_count = 0;
    reference->has_window = true;
    reference->window_ns = now_ns;
}

bool reference_settles(struct reference *reference, uint64_t now_ns, uint32_t *per_mille) {
    uint32_t usage = 1000 * reference->mark / reference->capacity;
    uint32_t last = reference->settled_per_mille;
    uint32_t moved = usage > last ? usage - last : last - usage;
    *per_mille = usage;
    if (reference->has_settled &&
        (moved < KEEP_LINE_MOVED || now_ns - reference->settled_ns < SECOND_NS)) {
        return false;
    }
    reference->has_settled = true;
    reference->settled_per_mille = usage;
    reference->settled_ns = now_ns;
    return true;
}
