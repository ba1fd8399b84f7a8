/* SPDX-License-Identifier: MIT */
#ifndef HUNT_EVENT_TEXT_H
#define HUNT_EVENT_TEXT_H

#include "../engine/engine.h"

/* "store top = 3 release" */
void hunt_row_text(const struct hunt_row *row, char *text, size_t text_bytes);
const char *hunt_kind_text(unsigned kind);

#endif
