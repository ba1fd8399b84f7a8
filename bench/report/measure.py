# SPDX-License-Identifier: MIT
"""One run of one row on one allocator, in a process of its own.

Whatever goes wrong comes back as a Failure with its reason: a crash, a
timeout, an allocator that wasn't loaded. Nothing is tried twice.
"""

import json
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Failure:
    reason: str


def clean_environment(allocator=None):
    """This process's environment without what would change an allocator."""
    ignored = ("LD_PRELOAD", "GLIBC_TUNABLES", "PYTHONMALLOC")
    prefixes = ("MALLOC_", "MIMALLOC_", "JEMALLOC_", "TCMALLOC_")
    environment = {name: value for name, value in os.environ.items()
                   if name not in ignored and not name.startswith(prefixes)}
    if allocator is not None:
        environment |= allocator.settings
        if allocator.library is not None:
            environment["LD_PRELOAD"] = allocator.library
    return environment


def _signal_name(number):
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def reason_for(returncode, stderr):
    """Why a run failed, in one line, or None if it didn't."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    for line in lines:
        if "cannot be preloaded" in line:
            return "the library could not be preloaded"
    if returncode == 0:
        return None
    said = f": {lines[-1]}" if lines else ""
    if returncode < 0:
        return f"killed by {_signal_name(-returncode)}{said}"
    return f"exit status {returncode}{said}"


def kill_group(process):
    """Kills a process and all it started; it may have just ended by itself."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def run_command(command, environment, timeout, cwd=None):
    """(stdout, stderr) or a Failure. Its whole process group dies on a timeout."""
    process = subprocess.Popen(command, env=environment, cwd=cwd, text=True, errors="replace",
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, start_new_session=True)
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        kill_group(process)
        process.communicate()
        return Failure(f"no end after {timeout:.0f} s")
    except BaseException:
        kill_group(process)
        process.wait()
        raise
    reason = reason_for(process.returncode, err)
    return (out, err) if reason is None else Failure(reason)


def read_result(path):
    """The JSON a run wrote, or a Failure."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return Failure(f"no result: {error}")


def run_workload(programs, row, allocator, budget, seed, folder, timeout):
    """hakmem-bench's JSON, or a Failure. `budget` is ["--operations", N] or alike."""
    path = Path(folder) / "run.json"
    path.unlink(missing_ok=True)
    command = [programs.bench_of(allocator), row.name, "--threads", str(row.threads), "--seed", str(seed),
               "--json", str(path), *map(str, budget)]
    done = run_command(command, clean_environment(allocator), timeout)
    if isinstance(done, Failure):
        return done
    result = read_result(path)
    if isinstance(result, Failure):
        return result
    if not allocator.is_what_ran(result["malloc_library"]):
        return Failure(f"malloc came from {result['malloc_library']}")
    return result
