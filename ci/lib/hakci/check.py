# SPDX-License-Identifier: MIT
"""Runs the checks of the sources, of the built libraries and of the docs.
Exit status: 0 all passed, 1 a check found something, 2 usage."""

import re
import shutil
import subprocess
from pathlib import Path

from . import checks_compilers, checks_docs, checks_library, checks_source, common, tree

PROG = "ci/check"

OF_THE_TREE = {
    "include-order": checks_source.include_order,
    "no-if-in-bodies": checks_source.conditionals_in_bodies,
    "file-length": checks_source.file_length,
    "field-tags": checks_source.field_tags,
    "spdx": checks_source.spdx,
    "links": checks_docs.links,
    "warnings": checks_compilers.warnings,
}
OF_THE_BUILDS = {
    "exports-release": checks_library.exports_release,
    "exports-checked": checks_library.exports_checked,
    "release-clean": checks_library.release_clean,
    "invariants-doc": checks_library.invariants_doc,
}
CHECKS = {**OF_THE_TREE, **OF_THE_BUILDS}
GROUPS = {"sources": [*OF_THE_TREE], "builds": [*OF_THE_BUILDS]}
SHOWN = 20


def format_advice(root):
    """How many files clang-format would change; never a failure."""
    if not shutil.which("clang-format"):
        return "clang-format is not installed"
    paths = [path for path in tree.files(root)
             if path.suffix in (".c", ".h", ".cc") and path.parts[0] in checks_source.CODE_FOLDERS]
    done = subprocess.run(["clang-format", "--dry-run", *map(str, paths)], cwd=root,
                          capture_output=True, text=True, check=False)
    changed = set(re.findall(r"(?m)^([^\s:]+):\d+:\d+: warning: ", done.stderr))
    return f"clang-format would change {len(changed)} of {len(paths)} files"


def run(name, root, builds):
    """Prints a check's outcome; returns whether it passed."""
    if name in OF_THE_TREE:
        problems = list(OF_THE_TREE[name](root))
    else:
        problems = list(OF_THE_BUILDS[name](root, builds))
    print(f"{name}: {'FAILED' if problems else 'ok'}")
    for problem in problems[:SHOWN]:
        print(f"  {problem}")
    if len(problems) > SHOWN:
        print(f"  and {len(problems) - SHOWN} more")
    return not problems


def main(argv):
    parser = common.Parser(PROG, description=__doc__)
    parser.add_argument("names", nargs="*", metavar="CHECK",
                        help=f"of {', '.join(CHECKS)}, format, or the groups sources and builds "
                        "(default: all; format only advises)")
    parser.add_argument("--root", default=common.ROOT, help="another tree than this one")
    for preset in ("release", "checked"):
        parser.add_argument(f"--{preset}", metavar="DIR",
                            help=f"its build folder (default build/{preset})")
    options = parser.parse_args(argv)
    root = tree.root_of(options.root)
    if not tree.files(root):
        raise common.UsageError(f"--root {root} has no file in it; name a source tree")
    builds = {preset: Path(getattr(options, preset) or root / "build" / preset)
              for preset in ("release", "checked")}
    names = [name for given in options.names or [*CHECKS, "format"]
             for name in GROUPS.get(given, [given])]
    for name in names:
        if name not in CHECKS and name != "format":
            parser.error(f"no check '{name}'")
    passed = [run(name, root, builds) for name in names if name != "format"]
    if "format" in names:
        print(f"format (advice): {format_advice(root)}")
    return common.OK if all(passed) else common.FOUND
