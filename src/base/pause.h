/* SPDX-License-Identifier: MIT */
/* Pause points: marked places between two steps of a protocol, where a thread
 * that stands still leaves the others a state that they rarely see. A program
 * that sets the hook decides who stops there and for how long; hakmem-stress
 * does, in the scenario `pause`. Layer 0.
 *
 * Checked builds only: in release builds a point compiles to nothing. None is on
 * a fast path. Heap, shard and other locks may be held at a point, so the hook
 * must not allocate and must not wait for another thread. */
#ifndef HAK_BASE_PAUSE_H
#define HAK_BASE_PAUSE_H

enum hak_pause_point {
#define HAK_PAUSE_POINT(id, meaning) HAK_PAUSE_##id,
#include "base/pause_points.def"
#undef HAK_PAUSE_POINT
    HAK_PAUSE_POINT_COUNT
};

/* NULL: nobody pauses. Written before the first thread starts, read-only after. */
extern void (*hak_pause_hook)(enum hak_pause_point point);

/* Calls the hook, if there is one. */
void hak_pause_at(enum hak_pause_point point);

#if HAK_CHECK_LEVEL >= 1
#define hak_pause_point(id_) hak_pause_at(HAK_PAUSE_##id_)
#else
#define hak_pause_point(id_) ((void)HAK_PAUSE_##id_)
#endif

#endif
