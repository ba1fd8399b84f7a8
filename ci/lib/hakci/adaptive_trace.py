# SPDX-License-Identifier: MIT
"""Runs a program on hakmem with the adaptive log on, stamps each log line
with the time it came, and verifies what the log says: the caches start as
documented, every change is an exact doubling or halving inside the bounds,
and at least one class grew and one shrank. The capacities over time go to a
JSON file, from which the report draws its chart."""

import os
import re
import subprocess
import time

from . import common

PROG = "ci/lib/adaptive-trace"
INITIAL, LOWEST, HIGHEST = 64, 16, 2048
MAX_POINTS = 4000
REQUIRED = {"grow": ("grow",), "shrink": ("shrink",), "both": ("grow", "shrink")}

INIT = f"[ADAPTIVE] Adaptive sizing initialized (initial_cap={INITIAL}, min={LOWEST}, max={HIGHEST})"
CHANGE = re.compile(r"^\[TLS_CACHE\] (Grow|Shrink) class (\d+): (\d+) (?:→|->) (\d+) slots "
                    r"\((?:grow|shrink)_count=(\d+)\)$")
KEEP = re.compile(r"^\[TLS_CACHE\] Keep class (\d+) at (\d+) slots \(usage=[0-9.]+%\)$")


class LogError(Exception):
    """The log breaks the format or the rules of adaptive sizing."""


def parse_line(line):
    """(kind, class, capacity after) or None for a line that is not the log's."""
    if not line.startswith(("[TLS_CACHE]", "[ADAPTIVE]")):
        return None
    if line.startswith("[ADAPTIVE]"):
        return ("init", None, INITIAL) if line == INIT else None
    keep = KEEP.match(line)
    if keep:
        kind, size_class, after = "keep", int(keep[1]), int(keep[2])
    else:
        change = CHANGE.match(line)
        if not change:
            raise LogError(f"not a line of the adaptive log's format: {line!r}")
        kind, size_class = change[1].lower(), int(change[2])
        before, after = int(change[3]), int(change[4])
        if after != (before * 2 if kind == "grow" else before // 2):
            raise LogError(f"neither a doubling nor a halving: {line!r}")
    if not LOWEST <= after <= HIGHEST or after & (after - 1):
        raise LogError(f"a capacity that is no power of two in {LOWEST}..{HIGHEST}: {line!r}")
    return kind, size_class, after


def begin(command):
    environment = {**os.environ, "HAKMEM_ADAPTIVE_SIZING": "1", "HAKMEM_ADAPTIVE_LOG": "1"}
    try:
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                text=True, errors="replace", env=environment)
    except OSError as error:
        raise common.UsageError(f"cannot run {command[0]}: {error.strerror}; name a program that "
                                "is there") from error


def collect(command):
    """Runs the program; returns (exit status, events, seconds)."""
    start = time.monotonic()
    events = []
    with begin(command) as process:
        for line in process.stdout:
            print(line, end="", flush=True)
            event = parse_line(line.rstrip("\n"))
            if event:
                events.append((round(time.monotonic() - start, 4), *event))
    return process.returncode, events, time.monotonic() - start


def summarize(command, status, events, seconds):
    kinds = [event[1] for event in events]
    series = {}
    for at_s, kind, size_class, capacity in events:
        if kind != "init":
            series.setdefault(str(size_class), []).append([at_s, capacity])
    kept = {size_class: points[:MAX_POINTS] for size_class, points in sorted(
        series.items(), key=lambda item: int(item[0]))}
    return {"program": " ".join(command), "exit_status": status, "seconds": round(seconds, 2),
            "grow_lines": kinds.count("grow"), "shrink_lines": kinds.count("shrink"),
            "keep_lines": kinds.count("keep"), "classes": len(series),
            "highest_capacity": max((event[3] for event in events), default=0),
            "lowest_capacity": min((event[3] for event in events), default=0),
            "capacity_over_time": kept}


def complaints(summary, events, required):
    if summary["exit_status"] != 0:
        yield f"the program ended with status {summary['exit_status']}"
    if not any(event[1] == "init" for event in events):
        yield f"the log lacks its first line: {INIT}"
    for kind in required:
        if not summary[f"{kind}_lines"]:
            yield f"no class was seen to {kind}"


def main(argv):
    parser = common.Parser(PROG, description=__doc__)
    parser.add_argument("--out", type=common.output_file, required=True, metavar="FILE",
                        help="the JSON file")
    parser.add_argument("--require", choices=("grow", "shrink", "both"), default="both",
                        help="which changes must be seen (default both)")
    parser.add_argument("command", nargs="+", help="-- PROGRAM ARGS")
    options = parser.parse_args(argv)
    try:
        status, events, seconds = collect(options.command)
    except LogError as error:
        print(f"{PROG}: {error}")
        return common.FOUND
    summary = summarize(options.command, status, events, seconds)
    common.write_json(options.out, summary)
    found = list(complaints(summary, events, REQUIRED[options.require]))
    for complaint in found:
        print(f"{PROG}: {complaint}")
    return common.FOUND if found else common.OK
