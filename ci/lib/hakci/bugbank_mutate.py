# SPDX-License-Identifier: MIT
"""Mutants of the lines of one file, or of those that a change touched: what
survives shows a line that no detector watches, or one that could be left out."""

import random
import re
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from . import bugbank_build, bugbank_detect, bugbank_since, common
from .bugbank_operators import mutants

LOOK_S = 2  # how long each finder looks at a mutant

# Who looks at a change of each folder of src/, unless --finder says it. First what
# is quick; `stress mixed` at the end of each.
WATCH = {
    "base": ("unit unit_base", "stress remote", "hunt remote-refill"),
    "os": ("unit unit_os", "stress big"),
    "region": ("unit unit_region", "hunt region-two-level"),
    "meta": ("unit unit_meta",),
    "superslab": ("unit unit_superslab", "stress expand", "stress remote", "hunt remote-refill",
                  "hunt first-pending"),
    "l25": ("unit unit_l25", "stress l25", "hunt l25-grow"),
    "big": ("unit unit_big", "stress big", "hunt big-cache"),
    "tcache": ("unit unit_tcache", "stress shrink", "corpus adaptive"),
    "heap": ("unit unit_heap", "stress churn", "hunt two-adopters", "hunt first-use"),
    "check": ("unit unit_check", "misuse *", "corpus api"),
    "front": ("unit unit_check", "stress realloc", "corpus api"),
}
ALWAYS = "stress mixed"


@dataclass(frozen=True)
class Mutant:
    path: str
    line: int
    operator: str
    text: str  # of the whole file

    @property
    def shown(self):
        return self.text.split("\n")[self.line - 1].strip()


def finders_for(path, options):
    """Who looks at a mutant of the file."""
    folder = path.split("/")[1]
    words = options.finder or [*WATCH.get(folder, ()), ALWAYS]
    finders = [bugbank_detect.Finder(word.split()) for word in words]
    return [finder for finder in finders if finder.detector.is_here]


def _of_lines(options):
    """The mutants of --mutate FILE --lines A-B."""
    path = options.mutate
    source = common.ROOT / path
    if not path.startswith("src/") or not source.is_file():
        raise common.UsageError(f"--mutate {path}: not a file below src/; give its path from the "
                                "project's root")
    text = source.read_text(encoding="utf-8")
    first, last = 1, text.count("\n") + 1
    if options.lines:
        match = re.fullmatch(r"(\d+)-(\d+)", options.lines)
        if not match or int(match[1]) > int(match[2]):
            raise common.UsageError(f"--lines is '{options.lines}'; it takes two line numbers, "
                                    "as 10-42")
        first, last = int(match[1]), int(match[2])
    found = [Mutant(path, *mutant) for mutant in mutants(text, range(first, last + 1))]
    if not found:
        raise common.UsageError(f"--mutate {path}: no operator fits lines {first} to {last}")
    return found


def _of_change(options):
    """The mutants of --mutate-since REV, in an order that the seed decides: when the
    time is up, those that were tried are a fair sample."""
    found = []
    for path, lines in sorted(bugbank_since.changed_lines(options.mutate_since).items()):
        text = (common.ROOT / path).read_text(encoding="utf-8")
        found += [Mutant(path, *mutant) for mutant in mutants(text, lines)]
    random.Random(options.seed).shuffle(found)
    return found


def _noticed_by(bench, finder, mutant, folder, made, options):
    """The row if this finder notices, else None."""
    finder.build(bench.presets[finder.detector.preset], [mutant.path], folder, made)
    outcome = finder.run(folder, options.seed, options.budget or LOOK_S)
    return None if outcome.status == 0 else {
        "killed_by": finder.key, "seconds": round(outcome.seconds, 2),
        "message": bugbank_detect.headline(outcome.text)}


def _try(bench, mutant, options, ends_at):
    """The first finder that notices, or why none could."""
    if time.monotonic() > ends_at:
        return {"killed_by": "", "message": "not tried"}
    folder = Path(tempfile.mkdtemp(dir=bench.work, prefix="mutant."))
    is_watched, made = False, {}
    try:
        bugbank_build.copy_sources(common.ROOT, folder)
        (folder / mutant.path).write_text(mutant.text, encoding="utf-8")
        for finder in finders_for(mutant.path, options):
            try:
                row = _noticed_by(bench, finder, mutant, folder, made, options)
            except bugbank_build.NotInProgram:
                continue
            if row:
                return row
            is_watched = True
    except bugbank_build.BuildError:
        return {"killed_by": "", "message": "does not build"}
    finally:
        bench.remove(folder)
    return {"killed_by": None, "message": "survives"} if is_watched else \
        {"killed_by": "", "message": "in no finder's program"}


def _prepare(bench, found, options):
    finders = {finder.key: finder for mutant in found
               for finder in finders_for(mutant.path, options)}
    if not finders:
        raise common.UsageError("none of the finders is on this kind of machine")
    bench.prepare(finders.values())
    for finder in finders.values():
        if not bench.is_silent(finder, options.seed):
            raise common.UsageError(f"--finder '{finder.key}' finds something in the sources as "
                                    "they are; mutants need one that finds nothing")


def _show(number, count, mutant, row):
    verdict = "SURVIVES" if row["killed_by"] is None else row["killed_by"] or row["message"]
    print(f"[{number}/{count}] {mutant.path}:{mutant.line} {mutant.operator}: {verdict}: "
          f"{mutant.shown}", flush=True)


def result_of(rows, what, options):
    """(the result, is it good enough?)."""
    tried = [row for row in rows if row["killed_by"] != ""]
    noticed = sum(row["killed_by"] is not None for row in tried)
    # Mutants of which none was tried are no success: nobody has looked.
    share = 100 * noticed / len(tried) if tried else 0
    is_unanswered = bool(rows) and all(row["message"] == "not tried" for row in rows)
    good = not is_unanswered and (share >= options.at_least or not tried)
    return {"program": "ci/bugbank --mutate", "file": what, "verdict": "pass" if good else "fail",
            "mutants": len(rows), "tried": len(tried), "noticed": noticed,
            "survivors": len(tried) - noticed, "at_least_percent": options.at_least,
            "rows": rows}, good


def run(options, bench):
    if options.mutate and options.mutate_since:
        raise common.UsageError("--mutate names a file and --mutate-since a revision; give one")
    found = _of_lines(options) if options.mutate else _of_change(options)
    what = options.mutate or f"src/ since {options.mutate_since}"
    if found:
        _prepare(bench, found, options)
    else:
        print(f"{what}: no changed line that an operator fits", flush=True)
    started, rows = time.monotonic(), []  # what has to be built first takes its own time
    ends_at = started + (options.within or float("inf"))
    for number, (mutant, row) in enumerate(
            bench.in_order(lambda one: _try(bench, one, options, ends_at), found), 1):
        rows.append({"path": mutant.path, "line": mutant.line, "operator": mutant.operator,
                     "becomes": mutant.shown, **row})
        if row["message"] != "not tried":
            _show(number, len(found), mutant, row)
    result, good = result_of(rows, what, options)
    print(f"{'PASS' if good else 'FAIL'}: {result['noticed']} of {result['tried']} mutants of "
          f"{what} noticed, at least {options.at_least} % asked for; "
          f"{len(found) - result['tried']} more not tried or not built; "
          f"{time.monotonic() - started:.0f} s; a survivor is a line that no finder here watches, "
          "or one that means the same", flush=True)
    if options.json:
        common.write_json(options.json, result)
    return common.OK if good else common.FOUND
