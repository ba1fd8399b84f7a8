/* SPDX-License-Identifier: MIT */
/**
 * @file binomial.h
 * What a number of passed runs says about the runs to come.
 */
#ifndef STABILITY_BINOMIAL_H
#define STABILITY_BINOMIAL_H

#include <stddef.h>
#include <stdint.h>

/** The exact (Clopper and Pearson 1934) one-sided upper bound on the failure
 *  rate after `failure_count` failures in `run_count` independent runs: with
 *  probability `confidence` the true rate is below it. `run_count` is at least
 *  1, `confidence` in (0, 1). O(failure_count). */
double binomial_upper_bound(uint64_t failure_count, uint64_t run_count, double confidence);

/** The bound in per cent, as text of at most `text_bytes` bytes. Rounded up, so
 *  that "rate < text" is as true as the bound is: to two decimals, or to more
 *  where these would not show its size. */
void binomial_format_percent(double bound, char *text, size_t text_bytes);

#endif
