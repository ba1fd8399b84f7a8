# SPDX-License-Identifier: MIT
"""A row of the comparison: a workload at a thread count, or a whole program."""

import subprocess
from dataclasses import dataclass

from hakci.common import UsageError

QUICK_WORKLOADS = ("pairs-64", "ring-varied", "batch-varied", "random-mixed", "larson-starts",
                   "producer-consumer", "many-to-many", "realloc-strings", "mid-sizes", "server",
                   "return-all", "idle")


@dataclass(frozen=True)
class Row:
    name: str
    threads: int  # 0 for a program, which has as many as it likes
    kind: str     # speed, memory or program

    @property
    def key(self):
        return f"{self.name}/{self.threads}" if self.threads else f"program:{self.name}"


@dataclass(frozen=True)
class Workload:
    name: str
    kind: str
    min_threads: int
    thread_multiple: int
    summary: str

    def takes(self, threads):
        return threads >= self.min_threads and threads % self.thread_multiple == 0


def list_workloads(bench):
    """What hakmem-bench has, without the loops that are only for counting."""
    done = subprocess.run([bench, "--list"], capture_output=True, text=True, check=True)
    found = []
    for line in done.stdout.splitlines():
        name, kind, least, multiple, summary = line.split(maxsplit=4)
        if kind != "count":
            found.append(Workload(name, kind, int(least), int(multiple), summary))
    return found


def select(workloads, names, threads):
    """The rows of the named workloads (all if None) at these thread counts.

    A workload that can't run at a thread count has no row there; one that has
    no row at all is an error, so that nothing named is silently left out.
    """
    known = {workload.name: workload for workload in workloads}
    for name in names or ():
        if name not in known:
            raise UsageError(f"no workload '{name}'; hakmem-bench --list names them")
    chosen = [w for w in workloads if names is None or w.name in names]
    # An idle process's footprint doesn't depend on threads: one row says it.
    rows = [Row(w.name, t, w.kind) for w in chosen for t in threads
            if w.takes(t) and not (w.name == "idle" and t != threads[0])]
    for workload in chosen if names is not None else ():
        if not any(row.name == workload.name for row in rows):
            raise UsageError(f"{workload.name} needs at least {workload.min_threads} threads,"
                             f" a multiple of {workload.thread_multiple}; give --threads")
    return rows
