# SPDX-License-Identifier: MIT
"""Finds or builds hakmem-bench, and hakmem's library when it is measured."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from hakci.common import ROOT, UsageError, configure, demand_tools, is_configured

from .allocators import HAKMEM_LIBRARY


@dataclass(frozen=True)
class Programs:
    """The programs that do the measuring."""
    bench: str
    launcher: str

    def bench_of(self, allocator):
        """hakmem-bench, or the one that has this allocator linked in."""
        return self.bench if allocator is None else str(Path(self.bench).parent / allocator.program)


def _run(*commands):
    for command in commands:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if done.returncode != 0:
            last = (done.stdout + done.stderr).strip().splitlines()[-1:] or ["no output"]
            raise UsageError(f"'{' '.join(command)}' failed: {last[0]}; run it to see why")


def _in_folder(folder, allocators):
    bench, launcher = Path(folder) / "hakmem-bench", Path(folder) / "hakmem-bench-program"
    for path in (bench, launcher, *(Path(folder) / a.program for a in allocators)):
        if not path.is_file():
            raise UsageError(f"no {path}; build it, or leave out --bench-dir")
    return Programs(str(bench), str(launcher))


def ensure(allocators, bench_folder=None):
    """Builds what is absent. Without hakmem the benchmark builds alone."""
    linked = any(allocator.is_linked for allocator in allocators)
    if any(allocator.is_ours for allocator in allocators):
        demand_tools("cmake", "ninja", group="bench")
        _run(configure("release", ROOT / "build/release"), ("cmake", "--build", "build/release", "--target",
                                                "hakmem_shared", "hakmem_static"))
    if bench_folder is not None:
        return _in_folder(bench_folder, allocators)
    # Its own folder, rebuilt every time (a no-op mostly): what is measured is
    # the tree as it stands, and each allocator gets the same program.
    build = ROOT / "build/bench"
    demand_tools("cmake", "ninja", group="bench")
    fresh = () if is_configured(build) else ("--fresh",)
    _run(("cmake", *fresh, "-S", "bench", "-B", str(build), "-G", "Ninja",
          "-DCMAKE_BUILD_TYPE=Release",
          f"-DHAKMEM_BENCH_STATIC={HAKMEM_LIBRARY.with_suffix('.a') if linked else ''}"),
         ("cmake", "--build", str(build)))
    return _in_folder(build / "bin", allocators)
