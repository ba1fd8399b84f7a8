# SPDX-License-Identifier: MIT
"""The published run of the bug bank: tests/bugbank/published.json, a line for each
bug so that a new bug is a new line, and docs/BUGBANK.md, which is made of it."""

import json
import re

from . import bugbank_matrix, bugbank_report, common

RESULT = "tests/bugbank/published.json"
PAGE = "docs/BUGBANK.md"
KEPT = ("id", "breaks", "seen", "detector", "finder", "found", "verdict", "message")
OF_THE_RUN = ("date", "machine", "seed", "seeds", "matrix_seconds", "elapsed_s")


def _of_the_sources(message):
    """Without the folders of the machine that built the planted copy."""
    return re.sub(r"(?<!\S)/\S*?/(?=(?:src|fuzz|stress|tests)/)", "", message or "")


def _row(bug, cells, killers, result):
    """What is kept of one bug: the responsible detector's runs, its cells, the
    invariants that were the first to show it, and the run that said so."""
    row = {name: bug.get(name) for name in KEPT}
    row["message"] = _of_the_sources(row["message"])
    row["cell"] = bugbank_matrix.cell_of(bug)
    row["others"] = cells
    row["killers"] = [name for name, bugs in killers.items() if bug["id"] in bugs]
    row["run"] = {name: result[name] for name in OF_THE_RUN}
    return row


def merge(published, result, is_whole, bank):
    """The published rows with those of `result` in their places; a whole run
    replaces them all. `bank`: the names of its bugs; rows of others go."""
    rows = [_row(bug, result["matrix"][bug["id"]], result["first_killers"], result)
            for bug in result["bugs"]]
    if is_whole:
        return {"invariants": list(result["first_killers"]),
                "controls": len(result["controls"]),
                "controls_silent": sum(map(bugbank_report.is_silent, result["controls"])),
                "bugs": rows}
    known = {row["id"]: row for row in [*published["bugs"], *rows]}
    return {**published, "invariants": list(result["first_killers"]),
            "bugs": [known[name] for name in bank if name in known]}


def text_of(published):
    """One line for each bug."""
    head = {name: value for name, value in published.items() if name != "bugs"}
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in published["bugs"])
    return f'{json.dumps(head, ensure_ascii=False)[:-1]}, "bugs": [\n{lines}\n]}}\n'


def load(root=common.ROOT):
    try:
        return json.loads((root / RESULT).read_text(encoding="utf-8"))
    except OSError as error:
        raise common.UsageError(f"{RESULT}: {error.strerror}; ci/bugbank --seeds 3 --matrix "
                                "--publish writes it") from error
    except ValueError as error:
        raise common.UsageError(f"{RESULT} is not JSON ({error}); take it from git again") from error


def write_page(root=common.ROOT):
    published = load(root)
    try:
        page = bugbank_report.markdown(published)
    except (KeyError, TypeError, IndexError) as error:
        raise common.UsageError(f"{RESULT} is no published result ({error!r}); take it from git "
                                "again") from error
    common.write_atomically(root / PAGE, page)


def publish(result, is_whole, bank, root=common.ROOT):
    published = merge({} if is_whole else load(root), result, is_whole, bank)
    common.write_atomically(root / RESULT, text_of(published))
    write_page(root)
