/* SPDX-License-Identifier: MIT */
/* Tokens: a schedule as text. h1.SCENARIO.BUILD.CHOICES, of letters, digits, '-', '_' and '.'. */
#ifndef HUNT_TOKEN_H
#define HUNT_TOKEN_H

#include "search.h"

/* Eight hex digits of this program's build id. */
const char *hunt_build_id(void);

/* The caller frees. */
char *hunt_token_make(const struct hunt_scenario *scenario, const struct hunt_choices *choices);
char *hunt_choices_encode(const struct hunt_choices *choices);

/* On failure returns false and one line that says why. choices->deviations is the caller's to free.
 */
bool hunt_token_read(const char *token, const struct hunt_scenario **scenario,
                     struct hunt_choices *choices, char *why, size_t why_bytes);
bool hunt_choices_decode(const char *text, struct hunt_choices *choices);

#endif
