# SPDX-License-Identifier: MIT
"""Runs the checks of the sources, of the built libraries and of the docs.
Exit status: 0 all passed, 1 a check found something, 2 usage."""

import shutil
import subprocess
from pathlib import Path

from . import checks_docs, checks_library, checks_source, common, tree

PROG = "ci/check"

# name -> (check, the part of the tree that it is about)
CHECKS = {
    "include-order": (checks_source.include_order, "src/README.md"),
    "no-if-in-bodies": (checks_source.conditionals_in_bodies, "src"),
    "file-length": (checks_source.file_length, "src"),
    "spdx": (checks_source.spdx, "src"),
    "links": (checks_docs.links, "README.md"),
    "exports": (checks_library.exports, "src/front/exports.txt"),
    "release-clean": (checks_library.release_clean, "src/front/exports.txt"),
    "invariants-doc": (checks_library.invariants_doc, "docs/INVARIANTS.md"),
}
SHOWN = 20


def format_advice(root):
    """How many files clang-format would change; never a failure."""
    if not shutil.which("clang-format"):
        return "clang-format is not installed"
    paths = [path for path in tree.files(root)
             if path.suffix in (".c", ".h", ".cc") and path.parts[0] in checks_source.CODE_FOLDERS]
    changed = 0
    for path in paths:
        done = subprocess.run(["clang-format", "--dry-run", "-Werror", str(path)], cwd=root,
                              capture_output=True, check=False)
        changed += done.returncode != 0
    return f"clang-format would change {changed} of {len(paths)} files"


def run(name, root):
    """Prints a check's outcome; returns whether it passed."""
    check, part = CHECKS[name]
    if not (Path(root) / part).exists():
        print(f"{name}: nothing to check yet, {part} is not there")
        return True
    problems = list(check(root))
    print(f"{name}: {'FAILED' if problems else 'ok'}")
    for problem in problems[:SHOWN]:
        print(f"  {problem}")
    if len(problems) > SHOWN:
        print(f"  and {len(problems) - SHOWN} more")
    return not problems


def main(argv):
    parser = common.Parser(PROG, description=__doc__)
    parser.add_argument("names", nargs="*", metavar="CHECK",
                        help=f"of {', '.join(CHECKS)}, format (default: all; format only advises)")
    parser.add_argument("--root", default=common.ROOT, help="another tree than this one")
    options = parser.parse_args(argv)
    names = options.names or [*CHECKS, "format"]
    for name in names:
        if name not in CHECKS and name != "format":
            parser.error(f"no check '{name}'")
    passed = [run(name, options.root) for name in names if name != "format"]
    if "format" in names:
        print(f"format (advice): {format_advice(options.root)}")
    return common.OK if all(passed) else common.FOUND
