# SPDX-License-Identifier: MIT
"""The order of runs, and running them.

In each round every row is run on every allocator, back to back, so that a
ratio's two sides met the same machine; the order of rows and of allocators is
drawn anew each round, so that none always comes first or after a heavy one.
"""

import random
from dataclasses import dataclass, field

from .measure import Failure, run_workload

TIMEOUT_BASE_SECONDS = 60
TIMEOUT_PER_SECOND = 60


def order(rows, allocators, rounds, seed):
    """Yields (round, row, allocator), every combination once."""
    generator = random.Random(seed)
    for number in range(rounds):
        shuffled = list(rows)
        generator.shuffle(shuffled)
        for row in shuffled:
            turn = list(allocators)
            generator.shuffle(turn)
            for allocator in turn:
                yield number, row, allocator


@dataclass
class Runs:
    """results[row key][allocator name][round] and the failures beside them."""
    results: dict = field(default_factory=dict)
    failures: dict = field(default_factory=dict)

    def add(self, number, row, allocator, outcome):
        if isinstance(outcome, Failure):
            self.failures.setdefault(row.key, {})[allocator.name] = (
                f"round {number + 1}: {outcome.reason}")
        else:
            per_round = self.results.setdefault(row.key, {}).setdefault(allocator.name, {})
            per_round[number] = outcome

    def has_failed(self, row, allocator):
        return allocator.name in self.failures.get(row.key, {})


def timeout_for(seconds):
    return TIMEOUT_BASE_SECONDS + TIMEOUT_PER_SECOND * seconds


def calibrate(programs, row, allocators, seconds, seed, folder):
    """How many operations take about `seconds`, on the first allocator that can."""
    for allocator in allocators:
        outcome = run_workload(programs, row, allocator, ["--seconds", seconds], seed, folder,
                               timeout_for(seconds))
        if not isinstance(outcome, Failure):
            return outcome["operations"]
    return None


def run_all(runners, rows, allocators, rounds, seed, progress):
    """Runs everything. `runners[row.key](allocator, round)` gives an outcome.

    A pair of row and allocator that failed is not run again: a result of the
    rounds that happened to pass would hide it.
    """
    runs = Runs()
    for number, row, allocator in order(rows, allocators, rounds, seed):
        if runs.has_failed(row, allocator):
            continue
        progress(number, row, allocator)
        runs.add(number, row, allocator, runners[row.key](allocator, number))
    return runs
