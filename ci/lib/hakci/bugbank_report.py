# SPDX-License-Identifier: MIT
"""docs/BUGBANK.md from the JSON of a run of ci/bugbank."""

import json
import platform
import re
from pathlib import Path

from . import common

CATALOGUE_ROW = re.compile(r"^HAK_INVARIANT\((\w+),", re.M)
COLUMNS = ("unit", "misuse", "fuzz", "stress", "asan", "tsan", "valgrind", "hunt")

HEAD = """# The bug bank's last published run

`ci/bugbank --report FILE.json docs/BUGBANK.md` wrote this page; `tests/bugbank/README.md`
describes the bank and how to run it. Times are wall clock, from the detector's start to
its exit, on a machine that other work shared: they say what order to expect, not more.
"""


def _text(text):
    """For a cell of a table."""
    return re.sub(r"https://github\.com/([^/\s]+)/([^/\s]+)/(?:issues|pull|commit)/(\w+)",
                  r"[\1/\2 \3](\g<0>)", str(text).replace("|", "\\|"))


def _row(*cells):
    return "| " + " | ".join(_text(cell) for cell in cells) + " |"


def _spread(values):
    values = [value for value in values if value is not None]
    if not values:
        return ""
    low, high = min(values), max(values)
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _summary(result):
    yield f"- Planted: {result['bugs_planted']}; found by the responsible detector, with the right " \
          f"message, with every seed: **{result['bugs_found']}**."
    yield f"- Seeds: {result['seeds']}, from {result['seed']}. Verdict of the run: " \
          f"**{result['verdict']}**. It took {result.get('elapsed_s', 0):.0f} s " \
          f"({platform.machine()}, Linux)."
    yield f"- Detectors on the sources as they are, each of which must find nothing: " \
          f"{len(result['controls'])}, of which " \
          f"{sum(_clean(row) for row in result['controls'])} found nothing."
    yield f"- Invariants that are the first to show at least one bug: " \
          f"{result['invariants_first_killers']} of {result['invariants']}."


def _clean(row):
    return "error" not in row and all(run["verdict"] == "not found" for run in row["runs"])


def _bugs(rows):
    yield _row("bug", "what it breaks", "seen in", "found by", "it says", "seconds", "executions")
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for row in rows:
        if row["found"]:
            said = row["message"]
        else:
            said = f"**{row['verdict']}** {row['message'] or ''}"
        yield _row(f"`{row['id']}`", row["breaks"], row["seen"], f"`{row['finder']}`", said,
                   _spread(run["seconds"] for run in row["runs"]),
                   _spread(run["executions"] for run in row["runs"]))


def _cell(row):
    """The median time of the seeds that found something, and how many did."""
    if row is None:
        return ""
    if "error" in row:
        return "?"
    hits = sorted(run["seconds"] for run in row["runs"]
                  if run["verdict"] not in ("not found",))
    if not hits:
        return "–"
    words = [run["verdict"] for run in row["runs"] if run["verdict"] != "not found"]
    mark = "" if all(word == "found" for word in words) else "\\*"
    share = "" if len(hits) == len(row["runs"]) else f" ({len(hits)}/{len(row['runs'])})"
    return f"{hits[len(hits) // 2]:.1f}{mark}{share}"


def _matrix(rows, matrix):
    yield _row("bug", *COLUMNS)
    yield "| --- |" + " --- |" * len(COLUMNS)
    for row in rows:
        cells = []
        if row["id"] not in matrix:
            continue
        for name in COLUMNS:
            cell = _cell(matrix.get(row["id"], {}).get(name))
            cells.append(f"**{cell}**" if name == row["detector"] and cell else cell)
        yield _row(f"`{row['id']}`", *cells)


def _killers(killers):
    yield _row("invariant", "first shown by")
    yield "| --- | --- |"
    for name, bugs in killers.items():
        yield _row(f"`{name}`", ", ".join(f"`{bug}`" for bug in bugs) or "**no planted bug**")


def markdown(result):
    lines = [HEAD, *_summary(result), "", "## Each bug and the detector that must find it", "",
             *_bugs(result["bugs"]), ""]
    if result.get("matrix"):
        lines += ["## Every detector on every bug", "",
                  "Seconds until the detector said so. Bold: the responsible one, the median of "
                  "its seeds. The others have one seed", "and two seconds, and run the same "
                  "scenario, or `mixed`. `*`: in other words than the bug's row asks for. `–`:",
                  "not found. Empty: not tried.", "",
                  *_matrix(result["bugs"], result["matrix"]), ""]
    lines += ["## Which invariant is the first to show which bug", "",
              *_killers(result["first_killers"])]
    return "\n".join(lines) + "\n"


def write(source, target):
    try:
        result = json.loads(Path(source).read_text(encoding="utf-8"))
        page = markdown(result)
    except OSError as error:
        raise common.UsageError(f"{source}: {error.strerror}; give the file that --json wrote") \
            from error
    except (ValueError, KeyError, TypeError) as error:
        raise common.UsageError(f"{source} is not a result of ci/bugbank --json ({error!r})") \
            from error
    common.write_atomically(target, page)
