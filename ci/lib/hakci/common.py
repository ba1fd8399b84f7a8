# SPDX-License-Identifier: MIT
"""What every ci/ command shares: where the tree is, one-line errors with
exit status 2, files that are never seen half-written."""

import argparse
import errno
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

OK, FOUND, USAGE = 0, 1, 2
INTERRUPTED, READER_GONE = 130, 141  # as a shell says it of SIGINT and SIGPIPE


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


def demand_tools(*names, group=""):
    """Ends the command where a program that it calls is missing."""
    missing = [name for name in names if shutil.which(name) is None]
    if missing:
        raise UsageError(f"{', '.join(missing)} {'are' if len(missing) > 1 else 'is'} missing; "
                         f"run ci/setup{group and ' --for ' + group}")


def describe(error):
    """An OSError in a line that says what it is about."""
    name = error.filename2 or error.filename
    if name is None and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO):
        return f"cannot write the output: {error.strerror}; send it elsewhere"
    if name is None:
        return f"the system refused: {error.strerror}; mend that and run it again"
    if "_execute_child" in (frame.name for frame in traceback.extract_tb(error.__traceback__)):
        return f"cannot run {name}: {error.strerror}; run ci/setup if it is missing"
    return f"{name}: {error.strerror}; it must be there, with room and the rights to use it"


def _complain(prog, text):
    try:
        print(f"{prog}: {text}", file=sys.stderr)
    except OSError:
        pass  # nobody reads it


def _flush():
    if sys.stdout is not None:
        sys.stdout.flush()


def _call(main):
    """main's exit status, its output written: at the interpreter's end, an error
    would be nobody's."""
    try:
        status = main(sys.argv[1:])
    except SystemExit as end:
        status = end.code
    _flush()
    return status


def _status_of(prog, main):
    """main's exit status; its errors become messages and exit statuses."""
    try:
        return _call(main)
    except UsageError as error:
        _complain(prog, error)
        return USAGE
    except KeyboardInterrupt:
        _complain(prog, "interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        return READER_GONE
    except OSError as error:
        _complain(prog, describe(error))
        return USAGE


def run_main(prog, main):
    """Runs main(argv) and ends the process with its exit status."""
    # A command that is told to end ends what it started, as on an interrupt:
    # that runs in sessions of its own and would go on otherwise.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    status = _status_of(prog, main)
    try:
        _flush()
    except OSError:  # what could not be written has been said; it is not tried again
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(status)


def _status_of_file(path):
    """What stands at `path`, links followed; None if nothing does."""
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _is_standard_output(found):
    try:
        return os.path.samestat(found, os.fstat(1))
    except OSError:
        return False


def _is_written_in_place(found):
    """A device or a pipe, which a rename would replace; and what is standard
    output as well, whose earlier lines it would lose."""
    return not stat.S_ISREG(found.st_mode) or _is_standard_output(found)


def _write_in_place(path, text, found):
    if _is_standard_output(found):
        print(text, end="", flush=True)
        return
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def write_atomically(path, text):
    """Writes to a temporary name beside the file that `path` leads to, then
    renames; an error names `path`."""
    try:
        found = _status_of_file(path)
        if found and _is_written_in_place(found):
            _write_in_place(path, text, found)
            return
        target = os.path.realpath(path)
        descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(target),
                                                 prefix=f".{os.path.basename(target)}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(temporary, 0o644)
            os.replace(temporary, target)
        except BaseException:
            os.unlink(temporary)
            raise
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def why_unwritable(path):
    """Why write_atomically() could not write there; "" if it can. To be known
    before the work whose result goes there, not after it."""
    try:
        found = _status_of_file(path)
        folder = os.path.dirname(os.path.realpath(path))
        if found and stat.S_ISDIR(found.st_mode):
            return f"{path} is a folder; name a file"
        if found and _is_written_in_place(found):
            return "" if os.access(path, os.W_OK) else f"{path} cannot be written; name another file"
        if not os.path.isdir(folder):
            return f"{path}: there is no folder {folder}; make it or name another file"
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        return f"{path} cannot be made: {error.strerror}; name another file"
    return ""


def output_file(text):
    """An argparse type: a file that can be written."""
    why = why_unwritable(text)
    if why:
        raise argparse.ArgumentTypeError(why)
    return Path(text)


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


def demand_regex(option, pattern):
    """Ends the command if CMake, whose own regular expressions CTest takes,
    cannot read this one; None and "" are none."""
    if not pattern:
        return
    with tempfile.NamedTemporaryFile("w", suffix=".cmake") as script:
        script.write('string(REGEX MATCH "${PATTERN}" found "")\n')
        script.flush()
        if subprocess.run(["cmake", f"-DPATTERN={pattern}", "-P", script.name],
                          capture_output=True, check=False).returncode != 0:
            raise UsageError(f"{option} '{pattern}' is not a regular expression; CMake's "
                             "documentation of string(REGEX) says what is")


def set_up(*groups):
    """Runs ci/setup; its messages and its exit status 2 are the command's own."""
    command = [str(ROOT / "ci/setup")]
    for group in groups:
        command += ["--for", group]
    if subprocess.run(command, check=False).returncode != 0:
        sys.exit(USAGE)


def make_folder(option, path):
    """The folder that an option names: made if absent, and one can write there."""
    path = Path(path).resolve()
    if path.exists() and not path.is_dir():
        raise UsageError(f"{option} {path} is a file; name a folder")
    try:
        path.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path).close()
    except OSError as error:
        raise UsageError(f"{option} {path}: {error.strerror}; name a folder that can be "
                         "written to") from error
    return path


def own_folder(path, marker):
    """--out's folder, to be written to. One that has files in it is used
    again only if it holds `marker`, i.e. an earlier run's result: a mistyped
    --out must not bury somebody's files."""
    path = Path(path).resolve()
    try:
        is_others = path.is_dir() and any(path.iterdir()) and not (path / marker).exists()
    except OSError as error:
        raise UsageError(f"--out {path}: {error.strerror}; name another folder") from error
    if is_others:
        raise UsageError(f"--out {path} has other files in it; name an empty or a new folder")
    return make_folder("--out", path)


def prepare_out_dir(path, marker):
    """own_folder() with an empty logs/ in it."""
    path = own_folder(path, marker)
    make_folder("--out", path / "logs")
    # From here on the folder is ours, and an old verdict can't be taken for a new one.
    write_json(path / marker, {"verdict": "unfinished"})
    for log in (path / "logs").iterdir():
        if log.is_file():
            log.unlink()
    return path


def is_configured(folder):
    """Did CMake write all that Ninja needs? A configuration that failed leaves
    a cache behind, and with it the compiler that was not found."""
    return all((Path(folder) / name).exists()
               for name in ("build.ninja", "CMakeFiles/rules.ninja"))


def configure(preset, folder):
    """CMake's command for a preset: from nothing where an earlier one failed."""
    return ["cmake", *([] if is_configured(folder) else ["--fresh"]), "--preset", preset]
