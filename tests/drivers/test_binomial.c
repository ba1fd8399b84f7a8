/* SPDX-License-Identifier: MIT */
/**
 * @file test_binomial.c
 * The bound on the failure rate, against values that can be had in other ways:
 * closed forms at both ends, and tables of the Clopper-Pearson interval.
 */
#include "stability/binomial.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

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

Test(binomial, values_of_decimal_arithmetic) {
    /* Summed in whole binomial coefficients and bisected with 60 decimal digits
     * (Python's decimal and math.comb): no logarithms, no double. */
    expect(0, 300, 0.009936081944458, 1e-12);
    expect(0, 3000, 0.000998079011997, 1e-12);
    expect(1, 300, 0.015714554891584, 1e-12);
    expect(3, 3000, 0.002582505138294, 1e-12);
    expect(17, 3000, 0.008487698775526, 1e-12);
    expect(29, 30, 0.998291684355534, 1e-12);
    expect(150, 300, 0.548991245291206, 1e-12);
    expect(1, 1000000, 0.000004743855638, 1e-15);
}

static void expect_text(double bound, const char *wanted) {
    char text[32];
    binomial_format_percent(bound, text, sizeof(text));
    cr_expect(strcmp(text, wanted) == 0, "%.9f: '%s', wanted '%s'", bound, text, wanted);
}

Test(binomial, text_is_never_below_the_bound) {
    expect_text(binomial_upper_bound(0, 3000, 0.95), "0.10"); /* 0.0998 % */
    expect_text(binomial_upper_bound(0, 20, 0.95), "13.92");  /* 13.9108 %: not below 13.91 */
    expect_text(binomial_upper_bound(0, 300, 0.95), "1.00");  /* 0.9936 % */
    expect_text(binomial_upper_bound(0, 30000, 0.95), "0.010");
    expect_text(binomial_upper_bound(0, 1000000, 0.95), "0.00030");
    expect_text(1.0, "100.00");
    expect_text(0.5, "50.00");
    expect_text(0.0007, "0.07");
    for (uint64_t runs = 1; runs < 100000; runs = runs * 5 / 4 + 1) {
        char text[32];
        double bound = binomial_upper_bound(0, runs, 0.95);
        binomial_format_percent(bound, text, sizeof(text));
        double shown = strtod(text, NULL);
        cr_expect(shown >= bound * 100 * (1 - 1e-12) && shown <= bound * 100 * 1.2 + 0.01,
                  "%llu runs: '%s' for %.9f %%", (unsigned long long)runs, text, bound * 100);
    }
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
