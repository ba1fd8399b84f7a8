# SPDX-License-Identifier: MIT
"""Mutation operators over the lines of one file: each makes one small change
that compiles but should not go unnoticed. What survives shows a line that no
detector watches, or one that could be left out."""

import re
import time
from pathlib import Path

from . import bugbank_build, bugbank_detect, common

# (name, what to look for in a line, what to put there)
OPERATORS = (
    ("weaken-order", r"hak_(load)_acquire\(", r"hak_\1_relaxed("),
    ("weaken-order", r"hak_(store|exchange)_release\(", r"hak_\1_relaxed("),
    ("weaken-order", r"hak_(exchange)_(?:acquire|acq_rel)\(", r"hak_\1_relaxed("),
    ("weaken-order", r"hak_(add)_acq_rel\(", r"hak_\1_relaxed("),
    ("drop-lock", r"^(\s*)hak_lock_(?:acquire|release)\([^;]*\);", r"\1;"),
    ("ignore-failed-cas", r"while \(!(hak_cas_\w+\(.*\))\);", r"while (!\1 && 0);"),
    ("drop-recheck", r"^(\s*)if \(hak_load_relaxed\(.*\) == (?:0|NULL)\) \{", r"\1if (1) {"),
    ("off-by-one", r" < (?!=)(?=[\w(])", " <= "),
    ("off-by-one", r" <= ", " < "),
    ("off-by-one", r" > (?=[\w(])", " >= "),
    ("off-by-one", r" >= ", " > "),
    ("off-by-one", r" \+ 1\b", ""),
    ("off-by-one", r" - 1\b", ""),
    ("reverse-condition", r"\bif \((?!hak_(?:un)?likely)(.*)\) \{$", r"if (!(\1)) {"),
    ("reverse-condition", r" == (?!NULL)", " != "),
    ("halve-or-double", r" / 2\b", ""),
    ("skip-statement", r"^(\s+)[\w.\->\[\]]+ (?:[-+|&]?=) [^;{]*;$", r"\1;"),
    ("skip-statement", r"^(\s+)[\w.\->\[\]]+(?:\+\+|--);$", r"\1;"),
    ("skip-call", r"^(\s+)(?:hak_\w+|mem(?:set|cpy|move))\([^;]*\);$", r"\1;"),
)

# Lines that are not the allocator's behaviour: checks, events, comments.
LEFT_OUT = re.compile(r"^\s*(?:/?\*|//|#|hak_assert|hak_verify|hak_event|return;|static |enum )")


def mutants(text, first, last):
    """(line number, operator, the changed text) of each mutant."""
    lines = text.split("\n")
    for number in range(max(first, 1), min(last, len(lines)) + 1):
        line = lines[number - 1]
        if LEFT_OUT.match(line):
            continue
        made = set()
        for name, pattern, replacement in OPERATORS:
            changed = re.sub(pattern, replacement, line, count=1)
            if changed != line and changed not in made:
                made.add(changed)
                yield number, name, "\n".join([*lines[:number - 1], changed, *lines[number:]])


def _lines(options, text):
    whole = (1, text.count("\n") + 1)
    if not options.lines:
        return whole
    match = re.fullmatch(r"(\d+)-(\d+)", options.lines)
    if not match or int(match[1]) > int(match[2]):
        raise common.UsageError(f"--lines is '{options.lines}'; it takes two line numbers, as 10-42")
    return int(match[1]), int(match[2])


def _try(bench, path, finders, mutant, options):
    """The first finder that notices, or why none could."""
    number, name, text = mutant
    for finder in finders:
        folder = Path(bench.work) / f"mutant-{number}-{abs(hash((name, text))):x}-{finder.words[0]}"
        try:
            bugbank_build.copy_sources(common.ROOT, folder)
            (folder / path).write_text(text, encoding="utf-8")
            finder.build(bench.presets[finder.detector.preset], [path], folder)
            outcome = finder.run(folder, options.seed, options.budget or 2)
            if outcome.status != 0:
                return {"killed_by": finder.key, "seconds": round(outcome.seconds, 2),
                        "message": bugbank_detect.headline(outcome.text)}
        except bugbank_build.BuildError:
            return {"killed_by": "", "message": "does not build"}
        finally:
            bench.remove(folder)
    return {"killed_by": None, "message": "survives"}


def run(options, bench):
    path = options.mutate
    source = common.ROOT / path
    if not path.startswith("src/") or not source.is_file():
        raise common.UsageError(f"--mutate {path}: not a file below src/; give its path from the "
                                "project's root")
    text = source.read_text(encoding="utf-8")
    first, last = _lines(options, text)
    found = list(mutants(text, first, last))
    if not found:
        raise common.UsageError(f"--mutate {path}: no operator fits lines {first} to {last}")
    finders = [bugbank_detect.Finder(words.split()) for words in options.finder or ["stress mixed"]]
    bench.prepare(finders)
    for finder in finders:
        if not bench.is_silent(finder, options.seed):
            raise common.UsageError(f"--finder '{finder.key}' finds something in the sources as "
                                    "they are; mutants need one that finds nothing")
    started, rows, survivors = time.monotonic(), [], 0
    for number, (mutant, row) in enumerate(
            bench.in_order(lambda one: _try(bench, path, finders, one, options), found), 1):
        line, name, changed = mutant
        survivors += row["killed_by"] is None
        rows.append({"line": line, "operator": name, **row})
        verdict = "SURVIVES" if row["killed_by"] is None else row["killed_by"] or "does not build"
        print(f"[{number}/{len(found)}] {path}:{line} {name}: {verdict}: "
              f"{changed.split(chr(10))[line - 1].strip()}", flush=True)
    print(f"{len(found) - survivors} of {len(found)} mutants of {path} noticed, "
          f"{time.monotonic() - started:.0f} s; a survivor is a line that no finder here watches, "
          "or one that means the same", flush=True)
    if options.json:
        common.write_json(options.json, {"program": "ci/bugbank", "file": path, "mutants": rows,
                                         "survivors": survivors})
    return common.FOUND if survivors else common.OK
