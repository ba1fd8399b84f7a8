# SPDX-License-Identifier: MIT
"""What every ci/ command shares: where the tree is, one-line errors with
exit status 2, files that are never seen half-written."""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

OK, FOUND, USAGE = 0, 1, 2


class UsageError(Exception):
    """Bad input or a missing tool: one line, exit status 2."""


class Parser(argparse.ArgumentParser):
    """argparse, but an error is one line that says what to do."""

    def __init__(self, prog, **options):
        super().__init__(prog=prog, allow_abbrev=False, **options)

    def error(self, message):
        print(f"{self.prog}: {message}; see {self.prog} --help", file=sys.stderr)
        sys.exit(USAGE)


def whole_number(low, high):
    """An argparse type: a decimal whole number in low..high."""

    def parse(text):
        if not re.fullmatch(r"[0-9]+", text) or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(
                f"'{text}' is not a whole number from {low} to {high}")
        return int(text)

    return parse


def _interrupt(_number, _frame):
    raise KeyboardInterrupt


def run_main(prog, main):
    """Runs main(argv) and turns its errors into messages and exit statuses."""
    # A command that is told to end ends what it started, as on an interrupt:
    # that runs in sessions of its own and would go on otherwise.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        sys.exit(main(sys.argv[1:]))
    except UsageError as error:
        print(f"{prog}: {error}", file=sys.stderr)
        sys.exit(USAGE)
    except KeyboardInterrupt:
        print(f"{prog}: interrupted", file=sys.stderr)
        sys.exit(130)


def write_atomically(path, text):
    """Writes to a temporary name beside `path`, then renames."""
    path = Path(path)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def write_json(path, value):
    write_atomically(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def output_of(*command, cwd=ROOT):
    """A command's standard output, stripped; "" if it fails or is missing."""
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True,
                              timeout=60)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def set_up(*groups):
    """Runs ci/setup; its messages and its exit status 2 are the command's own."""
    command = [str(ROOT / "ci/setup")]
    for group in groups:
        command += ["--for", group]
    if subprocess.run(command, check=False).returncode != 0:
        sys.exit(USAGE)


def prepare_out_dir(path, marker):
    """Makes `path` ready to be written to. A folder that has files in it is
    used again only if it holds `marker`, i.e. an earlier run's result: a
    mistyped --out must not bury somebody's files among logs."""
    path = Path(path).resolve()
    if path.exists() and not path.is_dir():
        raise UsageError(f"--out {path} is a file; name a folder")
    if path.is_dir() and any(path.iterdir()) and not (path / marker).exists():
        raise UsageError(f"--out {path} has other files in it; name an empty or a new folder")
    try:
        (path / "logs").mkdir(parents=True, exist_ok=True)
        # From here on the folder is ours, and an old verdict can't be taken for a new one.
        write_json(path / marker, {"verdict": "unfinished"})
    except OSError as error:
        raise UsageError(f"--out {path}: {error.strerror}; name a folder that can be "
                         "written to") from error
    for log in (path / "logs").iterdir():
        if log.is_file():
            log.unlink()
    return path
