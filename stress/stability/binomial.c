/* SPDX-License-Identifier: MIT */
/**
 * @file binomial.c
 * The bound is the rate p at which so few failures are as unlikely as the
 * confidence demands: P(X <= failures | runs, p) = 1 - confidence. The left side
 * falls as p grows, so bisection finds it.
 */
#include "binomial.h"

#include <math.h>
#include <stdio.h>

enum { BISECTIONS = 200, DECIMALS_MIN = 2, DECIMALS_MAX = 9 };

/** P(X <= k) for X binomial in n and p, 0 < p < 1. In logarithms: the single
 *  terms are far outside the range of double. */
static double probability_at_most(uint64_t k, uint64_t n, double p) {
    double log_p = log(p), log_q = log1p(-p);
    double log_choose = 0.0; /* of n over i */
    double sum = 0.0;
    for (uint64_t i = 0; i <= k; i++) {
        sum += exp(log_choose + (double)i * log_p + (double)(n - i) * log_q);
        log_choose += log((double)(n - i)) - log((double)(i + 1));
    }
    return sum;
}

double binomial_upper_bound(uint64_t failure_count, uint64_t run_count, double confidence) {
    if (failure_count >= run_count) {
        return 1.0; /* nothing but failures excludes nothing */
    }
    double low = 0.0, high = 1.0;
    for (int i = 0; i < BISECTIONS && low < high; i++) {
        double middle = low + (high - low) / 2;
        if (middle <= 0.0 || middle >= 1.0) {
            break;
        }
        if (probability_at_most(failure_count, run_count, middle) > 1.0 - confidence) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return high;
}

void binomial_format_percent(double bound, char *text, size_t text_bytes) {
    int decimals = DECIMALS_MIN;
    double scaled = bound * 100.0 * 100.0;
    while (scaled < 5.0 && decimals < DECIMALS_MAX) {
        scaled *= 10.0;
        decimals++;
    }
    /* What the multiplication adds to a round number must not round it up. */
    double rounded = ceil(scaled - 1e-9 * scaled);
    snprintf(text, text_bytes, "%.*f", decimals, rounded / pow(10.0, decimals));
}
