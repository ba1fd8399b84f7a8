# SPDX-License-Identifier: MIT
"""Runs the commands that README.md and the docs tell people to run.

Every ```sh fence says what is to be done with it:

    ```sh run                  run it as it stands; it must end with status 0
    ```sh run exit=1           ... with this status
    ```sh run out=TEXT         ... and TEXT (no spaces) must be in its output
    ```sh not-run=REASON       not run, and why (no spaces: use dashes)

The fences of a page run in order, each by `sh -eu` in the tree's root. No command
escapes by omission: a sh fence that says nothing is an error, and so is a fence
without a language (output is ```text) or with another name for sh.
Exit status: 0 all did as they should, 1 one did not, 2 usage."""

import os
import re
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from . import common, tree
from .runner import end_group

PROG = "ci/readme-commands"
LIMIT_S = 600
MARK = re.compile(r"^( *)(```+|~~~+)([^`]*)$")  # the line that begins or ends a fence
OTHER_NAMES_OF_SH = ("bash", "console", "shell", "shell-session", "terminal", "zsh")


class FenceError(Exception):
    """A fence whose first line cannot be understood."""


@dataclass(frozen=True)
class Fence:
    page: Path
    line: int
    script: str
    skipped: str = ""  # why it is not run
    exit_status: int = 0
    expected: str = ""  # must be in the output


def fence_of(page, line, words, script):
    options = dict(word.split("=", 1) for word in words if "=" in word)
    plain = [word for word in words if "=" not in word]
    if plain == [] and set(options) == {"not-run"} and options["not-run"]:
        return Fence(page, line, script, skipped=options["not-run"])
    if plain != ["run"] or not set(options) <= {"exit", "out"}:
        raise FenceError(f"{page}:{line}: write ```sh run, or ```sh not-run=REASON")
    if not options.get("exit", "0").isdigit():
        raise FenceError(f"{page}:{line}: exit={options['exit']} is not an exit status")
    return Fence(page, line, script, exit_status=int(options.get("exit", "0")),
                 expected=options.get("out", ""))


def blocks_of(page, text):
    """(line, words behind the mark, contents) of every fence, whatever its language."""
    opened = None
    for number, line in enumerate(text.splitlines(), 1):
        match = MARK.match(line)
        if opened is None:
            if match:
                opened, contents = (number, match), []
        elif match and match[2].startswith(opened[1][2]) and not match[3].strip():
            yield opened[0], opened[1][3].split(), "".join(contents)
            opened = None
        else:
            indent = len(opened[1][1])
            contents.append((line[indent:] if line[:indent].isspace() else line) + "\n")
    if opened is not None:
        raise FenceError(f"{page}:{opened[0]}: this fence does not end")


def fences_in(page, text, errors):
    """The sh fences of a page; what is wrong with others goes to `errors`."""
    try:
        for line, words, contents in blocks_of(page, text):
            try:
                if not words:
                    raise FenceError(f"{page}:{line}: a fence without a language: write ```text, "
                                     "or ```sh run for commands")
                if words[0] in OTHER_NAMES_OF_SH:
                    raise FenceError(f"{page}:{line}: write ```sh, not ```{words[0]}")
                if words[0] == "sh":
                    yield fence_of(page, line, words[1:], contents)
            except FenceError as error:
                errors.append(str(error))
    except FenceError as error:
        errors.append(str(error))


def fences_of(root, pages):
    """All sh fences of the pages, and what is wrong with the marks of others."""
    errors = []
    fences = [fence for page in pages
              for fence in fences_in(page, tree.read(root, page), errors)]
    return fences, errors


def run_fence(fence, root, limit_s):
    """Returns (reason it failed or "", output)."""
    # To a file: a command may leave something running that holds its output.
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as file:
        process = subprocess.Popen(["sh", "-eu", "-c", fence.script], cwd=root,
                                   stdin=subprocess.DEVNULL, stdout=file,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        try:
            status = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            end_group(process)
            return f"still running after {limit_s} s", ""
        except BaseException:
            end_group(process)
            raise
        file.seek(0)
        output = file.read()
    if status != fence.exit_status:
        return f"exit status {status}, not {fence.exit_status}", output
    if fence.expected not in output:
        return f"'{fence.expected}' is not in its output", output
    return "", output


def main(argv):
    parser = common.Parser(PROG, description=__doc__.split("\n\n")[0],
                           epilog="How fences are marked: ci/README.md.")
    parser.add_argument("pages", nargs="*", help="default: every page of the tree")
    parser.add_argument("--list", action="store_true", help="print the commands; run none")
    parser.add_argument("--root", default=common.ROOT, help="another tree than this one")
    parser.add_argument("--limit", type=common.whole_number(1, 86400), default=LIMIT_S,
                        metavar="SECONDS", help=f"of each fence (default {LIMIT_S})")
    options = parser.parse_args(argv)
    root = tree.root_of(options.root)
    pages = [Path(page) for page in options.pages] or [
        path for path in tree.files(root) if path.suffix == ".md"]
    os.chdir(root)
    try:
        fences, errors = fences_of(root, pages)
    except OSError as error:
        raise common.UsageError(f"cannot read {error.filename}: {error.strerror}") from error
    if errors:
        print("\n".join(errors))
        return common.FOUND
    failed = sum(not handle(fence, root, options) for fence in fences)
    ran = sum(not fence.skipped for fence in fences)
    if not options.list:
        print(f"{'FAIL' if failed else 'PASS'}: {ran - failed} of {ran} ran as they should, "
              f"{len(fences) - ran} not run")
    return common.FOUND if failed else common.OK


def handle(fence, root, options):
    """Runs or lists a fence; returns whether all is well."""
    where = f"{fence.page}:{fence.line}"
    first = fence.script.strip().split("\n")[0]
    if options.list or fence.skipped:
        print(f"{where}: {'not run (' + fence.skipped + ')' if fence.skipped else 'run'}: {first}")
        return True
    print(f"{where}: {first} ... ", end="", flush=True)
    start = time.monotonic()
    reason, output = run_fence(fence, root, options.limit)
    print(f"{reason and 'FAILED: ' + reason or 'ok'} ({time.monotonic() - start:.1f} s)")
    if reason:
        print("".join(f"    {line}\n" for line in output.splitlines()[-20:]), end="", flush=True)
    return not reason
