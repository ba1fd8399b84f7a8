# SPDX-License-Identifier: MIT
"""The source tree as the checks see it: which files there are, and C text
without its comments and strings."""

import os
import re
import subprocess
from pathlib import Path

from .common import UsageError

SKIPPED_FOLDERS = {".git", "build", "out", "__pycache__"}


def root_of(path):
    """The folder that --root names."""
    root = Path(path).resolve()
    if not root.is_dir():
        raise UsageError(f"--root {path}: there is no such folder; name a source tree")
    return root


def tracked(root):
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return []
    return sorted(set(done.stdout.split("\0")) - {""})


def files(root):
    """Paths below `root`, relative to it: what git tracks or would track; where
    git has nothing to say (an unpacked archive), everything but build products."""
    root = Path(root)
    names = tracked(root) if (root / ".git").exists() else []
    if names:
        return [Path(name) for name in names if (root / name).is_file()]
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - SKIPPED_FOLDERS)
        found += [Path(folder, name).relative_to(root) for name in sorted(names)]
    return found


def read(root, path):
    return (Path(root) / path).read_text(encoding="utf-8", errors="replace")


TOKEN = re.compile(r"""//[^\n]* | /\*.*?\*/ | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'""",
                   re.VERBOSE | re.DOTALL)


def without_comments_and_strings(text):
    """Same line numbers; comments blank, strings and characters empty."""

    def blank(match):
        lines = "\n" * match[0].count("\n")
        return match[0][0] * 2 + lines if match[0][0] in "\"'" else " " + lines

    return TOKEN.sub(blank, text)


def top_level_bodies(text):
    """Yields (line number, text of the line, inside a function body?) of C
    text without comments and strings. Preprocessor lines never change the
    nesting, so a macro's braces don't count."""
    depth = 0  # of braces, `extern "C" {` not counted
    body_depth = None  # depth outside the function body that is open
    transparent = []  # depths at which an `extern "C"` brace stands
    head = ""  # since the last ; { } at this level
    continued = False
    for number, line in enumerate(text.split("\n"), 1):
        if continued or line.lstrip().startswith("#"):
            yield number, line, body_depth is not None
            continued = line.rstrip().endswith("\\")
            continue
        yield number, line, body_depth is not None
        for char in line + "\n":
            if char == "{":
                if re.search(r'\bextern\s+""\s*$', head):
                    transparent.append(depth)
                elif body_depth is None and is_function_head(head):
                    body_depth = depth
                depth += 1
                head = ""
            elif char == "}":
                depth -= 1
                if transparent and transparent[-1] == depth:
                    transparent.pop()
                if body_depth == depth:
                    body_depth = None
                head = ""
            elif char == ";":
                head = ""
            else:
                head += char


AGGREGATE = re.compile(r"^\s*(typedef\s+|static\s+|const\s+)*(struct|union|enum|namespace)\b"
                       r"\s*(__attribute__\s*\(\(.*?\)\)|_Alignas\s*\(.*?\)|\w|\s)*$", re.DOTALL)


def is_function_head(head):
    """Does `head`, the text before a `{` outside any body, begin a function?"""
    return "(" in head and "=" not in head and not AGGREGATE.match(head)
