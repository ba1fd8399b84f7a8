/* SPDX-License-Identifier: MIT */
/* Pause points: see pause.h. Layer 0. Checked builds only. */
#include "base/pause.h"

#include <stddef.h>

void (*hak_pause_hook)(enum hak_pause_point point);

void hak_pause_at(enum hak_pause_point point) {
    if (hak_pause_hook != NULL) {
        hak_pause_hook(point);
    }
}
