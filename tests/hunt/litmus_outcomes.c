/* SPDX-License-Identifier: MIT */
#include "litmus.h"
#include "engine/engine.h"

HUNT_STATE unsigned litmus_outcomes[LITMUS_OUTCOMES_MAX];
HUNT_STATE unsigned litmus_outcome_count;

void litmus_note(void) {
    unsigned outcome =
        litmus_saw[0] * 1000 + litmus_saw[1] * 100 + litmus_saw[2] * 10 + litmus_saw[3];
    for (unsigned i = 0; i < litmus_outcome_count; i++)
        if (litmus_outcomes[i] == outcome)
            return;
    if (litmus_outcome_count < LITMUS_OUTCOMES_MAX)
        litmus_outcomes[litmus_outcome_count++] = outcome;
}
