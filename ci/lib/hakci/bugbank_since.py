# SPDX-License-Identifier: MIT
"""The lines of src/ that a change touched, from git: what `ci/bugbank
--mutate-since` mutates."""

import re
import subprocess

from . import common

HUNK = re.compile(r"^@@ -\S+ \+(\d+)(?:,(\d+))? @@")
FILE = re.compile(r"^\+\+\+ b/(src/\S+\.[ch])$")


def _git(root, *arguments):
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True,
                              text=True, errors="replace", check=False, timeout=60)
    except FileNotFoundError as error:
        raise common.UsageError("--mutate-since needs git; install it, or name the lines: "
                                "--mutate FILE --lines A-B") from error
    return done.returncode, done.stdout


def parse(diff):
    """{path: its lines that are new or changed} of a diff without context."""
    changed, path = {}, None
    for line in diff.split("\n"):
        if line.startswith("+++ "):
            found = FILE.match(line)
            path = found[1] if found else None
        elif path and (hunk := HUNK.match(line)):
            first, count = int(hunk[1]), int(hunk[2] or 1)
            changed.setdefault(path, set()).update(range(first, first + count))
    return {path: lines for path, lines in changed.items() if lines}


def changed_lines(revision, root=common.ROOT):
    """{path: lines} of src/*.[ch] as they differ from `revision`."""
    if _git(root, "rev-parse", "--git-dir")[0] != 0:
        raise common.UsageError("--mutate-since: this tree is not a git clone; name the lines: "
                                "--mutate FILE --lines A-B")
    status, _ = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options",
                     revision + "^{commit}")
    if status != 0:
        raise common.UsageError(f"--mutate-since: '{revision}' is no revision of this clone; "
                                "git log names them, and a shallow clone lacks the older ones")
    status, diff = _git(root, "diff", "--unified=0", "--no-color", "--no-ext-diff",
                        "--src-prefix=a/", "--dst-prefix=b/", "--relative", revision, "--", "src")
    if status != 0:
        raise common.UsageError(f"--mutate-since: git cannot compare this tree with '{revision}'")
    return parse(diff)
