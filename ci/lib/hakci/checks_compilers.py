# SPDX-License-Identifier: MIT
"""The check that the allocator compiles without a warning as each compiler sees
it, with the checks and without: a variable that only a check reads is one that a
release build does not use."""

import re
import shutil
import subprocess

from . import tree

COMPILERS = ("gcc", "clang")
LEVELS = (0, 3)
SHOWN_A_COMPILER = 5


def warning_flags(root):
    """What cmake/Flags.cmake asks of every C file."""
    return sorted(set(re.findall(r"(?<![\w-])-W[a-z][a-z-]*", tree.read(root, "cmake/Flags.cmake"))))


def warnings(root):
    """src/ compiles without a warning, release and checked, with gcc and clang."""
    sources = [str(path) for path in tree.files(root)
               if path.parts[0] == "src" and path.suffix == ".c"]
    if not sources:
        return
    flags = warning_flags(root)
    for compiler in COMPILERS:
        if not shutil.which(compiler):
            yield f"{compiler} is not installed: run ci/setup"
            continue
        for level in LEVELS:
            command = [compiler, "-fsyntax-only", "-std=gnu11", "-O2", "-D_GNU_SOURCE",
                       f"-DHAK_CHECK_LEVEL={level}", "-Iinclude", "-Isrc", "-Werror",
                       *flags, *sources]
            done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
            found = re.findall(r"(?m)^.*\b(?:error|fatal error): .*$", done.stderr)
            for line in found[:SHOWN_A_COMPILER]:
                yield f"{compiler}, check level {level}: {line}"
            if done.returncode != 0 and not found:
                yield f"{compiler}, check level {level}: exit status {done.returncode}"
