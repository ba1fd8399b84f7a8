# SPDX-License-Identifier: MIT
"""docs/BUGBANK.md from the published result of ci/bugbank."""

import re

from . import bugbank_matrix

CATALOGUE_ROW = re.compile(r"^HAK_INVARIANT\((\w+),", re.M)
COLUMNS = (*bugbank_matrix.COLUMNS, "other")
MATRIX = "## Every detector on every bug"

HEAD = """# The bug bank's last published run

`ci/bugbank --seeds 3 --matrix --publish` wrote this page, and `tests/bugbank/published.json`,
of which it is made; with `--bug ID` it renews one bug's rows. `tests/bugbank/README.md`
describes the bank. Times are wall clock, from the detector's start to its exit, on a
machine that other work shared: they say what order to expect, not more.
"""

MATRIX_WORDS = """`3/3 0.21 s @358`: found with 3 of 3 seeds; the median of the seconds of those; and the
median of what the detector had done by then, where it says it (tests, inputs, schedules).
**Bold**: the responsible detector with the arguments, the time and the words that its row
asks for. The others run what looks at the changed folder (unit tests, a fuzz target, a
scenario of `hakmem-stress`, a hunt: the table in `ci/lib/hakci/bugbank_matrix.py`), or the
responsible one's scenario; there every finding counts, whatever its words, within
{seconds} of search for each seed (libFuzzer: whole seconds). Unit tests have no seed and
run once. `–`: the changed file is no part of that program. `?`: the program did not build
with the bug. Other: a detector that has no column of its own, as `ubsan` or `corpus`."""


def _text(text):
    """For a cell of a table."""
    link = r"https://github\.com/([^/\s]+)/([^/\s]+)/(?:issues|pull|commit)/(\w+)"
    return re.sub(link, r"[\1/\2 \3](\g<0>)", str(text).replace("|", "\\|"))


def _row(*cells):
    return "| " + " | ".join(_text(cell) for cell in cells) + " |"


def _spread(values):
    values = [value for value in values if value is not None]
    if not values:
        return ""
    low, high = min(values), max(values)
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def is_silent(row):
    """Of a detector on the sources as they are."""
    return "error" not in row and all(run["verdict"] == "not found" for run in row["runs"])


def _runs(published):
    """The runs that the rows are of, each with how many."""
    counts = {}
    for row in published["bugs"]:
        run = row["run"]
        key = (run["date"], run["machine"], run["seeds"], run["seed"], run["elapsed_s"])
        counts[key] = counts.get(key, 0) + 1
    return sorted(counts.items(), key=lambda item: -item[1])


def _killers(published):
    """Invariant -> the bugs that it was the first to show."""
    return {name: [row["id"] for row in published["bugs"] if name in row["killers"]]
            for name in published["invariants"]}


def _summary(published):
    rows, killers = published["bugs"], _killers(published)
    yield f"- Planted: {len(rows)}; found by the responsible detector, with the right message, " \
          f"with every seed: **{sum(row['found'] for row in rows)}**."
    for (date, machine, seeds, seed, elapsed_s), count in _runs(published):
        yield f"- {count} of them on {date}: {seeds} seeds, from {seed}; {elapsed_s:.0f} s in all " \
              f"({machine})."
    yield "- Detectors on the sources as they are, each of which must find nothing: " \
          f"{published['controls']}, of which {published['controls_silent']} found nothing."
    yield "- Invariants that are the first to show at least one bug: " \
          f"{sum(bool(bugs) for bugs in killers.values())} of {len(killers)}."


def _bugs(rows):
    yield _row("bug", "what it breaks", "seen in", "found by", "it says", "seconds", "executions")
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for row in rows:
        said = row["message"] if row["found"] else f"**{row['verdict']}** {row['message'] or ''}"
        runs = row["cell"]["runs"]
        yield _row(f"`{row['id']}`", row["breaks"], row["seen"], f"`{row['finder']}`", said,
                   _spread(run[1] for run in runs), _spread(run[2] for run in runs))


def _matrix(rows):
    yield _row("bug", *COLUMNS)
    yield "| --- |" + " --- |" * len(COLUMNS)
    for row in rows:
        cells = {name: bugbank_matrix.text_of(cell) for name, cell in row["others"].items()}
        column = bugbank_matrix.column_of(row["detector"])
        column = column if column in COLUMNS else "other"
        cells[column] = f"**{bugbank_matrix.text_of(row['cell'])}**"
        yield _row(f"`{row['id']}`", *(cells.get(name, "") for name in COLUMNS))


def _share(rows, name):
    """Of the cells of one column that are not empty: how many found it."""
    cells = [row["cell"] if bugbank_matrix.column_of(row["detector"]) == name
             else row["others"].get(name) for row in rows]
    tried = [cell for cell in cells if cell and cell["runs"]]
    found = sum(any(run[0] for run in cell["runs"]) for cell in tried)
    return f"{found} of {len(tried)}"


def _matrix_section(rows):
    seconds = sorted({row["run"]["matrix_seconds"] for row in rows})
    said = " or ".join(f"{value} s" for value in seconds)
    yield from (MATRIX, "", MATRIX_WORDS.format(seconds=said), "")
    yield _row("", *bugbank_matrix.COLUMNS)
    yield "| --- |" + " --- |" * len(bugbank_matrix.COLUMNS)
    yield _row("bugs found with one seed at least", *(_share(rows, name)
                                                      for name in bugbank_matrix.COLUMNS))
    yield ""
    yield from _matrix(rows)
    yield ""


def _killer_table(killers):
    yield _row("invariant", "first shown by")
    yield "| --- | --- |"
    for name, bugs in killers.items():
        yield _row(f"`{name}`", ", ".join(f"`{bug}`" for bug in bugs) or "**no planted bug**")


def markdown(published):
    lines = [HEAD, *_summary(published), "", "## Each bug and the detector that must find it", "",
             *_bugs(published["bugs"]), "", *_matrix_section(published["bugs"]),
             "## Which invariant is the first to show which bug", "",
             *_killer_table(_killers(published))]
    return "\n".join(lines) + "\n"
