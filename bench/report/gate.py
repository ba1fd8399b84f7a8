# SPDX-License-Identifier: MIT
"""The performance gate: measured figures against recorded ceilings.

Instruction counts, minor faults and RSS don't depend on what else the machine
does; each is the lowest of a few runs, since disturbance only adds. Time is
held only as a paired ratio to glibc's, with a wide bound. Pure, but for
reading and writing the ceilings.
"""

import json
import math
import platform
from dataclasses import dataclass

from hakci.common import UsageError, write_json

VERSION = 1
# What --record adds to a measured figure: room for a compiler's whim or a
# kernel's fault-around, far below what a mistake costs.
ALLOWANCES = {
    "instructions": lambda v: round(v + 0.5, 1),
    "minor_faults": lambda v: math.ceil(v * 1.15) + 16,
    "peak_rss_bytes": lambda v: math.ceil(v * 1.08) + 256 * 1024,
    "after_free_rss_bytes": lambda v: math.ceil(v * 1.15) + 1024 * 1024,
    "time_ratio": lambda v: round(v * 1.5, 2),
}


@dataclass(frozen=True)
class Breach:
    """One reason for the gate to fail."""
    metric: str
    row: str
    text: str

    def __str__(self):
        return f"{self.metric} {self.row}: {self.text}"


def empty_ceilings():
    return {"version": VERSION, "architecture": platform.machine(),
            **{metric: {} for metric in ALLOWANCES}}


def load(path):
    """The recorded ceilings; what is wrong with the file is said in one line."""
    try:
        ceilings = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"no {path}; record the ceilings with ci/bench --gate --record") from None
    except ValueError as error:
        raise UsageError(f"{path} isn't JSON: {error}") from None
    if not isinstance(ceilings, dict) or ceilings.get("version") != VERSION:
        raise UsageError(f"{path} isn't version {VERSION} of the ceilings; record them anew")
    if ceilings.get("architecture") != platform.machine():
        raise UsageError(f"{path} was recorded on {ceilings.get('architecture')}, this is"
                         f" {platform.machine()}; give another file with --ceilings")
    for metric in ALLOWANCES:
        rows = ceilings.setdefault(metric, {})
        for row, value in rows.items():
            if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
                raise UsageError(f"{path}: {metric} {row} is {value!r}, not a number")
    return ceilings


def compare(measured, ceilings):
    """All breaches. `measured` is {metric: {row: number, or a reason it has none}}.

    A row without a ceiling and a ceiling without a row fail too: a gate that
    passes what it doesn't look at is none.
    """
    breaches = []
    for metric in ALLOWANCES:
        rows, limits = measured.get(metric, {}), ceilings.get(metric, {})
        for row, value in rows.items():
            if isinstance(value, str):
                breaches.append(Breach(metric, row, f"not measured: {value}"))
            elif row not in limits:
                breaches.append(Breach(metric, row, f"measured {value:g}, no ceiling recorded;"
                                                    " record it with --gate --record"))
            elif value > limits[row]:
                breaches.append(Breach(metric, row,
                                       f"measured {value:g} is above the ceiling {limits[row]:g}"))
        for row in limits:
            if row not in rows:
                breaches.append(Breach(metric, row, "has a ceiling but is no longer measured;"
                                                    " remove it from the file"))
    return breaches


def record(measured, ceilings):
    """New ceilings: lowered where the measured figure allows, never raised.

    To raise one, delete it from the file first: that shows in the review.
    """
    recorded = empty_ceilings()
    for metric, allow in ALLOWANCES.items():
        for row, value in measured.get(metric, {}).items():
            if isinstance(value, str):
                raise UsageError(f"nothing recorded: {metric} {row} not measured: {value}")
            old = ceilings.get(metric, {}).get(row, math.inf)
            recorded[metric][row] = min(allow(value), old)
    return recorded


def save(path, ceilings):
    write_json(path, ceilings)


def lines(measured, ceilings):
    """Every row with its figure and ceiling, for the log."""
    out = []
    for metric in ALLOWANCES:
        for row, value in measured.get(metric, {}).items():
            ceiling = ceilings.get(metric, {}).get(row)
            shown = value if isinstance(value, str) else f"{value:g}"
            out.append([f"{metric} {row}", shown, "-" if ceiling is None else f"{ceiling:g}"])
    return out
