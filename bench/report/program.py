# SPDX-License-Identifier: MIT
"""A whole program as a row, and running one on an allocator."""

import re
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from .measure import Failure, clean_environment, read_result, run_command


@dataclass(frozen=True)
class Program:
    name: str
    needs: tuple       # executables; the row exists where all are installed
    prepare: Callable  # (folder, size) -> what `run` needs; makes the inputs, once
    run: Callable      # (launch, prepared, timeout) -> outcome

    def is_installed(self):
        return all(shutil.which(tool) for tool in self.needs)


def libc_path():
    """The C library this machine runs on."""
    found = re.search(r"\S*/libc(\.so\.6|-[0-9.]+\.so)$", Path("/proc/self/maps").read_text(), re.M)
    return found.group(0) if found else "libc.so.6"


def preload_of(allocator):
    """What to preload. For glibc its own library: a program linked with another
    malloc, as Debian's redis-server is, then runs on glibc's all the same."""
    return allocator.library or libc_path()


@dataclass(frozen=True)
class Launch:
    """Builds the launcher's command line for one run on one allocator."""
    launcher: str
    allocator: object
    folder: Path

    @property
    def json_path(self):
        return self.folder / "run.json"

    @property
    def environment(self):
        """For the launcher, which does the preloading itself."""
        return clean_environment() | self.allocator.settings

    def command(self, program):
        return [self.launcher, "--preload", preload_of(self.allocator), "--json",
                str(self.json_path), "--", *program]

    def outcome(self, done):
        """The launcher's JSON as a row's result, or a Failure."""
        result = read_result(self.json_path)
        if isinstance(result, Failure):
            return done if isinstance(done, Failure) else result
        if result["signal"]:
            return Failure(f"killed by {signal.Signals(result['signal']).name}")
        if isinstance(done, Failure):
            return done
        return result | {"operations": 1, "after_free_rss_bytes": None, "settled_rss_bytes": None}


def run_once(launch, command, timeout):
    """Runs a command from start to end."""
    launch.json_path.unlink(missing_ok=True)
    return launch.outcome(run_command(launch.command(command), launch.environment, timeout,
                                      cwd=launch.folder))
