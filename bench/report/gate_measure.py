# SPDX-License-Identifier: MIT
"""Measures what the gate holds, on one allocator (and glibc for the ratios)."""

from hakci.common import UsageError

from .allocators import resolve
from .instructions import SHAPES, count_shape, empty_turns
from .measure import Failure, run_workload
from .rows import Row
from .schedule import run_all, timeout_for
from .stats import paired_ratios, spread

RUNS = 3          # the lowest counts: disturbance only adds faults and pages
TIME_ROUNDS = 7

# (workload, threads, operations): fixed lengths, so that counts compare.
MEMORY_ROWS = (
    ("idle", 1, 1),
    ("ring-varied", 1, 1000000),
    ("batch-varied", 4, 2000000),
    ("random-mixed", 1, 1000000),
    ("random-mixed", 4, 1000000),
    ("larson-starts", 1, 1000000), # at four threads it is a matter of who overlaps whom
    ("larson-long", 4, 2000000),
    ("producer-consumer", 4, 1000000),
    ("many-to-many", 4, 600000),
    ("thread-start", 1, 2000),
    ("realloc-vectors", 1, 40000),
    ("mid-sizes", 1, 20000),
    ("big-mappings", 1, 30),
    ("server", 4, 40000),
    ("return-all", 1, 500000),
    ("return-all", 4, 500000),
    ("return-most", 4, 500000),
    ("phases", 1, 1),
)
TIME_ROWS = (
    ("random-mixed", 1, 2000000),
    ("batch-varied", 4, 2000000),
    ("many-to-many", 4, 1000000),
)


def _lowest(outcomes, key):
    """The lowest figure of the runs, or why there is none. One failure is a failure."""
    for outcome in outcomes:
        if isinstance(outcome, Failure):
            return outcome.reason
    return min(outcome[key] for outcome in outcomes)


def _runner(programs, row, operations, seed, folder):
    return lambda allocator, _round: run_workload(
        programs, row, allocator, ["--operations", operations], seed, folder, timeout_for(10))


def only(gate_rows, names):
    """The gate's rows that are named, as WORKLOAD or WORKLOAD/THREADS; all for None."""
    return [row for row in gate_rows
            if names is None or row[0] in names or f"{row[0]}/{row[1]}" in names]


def require_known(names):
    for name in names or ():
        if not only(MEMORY_ROWS + TIME_ROWS, [name]):
            known = sorted({row[0] for row in MEMORY_ROWS + TIME_ROWS})
            raise UsageError(f"the gate has no row of '{name}'; it has {', '.join(known)}")


def _memory(programs, subject, names, seed, folder, progress, measured):
    for name, threads, operations in only(MEMORY_ROWS, names):
        row = Row(name, threads, "memory")
        progress(row.key, subject)
        run = _runner(programs, row, operations, seed, folder)
        outcomes = [run(subject, number) for number in range(RUNS)]
        for metric in ("minor_faults", "peak_rss_bytes"):
            measured[metric][row.key] = _lowest(outcomes, metric)
        if name.startswith("return-"):
            measured["after_free_rss_bytes"][row.key] = _lowest(outcomes, "after_free_rss_bytes")


def _time_ratio(runs, row, subject, reference):
    for name in (subject.name, reference.name):
        if name in runs.failures.get(row.key, {}):
            return f"{name}, {runs.failures[row.key][name]}"
    seconds = {name: {number: result["seconds"] for number, result in per_round.items()}
               for name, per_round in runs.results[row.key].items()}
    return round(spread(paired_ratios(seconds[subject.name], seconds[reference.name])).median, 3)


def _times(programs, subject, names, seed, folder, progress, measured):
    reference = resolve("glibc")
    rows = {Row(name, threads, "speed"): operations
            for name, threads, operations in only(TIME_ROWS, names)}
    if subject.name == reference.name:
        # Against itself, as the gate's own test does: exactly 1.
        measured["time_ratio"] = {row.key: 1.0 for row in rows}
        return
    runners = {row.key: _runner(programs, row, operations, seed, folder)
               for row, operations in rows.items()}
    runs = run_all(runners, list(rows), [subject, reference], TIME_ROUNDS, seed,
                   lambda _round, row, allocator: progress(row.key, allocator))
    for row in rows:
        measured["time_ratio"][row.key] = _time_ratio(runs, row, subject, reference)


def measure(programs, subject, names, seed, folder, progress):
    """{metric: {row: number, or a reason it has none}} for gate.compare().

    With `names`, only these workloads: fewer figures than a full file has
    ceilings, which gate.compare() fails.
    """
    require_known(names)
    measured = {"instructions": {}, "minor_faults": {}, "peak_rss_bytes": {},
                "after_free_rss_bytes": {}, "time_ratio": {}}
    empties = empty_turns(programs)
    for shape in SHAPES:
        progress(shape.name, subject)
        count = count_shape(programs, shape, subject, empties)
        measured["instructions"][shape.name] = (
            count.reason if isinstance(count, Failure) else count)
    _memory(programs, subject, names, seed, folder, progress, measured)
    _times(programs, subject, names, seed, folder, progress, measured)
    return measured
