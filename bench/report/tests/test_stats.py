# SPDX-License-Identifier: MIT
"""The statistics against values worked out by hand."""

import random
import statistics
import unittest

from report.stats import Spread, geometric_mean, paired_ratios, quantile, spread


class Quantile(unittest.TestCase):
    def test_by_hand(self):
        self.assertEqual(quantile([4, 1, 3, 2], 0.5), 2.5)
        self.assertEqual(quantile([4, 1, 3, 2], 0.25), 1.75)
        self.assertEqual(quantile([1, 2, 3, 4, 5], 0.75), 4)

    def test_ends_and_single_value(self):
        self.assertEqual(quantile([3, 1, 2], 0), 1)
        self.assertEqual(quantile([3, 1, 2], 1), 3)
        self.assertEqual(quantile([7], 0.25), 7)

    def test_agrees_with_the_library(self):
        generator = random.Random(1)
        for count in range(2, 30):
            values = [generator.random() for _ in range(count)]
            expected = statistics.quantiles(values, n=4, method="inclusive")
            for fraction, value in zip((0.25, 0.5, 0.75), expected):
                self.assertAlmostEqual(quantile(values, fraction), value)

    def test_nothing_and_nonsense_are_errors(self):
        with self.assertRaises(ValueError):
            quantile([], 0.5)
        with self.assertRaises(ValueError):
            quantile([1], 1.5)


class SpreadOf(unittest.TestCase):
    def test_three_figures_and_the_count(self):
        self.assertEqual(spread([1, 2, 3, 4, 5]), Spread(3, 2, 4, 5))

    def test_nothing(self):
        self.assertIsNone(spread([]))

    def test_one_disturbed_round_moves_neither_median_nor_quartiles_far(self):
        self.assertEqual(spread([1, 1, 1, 1, 1, 1, 90]), Spread(1, 1, 1, 7))


class PairedRatios(unittest.TestCase):
    def test_pairs_by_round_not_by_position(self):
        self.assertEqual(paired_ratios({0: 2, 1: 9, 2: 8}, {2: 4, 0: 1, 1: 3}), [2, 3, 2])

    def test_a_slow_round_cancels(self):
        subject = {0: 1.0, 1: 10.0, 2: 1.0}
        reference = {0: 2.0, 1: 20.0, 2: 2.0}
        self.assertEqual(paired_ratios(subject, reference), [0.5, 0.5, 0.5])

    def test_rounds_that_only_one_has_are_left_out(self):
        self.assertEqual(paired_ratios({0: 1, 1: 2}, {1: 4, 2: 5}), [0.5])

    def test_a_reference_of_zero_has_no_ratio(self):
        self.assertEqual(paired_ratios({0: 1, 1: 2}, {0: 0, 1: 1}), [2])


class GeometricMean(unittest.TestCase):
    def test_by_hand(self):
        self.assertAlmostEqual(geometric_mean([1, 4]), 2)
        self.assertAlmostEqual(geometric_mean([0.5, 2]), 1)

    def test_nothing_and_zero(self):
        self.assertIsNone(geometric_mean([]))
        with self.assertRaises(ValueError):
            geometric_mean([1, 0])


if __name__ == "__main__":
    unittest.main()
