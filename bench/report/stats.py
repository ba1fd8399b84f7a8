# SPDX-License-Identifier: MIT
"""The statistics of paired runs. Pure functions.

Ratios are paired: within one round, an allocator's figure over the
reference's, run minutes apart at most. What the machine does to a whole round
(clock speed, neighbours) then cancels; medians and quartiles of the ratios are
reported, since a single disturbed round moves neither.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """Median and quartiles of `count` values."""
    median: float
    low: float
    high: float
    count: int

    def as_dict(self):
        return {"median": self.median, "low": self.low, "high": self.high, "count": self.count}


def quantile(values, fraction):
    """The quantile by linear interpolation between the closest ranks."""
    if not values:
        raise ValueError("a quantile of no values")
    if not 0 <= fraction <= 1:
        raise ValueError(f"a quantile is between 0 and 1, not {fraction}")
    ordered = sorted(values)
    position = fraction * (len(ordered) - 1)
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def spread(values):
    """Median and quartiles; None for no values."""
    values = list(values)
    if not values:
        return None
    return Spread(quantile(values, 0.5), quantile(values, 0.25), quantile(values, 0.75),
                  len(values))


def paired_ratios(subject, reference):
    """Ratios of two {round: value} maps, for the rounds that both have.

    A reference of zero has no ratio and is left out.
    """
    return [subject[r] / reference[r] for r in sorted(subject) if reference.get(r)]


def geometric_mean(values):
    """None for no values; all must be above zero."""
    values = list(values)
    if not values:
        return None
    if min(values) <= 0:
        raise ValueError("a geometric mean of values that aren't above zero")
    return math.exp(sum(map(math.log, values)) / len(values))
