/* SPDX-License-Identifier: MIT */
/* Vector clocks of eight 16-bit entries, one SSE register, and the pair of them that a thread or a
 * store carries: what happened before it, and what it must see. */
#ifndef HUNT_CLOCK_H
#define HUNT_CLOCK_H

#include <stdint.h>

#define HUNT_THREADS_MAX 8 /* thread 0 is the setup; the others are bodies and what they start */

struct hunt_clock {
    int16_t at[HUNT_THREADS_MAX] __attribute__((aligned(16)));
};

/* `seen` is never behind `before`: it adds what sequentially consistent fences and stores make
 * visible without ordering it (C11 29.3p3-6). Races are judged by `before`, loads by `seen`. */
struct hunt_view {
    struct hunt_clock before;
    struct hunt_clock seen;
};

typedef int16_t hunt_lanes __attribute__((vector_size(16), may_alias));

static inline void hunt_clock_join(struct hunt_clock *into, const struct hunt_clock *from) {
    hunt_lanes a = *(const hunt_lanes *)into->at;
    hunt_lanes b = *(const hunt_lanes *)from->at;
    hunt_lanes take_b = (hunt_lanes)(b > a);
    *(hunt_lanes *)into->at = (b & take_b) | (a & ~take_b);
}

static inline void hunt_view_join(struct hunt_view *into, const struct hunt_view *from) {
    hunt_clock_join(&into->before, &from->before);
    hunt_clock_join(&into->seen, &from->seen);
}

#endif
