/* SPDX-License-Identifier: MIT */
/**
 * @file ration.h
 * What costs as much as all the rest, and of which only whole inputs (harness/run.h) have
 * as much as they ask for: blocks, rounds of churn, caches made anew, lines of the log.
 */
#ifndef HAK_FUZZ_ADAPTIVE_RATION_H
#define HAK_FUZZ_ADAPTIVE_RATION_H

#include <stdbool.h>
#include <stddef.h>

#include "model.h"

/** A new input. */
void ration_begin(void);
/** How many of the blocks wanted a refill may ask for: an input has so many, and from then
 *  on few at a time. What a cache has no room for costs nothing. */
size_t ration_of_refill(const struct model_class *class, size_t wanted);
/** Whether there is another round of churn, of which this is the `round`th. */
bool ration_allows_round(size_t round);
/** What it may ask for. A window's mark is that of its first refill, and the others only
 *  count, so they bring one block each. */
size_t ration_of_round(const struct model_class *class, size_t wanted, size_t round);
/** Whether the caches, 41 of them, may be made anew. */
bool ration_allows_restart(void);
/** A line of the log was written, and worded by the model: whether more may come. */
bool ration_allows_more_lines(void);

#endif
