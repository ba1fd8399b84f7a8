/* SPDX-License-Identifier: MIT */
#ifndef HUNT_TEST_LITMUS_H
#define HUNT_TEST_LITMUS_H

/* What the loads of the running litmus test saw. */
extern unsigned litmus_saw[4];

/* The outcomes since the count was last set to 0: four loads of values up to 9, as a number. */
#define LITMUS_OUTCOMES_MAX 64u
extern unsigned litmus_outcomes[LITMUS_OUTCOMES_MAX], litmus_outcome_count;

/* Called at the end of each schedule; adds the outcome. */
void litmus_note(void);

#endif
