/* SPDX-License-Identifier: MIT */
/**
 * @file test_binomial.c
 * The bound on the failure rate, against values that can be had in other ways:
 * closed forms at both ends, and tables of the Clopper-Pearson interval.
 */
#include "stability/binomial.h"

#include <criterion/criterion.h>
#include <math.h>

static void expect(uint64_t failures, uint64_t runs, double wanted, double tolerance) {
    double bound = binomial_upper_bound(failures, runs, 0.95);
    cr_expect(fabs(bound - wanted) <= tolerance, "%llu of %llu: %.9f, wanted %.9f",
              (unsigned long long)failures, (unsigned long long)runs, bound, wanted);
}

Test(binomial, no_failure_is_the_closed_form) {
    const uint64_t runs[] = {1, 2, 20, 100, 300, 3000, 1000000, 100000000};
    for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
        double exact = -expm1(log(0.05) / (double)runs[i]);
        expect(0, runs[i], exact, exact * 1e-9);
    }
}

Test(binomial, known_values) {
    expect(0, 3000, 0.000998079, 1e-9);
    expect(0, 20, 0.139108, 1e-6);
    expect(1, 20, 0.216106, 1e-6); /* the allocator's first record: 19 of 20 */
    expect(2, 20, 0.282619, 1e-6);
    expect(1, 10, 0.394163, 1e-6);
    expect(5, 10, 0.777559, 1e-6);
}

Test(binomial, all_but_one_is_the_closed_form) {
    /* P(X <= n - 1) = 1 - p^n. */
    expect(9, 10, pow(0.95, 0.1), 1e-9);
    expect(99, 100, pow(0.95, 0.01), 1e-9);
}

Test(binomial, nothing_but_failures_excludes_nothing) {
    expect(1, 1, 1.0, 0.0);
    expect(20, 20, 1.0, 0.0);
}

Test(binomial, bound_meets_its_definition) {
    /* Summed anew, from the other side: P(X >= k + 1) must be the confidence. */
    for (uint64_t k = 0; k < 40; k++) {
        double p = binomial_upper_bound(k, 40, 0.95);
        double above = 0.0;
        for (uint64_t i = k + 1; i <= 40; i++) {
            above += exp(lgamma(41.0) - lgamma((double)i + 1) - lgamma(41.0 - (double)i) +
                         (double)i * log(p) + (double)(40 - i) * log1p(-p));
        }
        cr_expect(fabs(above - 0.95) < 1e-9, "k = %llu: %.12f", (unsigned long long)k, above);
    }
}

Test(binomial, more_failures_never_lower_it) {
    double before = 0.0;
    for (uint64_t k = 0; k <= 3000; k += 100) {
        double bound = binomial_upper_bound(k, 3000, 0.95);
        cr_expect(bound > before, "k = %llu", (unsigned long long)k);
        before = bound;
    }
}
