# SPDX-License-Identifier: MIT
"""The failures of a run as SARIF 2.1.0, for code scanning: an invariant's ID
is the rule, with the catalogue's own text; where the report names a line, that
is the location; how to repeat it stands in the properties."""

import re

from . import findings
from .common import ROOT

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
CATALOGUE = "src/base/invariants.def"
STAGES = "ci/lib/hakci/stages.py"
ROW = re.compile(r'HAK_INVARIANT\((\w+), "([^"]*)", "(\w+)", "((?:[^"\\]|\\.)*)",\s*'
                 r'"((?:[^"\\]|\\.)*)"\)')
WHEN = {"step": "whenever no function of the module is running",
        "quiescent": "while no other thread is in the allocator",
        "call": "before or after one call"}


def invariant_rule(match):
    name, module, when, equation, meaning = match.groups()
    help_text = (f"{meaning}\n\nIt holds {WHEN.get(when, when)} ({module}): {equation}.\n\n"
                 "How to read the report: docs/INVARIANTS.md. How to replay it: the result's "
                 "properties.")
    return {"id": name, "name": "".join(word.capitalize() for word in name.split("_")),
            "shortDescription": {"text": meaning}, "fullDescription": {"text": equation},
            "help": {"text": help_text}, "defaultConfiguration": {"level": "error"},
            "properties": {"tags": ["invariant", module]}}


def catalogue(root=ROOT):
    """Rule by ID, and the line of the catalogue on which each ID stands."""
    rules, lines = {}, {}
    if not (root / CATALOGUE).exists():
        return rules, lines  # the tools in a tree without the allocator
    text = (root / CATALOGUE).read_text(encoding="utf-8")
    for match in ROW.finditer(text):
        if text.rfind("/*", 0, match.start()) > text.rfind("*/", 0, match.start()):
            continue  # the comment that explains the table
        rules[match[1]] = invariant_rule(match)
        lines[match[1]] = text.count("\n", 0, match.start()) + 1
    return rules, lines


def other_rule(name):
    """Failures that break no invariant: a sanitizer's, a test's, a stage's."""
    text = findings.KINDS.get(name.split("/")[0], "A stage of the gate failed.")
    return {"id": name, "shortDescription": {"text": f"{name}: {text}"},
            "fullDescription": {"text": text},
            "help": {"text": f"{text}\n\nThe stage's log has the whole report; docs/GATING.md says "
                             "what to do when the gate is red."},
            "defaultConfiguration": {"level": "error"}, "properties": {"tags": ["gate"]}}


def place(path, line):
    return {"physicalLocation": {"artifactLocation": {"uri": path, "uriBaseId": "SRCROOT"},
                                 "region": {"startLine": line}}}


def stage_line(group, root=ROOT):
    """Where the stage's row stands in the table: the location of a failure
    that names no other."""
    lines = (root / STAGES).read_text(encoding="utf-8").split("\n")
    for number, line in enumerate(lines, 1):
        if re.search(rf'"{re.escape(group)}[."{{]', line):
            return number
    return 1


def result_of(finding, stage, index, lines, root=ROOT):
    named = finding.path and (root / finding.path).is_file()
    location = (place(finding.path, finding.line) if named
                else place(STAGES, stage_line(stage["group"], root)))
    result = {"ruleId": finding.rule, "ruleIndex": index, "level": "error", "kind": "fail",
              "message": {"text": finding.message}, "locations": [location],
              "properties": {"stage": stage["name"], "log": stage["log"],
                             "command": " ".join(stage["command"])}}
    if finding.rule in lines:
        result["relatedLocations"] = [{**place(CATALOGUE, lines[finding.rule]), "id": 0,
                                       "message": {"text": "the invariant"}}]
    for name in ("token", "seed", "repeat"):
        if getattr(finding, name):
            key = {"token": "replayToken", "repeat": "repeatWith"}.get(name, name)
            result["properties"][key] = getattr(finding, name)
    return result


def document(result, out, root=ROOT):
    rules, lines = catalogue(root)
    found = [(finding, stage) for stage in result["stages"]
             for finding in findings.of_stage(stage, out)]
    for finding, _ in found:
        if finding.rule not in rules:
            rules[finding.rule] = other_rule(finding.rule)
    order = {name: index for index, name in enumerate(rules)}
    run = {"tool": {"driver": {"name": "hakmem", "rules": list(rules.values())}},
           "automationDetails": {"id": f"hakmem/{result['profile']}/"},
           "originalUriBaseIds": {"SRCROOT": {"description": {"text": "the top of the tree"}}},
           "columnKind": "unicodeCodePoints",
           "invocations": [{"executionSuccessful": result["verdict"] != "interrupted",
                            "properties": {"verdict": result["verdict"], "seed": result["seed"]}}],
           "results": [result_of(finding, stage, order[finding.rule], lines, root)
                       for finding, stage in found]}
    if result["commit"]:
        run["properties"] = {"commit": result["commit"], "modified": result["modified"]}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
