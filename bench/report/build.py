# SPDX-License-Identifier: MIT
"""Finds or builds hakmem-bench, and hakmem's library when it is measured."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from hakci.common import ROOT, UsageError

from .allocators import HAKMEM_LIBRARY


@dataclass(frozen=True)
class Programs:
    """The two programs that do the measuring."""
    bench: str
    launcher: str


def _run(*commands):
    for command in commands:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if done.returncode != 0:
            last = (done.stdout + done.stderr).strip().splitlines()[-1:] or ["no output"]
            raise UsageError(f"'{' '.join(command)}' failed: {last[0]}; run it to see why")


def _in_folder(folder):
    bench, launcher = Path(folder) / "hakmem-bench", Path(folder) / "hakmem-bench-program"
    for path in (bench, launcher):
        if not path.is_file():
            raise UsageError(f"no {path}; build it, or leave out --bench-dir")
    return Programs(str(bench), str(launcher))


def ensure(with_hakmem, bench_folder=None):
    """Builds what is absent. Without hakmem the benchmark builds alone."""
    if with_hakmem and not HAKMEM_LIBRARY.exists():
        _run(("cmake", "--preset", "release"), ("cmake", "--build", "--preset", "release"))
    if bench_folder is not None:
        return _in_folder(bench_folder)
    # Its own folder, rebuilt every time (a no-op mostly): what is measured is
    # the tree as it stands, and each allocator gets the same program.
    build = ROOT / "build/bench"
    _run(("cmake", "-S", "bench", "-B", str(build), "-G", "Ninja",
          "-DCMAKE_BUILD_TYPE=Release"), ("cmake", "--build", str(build)))
    return _in_folder(build / "bin")
