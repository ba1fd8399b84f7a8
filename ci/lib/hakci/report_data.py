# SPDX-License-Identifier: MIT
"""Finds what the stages of a run have written. A file is known by what is in
it, not by its stage's name, so any table of stages can be reported on."""

import json
from dataclasses import dataclass
from pathlib import Path

from . import common

JSON_OPTIONS = ("--json", "--out", "--observe")
MOST_BYTES = 32 << 20


def load(path):
    """A JSON object, or {} where there is none (yet)."""
    try:
        if Path(path).stat().st_size > MOST_BYTES:
            return {}
        value = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


@dataclass(frozen=True)
class Found:
    """A stage and one file that it has written."""
    stage: dict
    value: dict


def _files_of(stage, out):
    """Each JSON file that the stage's command names. A result may have been moved
    with its folder since: then the file is looked for there."""
    for option, value in zip(stage["command"], stage["command"][1:]):
        if option in JSON_OPTIONS and value.endswith(".json"):
            yield load(value) or load(Path(out) / Path(value).name)


def _kind_of(value):
    if "observation" in value:
        return "observation"
    if "capacity_over_time" in value:
        return "trace"
    if "failure_rate_bound" in value:
        return "stability"
    if value.get("program") == "ci/bugbank":
        return "bank"
    if "ceilings" in value and "measured" in value:
        return "performance"
    if "schedules" in value and "scenario" in value:
        return "hunt"
    if value and all(isinstance(item, dict) and {"lines", "branches"} <= set(item)
                     for item in value.values()):
        return "coverage"
    return ""


class Data:
    """What a run's stages wrote, by kind."""

    def __init__(self, result, out):
        self.result = result
        self.out = Path(out)
        self.by_kind = {}
        for stage in result["stages"]:
            for value in _files_of(stage, out) if stage["log"] else ():
                self.by_kind.setdefault(_kind_of(value), []).append(Found(stage, value))

    def of(self, kind):
        return self.by_kind.get(kind, [])

    def stages(self, *prefixes):
        """The stages whose names begin so."""
        return [stage for stage in self.result["stages"]
                if stage["name"].startswith(prefixes)]

    def log_of(self, stage):
        """The text of a stage's log, without its first line, the command."""
        try:
            text = (self.out / stage["log"]).read_text(encoding="utf-8", errors="replace")
        except (OSError, TypeError):
            return ""
        return text.split("\n", 1)[-1]

    def why_none(self, prefixes, otherwise):
        """One line that says why a section has nothing to show."""
        stages = self.stages(*prefixes)
        if not stages:
            return otherwise
        words = {"pass": "passed and wrote no figures", "fail": "failed before it wrote any",
                 "timeout": "was stopped at its limit", "absent": "is absent here",
                 "not_run": "was not run"}
        said = [f"{stage['name']} {words[stage['status']]}"
                + (f" ({stage['reason']})" if stage["reason"] else "") for stage in stages[:3]]
        return "Nothing to show: " + "; ".join(said) + "."


def bench_results():
    """What ci/bench wrote last in this tree: (comparison or {}, instructions or {})."""
    comparison = instructions = {}
    for path in sorted((common.ROOT / "out/bench").glob("*.json")):
        value = load(path)
        if {"allocators", "rows", "geometric_means", "reference"} <= set(value):
            comparison = value
        elif {"allocators", "instructions"} <= set(value):
            instructions = value
    return comparison, instructions
