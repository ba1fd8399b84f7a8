# SPDX-License-Identifier: MIT
"""Every detector on every planted bug: what the detectors that are not
responsible for a bug run against it, and what they say. Every finding counts
here, whatever its words."""

import tempfile
from pathlib import Path

from . import bugbank_build, bugbank_detect
from .bugbank_bugs import BugError, plant

# `misuse` is a unit test's program; `hunt-gate` is the hunter with every schedule.
COLUMNS = ("unit", "fuzz", "stress", "asan", "tsan", "valgrind", "hunt")
COLUMN_OF = {"misuse": "unit", "hunt-gate": "hunt"}
ON_SCENARIOS = ("stress", "asan", "tsan", "valgrind")
SCENARIO_DETECTORS = (*ON_SCENARIOS, "ubsan", "msan", "stability")
NOT_SANITIZED = ("oom",)  # the scenario limits the address space
WITHOUT_SEED = ("unit",)  # the same at each run: one is enough

# What looks at a folder of src/: unit program, fuzz target, scenario, hunt.
OF_FOLDER = {
    "base": ("base", "api", "remote", "lock"),
    "os": ("os", "api", "big", "first-use"),
    "region": ("region", "region", "mixed", "region-two-level"),
    "meta": ("meta", "api", "mixed", "first-alloc"),
    "superslab": ("superslab", "superslab", "expand", "remote-refill"),
    "l25": ("l25", "l25", "l25", "l25-grow"),
    "big": ("big", "bigcache", "big", "big-cache"),
    "tcache": ("tcache", "adaptive", "mixed", "shrink-free"),
    "heap": ("heap", "api", "churn", "adopt-flush"),
    "check": ("check", "api", "mixed", "programs"),
    "front": ("front", "api", "realloc", "programs"),
}
# A bug in one of these functions is looked for there instead.
OF_FUNCTION = (("fork", "fork", "fork-child"), ("adopt", "churn", "two-adopters"),
               ("remote", "remote", "remote-refill"), ("pending", "remote", "first-pending"))


def column_of(detector):
    return COLUMN_OF.get(detector, detector)


def words_for(bug):
    """column -> the words of the finder that stands there, the responsible
    detector's own column left out. None for how the library is linked: the other
    detectors' programs are linked with its objects."""
    if not bug.edits:
        return {}
    unit, fuzz, scenario, hunt = OF_FOLDER[bug.edits[0].path.split("/")[1]]
    for part, its_scenario, its_hunt in OF_FUNCTION:
        if part in bug.edits[0].within:
            scenario, hunt = its_scenario, its_hunt
    if bug.detector in SCENARIO_DETECTORS and len(bug.finder) > 1:
        scenario = bug.finder[1]
    for words in bug.fields.get("also", []):  # the target that has to find it, too
        fuzz = words.split()[1]
    words = {"unit": ["unit", f"unit_{unit}", "*"], "fuzz": ["fuzz", fuzz],
             "hunt": ["hunt", hunt]}
    words.update({name: [name, scenario] for name in ON_SCENARIOS})
    for name in set(ON_SCENARIOS) - {"stress"}:
        if scenario in NOT_SANITIZED:
            words[name] = [name, "mixed"]
    words.pop(column_of(bug.detector), None)
    return words


def finders(bug):
    """column -> finder, of those that are on this kind of machine."""
    found = {name: bugbank_detect.Finder(words) for name, words in words_for(bug).items()}
    return {name: finder for name, finder in found.items() if finder.detector.is_here}


def cell_of(row):
    """One cell, from a row of the run: who ran, and for each seed whether it
    found something, in what time, and after how much."""
    cell = {"finder": row["finder"],
            "runs": [[run["verdict"] != "not found", run["seconds"], run["executions"]]
                     for run in row["runs"]]}
    return {**cell, "error": row["error"]} if "error" in row else cell


def _cell(bench, finder, folder, changed, made, seeds, seconds):
    row = {"finder": finder.key, "runs": []}
    try:
        finder.build(bench.presets[finder.detector.preset], changed, folder, made)
    except bugbank_build.NotInProgram:
        return {**row, "error": "not in it"}
    except bugbank_build.BuildError:
        return {**row, "error": "does not build"}
    for seed in seeds[:1] if finder.words[0] in WITHOUT_SEED else seeds:
        outcome = finder.run(folder, seed, seconds)
        row["runs"].append([outcome.status != 0, round(outcome.seconds, 2), outcome.executions])
    return row


def row_of(bench, bug, seeds, seconds):
    """column -> cell for one bug; its sources are compiled once for each build."""
    folder = Path(tempfile.mkdtemp(dir=bench.work, prefix="row."))
    try:
        bugbank_build.copy_sources(bench.root, folder)
        changed, made = plant(bug, folder), {}
        return {name: _cell(bench, finder, folder, changed, made, seeds, seconds)
                for name, finder in finders(bug).items()}
    except BugError as error:
        return {name: {"finder": finder.key, "runs": [], "error": str(error)}
                for name, finder in finders(bug).items()}
    finally:
        bench.remove(folder)


def run(bench, bugs, seeds, seconds):
    """bug's name -> column -> cell."""
    matrix = {}
    for number, (bug, row) in enumerate(
            bench.in_order(lambda one: row_of(bench, one, list(seeds), seconds), bugs), 1):
        matrix[bug.id] = row
        said = ", ".join(f"{name} {cell.get('error') or text_of(cell)}"
                         for name, cell in row.items())
        print(f"[{number}/{len(bugs)}] {bug.id}: {said}", flush=True)
    return matrix


def _middle(values):
    values = sorted(value for value in values if value is not None)
    return values[len(values) // 2] if values else None


def text_of(cell):
    """`3/3 0.21 s @358`: found how often, the median of the seconds, and of the
    executions where the detector says them."""
    if cell.get("error"):
        return {"not in it": "–"}.get(cell["error"], "?")
    hits = [run for run in cell["runs"] if run[0]]
    text = f"{len(hits)}/{len(cell['runs'])}"
    if hits:
        text += f" {_middle(run[1] for run in hits):.2g} s"
        done = _middle(run[2] for run in hits)
        text += f" @{done}" if done else ""
    return text
