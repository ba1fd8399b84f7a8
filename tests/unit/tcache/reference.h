/* SPDX-License-Identifier: MIT */
/* Adaptive sizing, written once more from DESIGN.md section 3 and nothing else:
 * no code, constant or type of src/tcache/ is used here. */
#ifndef TESTS_TCACHE_REFERENCE_H
#define TESTS_TCACHE_REFERENCE_H

/* "usage = high-water mark / capacity; above 80 % double (to the maximum), below
 * 20 % halve (to the minimum), else keep": the capacity after the decision. */
static inline unsigned reference_capacity_after(unsigned high_water_mark, unsigned capacity,
                                                unsigned class_maximum) {
    enum { MINIMUM = 16, MAXIMUM = 2048 };
    unsigned long long used_percent_times_capacity = 100ull * high_water_mark;
    unsigned ceiling = class_maximum > MAXIMUM ? MAXIMUM : class_maximum;
    if (used_percent_times_capacity > 80ull * capacity) {
        return capacity + capacity > ceiling ? capacity : capacity + capacity;
    }
    if (used_percent_times_capacity < 20ull * capacity) {
        return capacity < MINIMUM + MINIMUM ? capacity : capacity - capacity / 2;
    }
    return capacity;
}

#endif
