# SPDX-License-Identifier: MIT
"""Checks of what was built. Each takes the tree's root and its build folders,
{"release": path, "checked": path}, and yields problems."""

import difflib
import re
import subprocess
from pathlib import Path

from .common import demand_tools

EXPORTS = "src/front/exports.txt"
CATALOGUE = "src/base/invariants.def"
RELEASE = ("lib/libhakmem.so", "lib/libhakmem.a")
SHARED = {"release": "lib/libhakmem.so", "checked": "lib/libhakmem-checked.so"}
CHECK_SYMBOL = re.compile(
    r"_is_valid|_verify\b|hak_check_(?!level\b)|hak_guard|hak_invariant|hak_event_ring|hak_pause|hak_slab_map")
SHORTEST_TEXT = 8  # characters; a shorter text would be found by chance


def output(*command):
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    return done.stdout if done.returncode == 0 else None


def defined_symbols(library, dynamic):
    demand_tools("nm")
    text = output("nm", *(["-D"] if dynamic else []), "--defined-only", "--no-sort",
                  "--format=posix", str(library))
    if text is None:
        return None
    names = (line.split()[0] for line in text.split("\n") if line and not line.endswith(":"))
    return {name.split("@")[0] for name in names}


def exports(root, builds, preset):
    """The library exports what src/front/exports.txt lists, and nothing else."""
    name = builds[preset] / SHARED[preset]
    try:
        lines = (Path(root) / EXPORTS).read_text(encoding="utf-8").split("\n")
    except OSError:
        yield f"{EXPORTS} is not there; it lists the exported symbols, one a line"
        return
    wanted = {line.split("#")[0].strip() for line in lines} - {""}
    if not wanted:
        yield f"{EXPORTS} lists no symbol"
        return
    found = defined_symbols(name, dynamic=True)
    if found is None:
        yield f"{name} is not built; run ci/build {preset}"
        return
    for symbol in sorted(found - wanted):
        yield f"{name} exports {symbol}, which is not in {EXPORTS}"
    for symbol in sorted(wanted - found):
        yield f"{name} does not export {symbol}, which is in {EXPORTS}"


def exports_release(root, builds):
    yield from exports(root, builds, "release")


def exports_checked(root, builds):
    yield from exports(root, builds, "checked")


ROW = re.compile(r'HAK_INVARIANT\(\s*(\w+)\s*,\s*((?:\s*,?\s*"(?:\\.|[^"\\])*")+)\s*\)')
STRING = re.compile(r'"((?:\\.|[^"\\])*)"')


def catalogue_texts(text):
    """{ID: its texts that no release library may hold} from invariants.def.
    Of the strings, `module` and `when` are words too common to look for."""
    rows = {}
    for identifier, strings in ROW.findall(text):
        equation, meaning = STRING.findall(strings)[2:4]
        rows[identifier] = [identifier, equation, meaning]
    return rows


def release_clean(root, builds):
    """The release library has no check in it: no symbol and no text."""
    demand_tools("nm", "strings")
    try:
        rows = catalogue_texts((Path(root) / CATALOGUE).read_text(encoding="utf-8"))
    except OSError:
        rows = {}
    if not rows:
        yield f"{CATALOGUE}: no HAK_INVARIANT row found"
        return
    for name in RELEASE:
        library = builds["release"] / name
        symbols = defined_symbols(library, dynamic=False)
        texts = output("strings", "-a", "-n", str(SHORTEST_TEXT), str(library))
        if symbols is None or texts is None:
            yield f"{library} is not built; run ci/build release"
            continue
        for symbol in sorted(filter(CHECK_SYMBOL.search, symbols)):
            yield f"{name} defines the check symbol {symbol}"
        for identifier, looked_for in rows.items():
            for text in looked_for:
                if len(text) >= SHORTEST_TEXT and re.search(
                        rf"(?<!\w)(HAK_INV_)?{re.escape(text)}(?!\w)", texts):
                    yield f"{name} holds a text of invariant {identifier}: {text!r}"


def invariants_doc(root, builds):
    """docs/INVARIANTS.md is what bin/hakmem-invariants prints today."""
    root = Path(root)
    program = builds["checked"] / "bin/hakmem-invariants"
    fresh = output(str(program)) if program.exists() else None
    if not fresh:
        yield f"{program} is not built or fails; run ci/build checked"
        return
    try:
        kept = (root / "docs/INVARIANTS.md").read_text(encoding="utf-8")
    except OSError:
        kept = ""
    if kept != fresh:
        changed = [line for line in difflib.unified_diff(kept.split("\n"), fresh.split("\n"), n=0)
                   if line[0] in "+-" and not line.startswith(("+++", "---"))]
        yield (f"docs/INVARIANTS.md is stale ({len(changed)} lines differ, the first: "
               f"{changed[0][:80]!r}); run "
               "build/checked/bin/hakmem-invariants > docs/INVARIANTS.md")
