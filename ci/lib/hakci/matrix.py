# SPDX-License-Identifier: MIT
"""Builds one cell of the build matrix, COMPILER-PRESET, in a folder of its
own, and runs its unit tests. The cells are the compilers found, each with the
release and the checked preset. Exit status: 0 all passed, 1 the build or a
test failed, 2 usage."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from . import common

PROG = "ci/lib/matrix"
PRESETS = ("release", "checked")
NEWEST = {"gcc": 30, "clang": 40}  # of those that are looked for
PROMISED = {"gcc": (12, 14), "clang": (14, 19)}  # what docs/GATING.md says
CXX = {"gcc": "g++", "clang": "clang++"}


def compilers():
    """The versions that are there with a C++ compiler beside them, as gcc-12."""
    found = []
    for kind, (oldest, _) in PROMISED.items():
        for version in range(oldest, NEWEST[kind] + 1):
            if all(shutil.which(f"{name}-{version}") for name in (kind, CXX[kind])):
                found.append(f"{kind}-{version}")
    return found


def promised():
    return [f"{kind}-{version}" for kind, (first, last) in PROMISED.items()
            for version in range(first, last + 1)]


def print_compilers(path):
    """What the matrix is made of here, and what of the promised it leaves out."""
    found = compilers()
    absent = [name for name in promised() if name not in found]
    print(f"found: {' '.join(found) or 'none'}\nabsent: {' '.join(absent) or 'none'}")
    if path:
        common.write_json(path, {"program": PROG, "found": " ".join(found),
                                 "absent": " ".join(absent) or "none"})
    return common.OK if found else common.FOUND


def cells():
    return [f"{compiler}-{preset}" for compiler in compilers() for preset in PRESETS]


def is_built_anyway(cell):
    """Is it what build/PRESET was built with? Nothing is built twice."""
    compiler, _, preset = cell.rpartition("-")
    try:
        cache = (common.ROOT / "build" / preset / "CMakeCache.txt").read_text(encoding="utf-8")
    except OSError:
        return False
    used = re.search(r"(?m)^CMAKE_C_COMPILER:\w+=(.*)$", cache)
    return bool(used) and os.path.realpath(used[1]) == os.path.realpath(shutil.which(compiler))


def build(cell, jobs):
    """Configures and builds; returns the folder, or None if that failed."""
    kind, version, preset = re.fullmatch(r"(\w+)-(\d+)-(\w+)", cell).groups()
    folder = common.ROOT / "build/matrix" / cell
    for command in (
            ["cmake", "--preset", preset, "-B", str(folder), f"-DCMAKE_C_COMPILER={kind}-{version}",
             f"-DCMAKE_CXX_COMPILER={CXX[kind]}-{version}"],
            ["cmake", "--build", str(folder), "--parallel", str(jobs)]):
        if subprocess.run(command, cwd=common.ROOT, check=False).returncode != 0:
            return None
    return folder


def main(argv):
    parser = common.Parser(PROG, description=__doc__)
    parser.add_argument("cell", nargs="?", help="as gcc-12-checked")
    parser.add_argument("--list", action="store_true", help="name the cells and end")
    parser.add_argument("--compilers", action="store_true",
                        help="say which compilers are found and which are absent, and end")
    parser.add_argument("--json", type=common.output_file, metavar="FILE",
                        help="with --compilers: write that to FILE")
    parser.add_argument("--jobs", type=common.whole_number(1, 1024), default=os.cpu_count())
    parser.add_argument("--junit", type=common.output_file, metavar="FILE",
                        help="CTest's JUnit XML goes to this file")
    options = parser.parse_args(argv)
    if options.json and not options.compilers:
        parser.error("--json goes with --compilers")
    if options.compilers:
        return print_compilers(options.json)
    found = cells()
    if options.list:
        # Where there is no other compiler its own cells say so, twice built.
        print("\n".join([cell for cell in found if not is_built_anyway(cell)] or found))
        return common.OK
    if options.cell is None:
        parser.error(f"name a cell; there are {', '.join(found) or 'none'}")
    if options.cell not in found:
        parser.error(f"'{options.cell}' is no cell here; there are {', '.join(found) or 'none'}")
    common.demand_tools("cmake", "ninja", "ctest")
    folder = build(options.cell, options.jobs)
    if folder is None:
        print(f"{PROG}: the build with {options.cell} failed")
        return common.FOUND
    command = ["ctest", "--test-dir", str(folder), "--output-on-failure", "--no-tests=error",
               "--timeout", "300", "--parallel", str(options.jobs), "--label-regex", "^unit$",
               "--label-exclude", "^slow$"]
    if options.junit:
        command += ["--output-junit", str(Path(options.junit).resolve())]
    done = subprocess.run(command, cwd=common.ROOT, check=False)
    return common.OK if done.returncode == 0 else common.FOUND
