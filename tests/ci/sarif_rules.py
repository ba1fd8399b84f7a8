# SPDX-License-Identifier: MIT
"""What SARIF 2.1.0 demands of the objects that the gate writes: their
properties (the schema allows no others), the required ones, the kinds of the
values; and what the text of the standard adds. problems() lists what is wrong."""

import re

# object: {property: (kind, is required)}; a kind is a type, another object's
# name, or [name] for a list of such.
OBJECTS = {
    "log": {"$schema": (str, False), "version": (str, True), "runs": (["run"], True)},
    "run": {"tool": ("tool", True), "results": (["result"], False), "properties": (dict, False),
            "automationDetails": ("details", False), "originalUriBaseIds": (dict, False),
            "columnKind": (str, False), "invocations": (["invocation"], False)},
    "tool": {"driver": ("driver", True)},
    "driver": {"name": (str, True), "rules": (["rule"], False), "informationUri": (str, False)},
    "rule": {"id": (str, True), "name": (str, False), "shortDescription": ("text", False),
             "fullDescription": ("text", False), "help": ("text", False),
             "defaultConfiguration": ("configuration", False), "properties": (dict, False)},
    "configuration": {"level": (str, False)},
    "text": {"text": (str, True), "markdown": (str, False)},
    "details": {"id": (str, False)},
    "invocation": {"executionSuccessful": (bool, True), "properties": (dict, False)},
    "result": {"ruleId": (str, False), "ruleIndex": (int, False), "level": (str, False),
               "kind": (str, False), "message": ("text", True), "locations": (["location"], False),
               "relatedLocations": (["location"], False), "properties": (dict, False)},
    "location": {"id": (int, False), "message": ("text", False),
                 "physicalLocation": ("physical", False)},
    "physical": {"artifactLocation": ("artifact", False), "region": ("region", False)},
    "artifact": {"uri": (str, False), "uriBaseId": (str, False)},
    "region": {"startLine": (int, False)},
}
LEVELS = ("none", "note", "warning", "error")
KINDS = ("notApplicable", "pass", "fail", "review", "open", "informational")


def _shape(value, name, where):
    """Problems of one object of that name, and of those inside it."""
    if not isinstance(value, dict):
        return [f"{where} is no object"]
    known = OBJECTS[name]
    found = [f"{where} has no '{key}'" for key, (_, needed) in known.items()
             if needed and key not in value]
    for key, inner in value.items():
        if key not in known:
            found.append(f"{where} has a property '{key}', which SARIF does not know")
            continue
        kind = known[key][0]
        if isinstance(kind, str):
            found += _shape(inner, kind, f"{where}.{key}")
        elif isinstance(kind, list):
            if not isinstance(inner, list):
                found.append(f"{where}.{key} is no list")
                continue
            for place, item in enumerate(inner):
                found += _shape(item, kind[0], f"{where}.{key}[{place}]")
        elif not isinstance(inner, kind) or (kind is int and isinstance(inner, bool)):
            found.append(f"{where}.{key} is no {kind.__name__}")
    return found


def _location(location, bases, where):
    artifact = location.get("physicalLocation", {}).get("artifactLocation", {})
    uri, line = artifact.get("uri", ""), location.get("physicalLocation", {}).get("region", {})
    if not uri or re.search(r"^/|^[a-z]+:|\\|\s|(^|/)\.\.(/|$)", uri):
        yield f"{where}: '{uri}' is no path relative to the tree"
    if artifact.get("uriBaseId", next(iter(bases), None)) not in bases:
        yield f"{where}: unknown base {artifact['uriBaseId']}"
    if line and line.get("startLine", 1) < 1:
        yield f"{where}: line {line['startLine']}; lines count from 1"


def _meaning(run):
    """What the standard's text demands beyond the schema, and what a viewer needs."""
    rules = run["tool"]["driver"].get("rules", [])
    names = [rule["id"] for rule in rules]
    for name in {name for name in names if names.count(name) > 1}:
        yield f"the rule {name} is there twice"
    for rule in rules:
        if not rule.get("shortDescription", {}).get("text") or not rule.get("help", {}).get("text"):
            yield f"the rule {rule['id']} says nothing"
    for place, result in enumerate(run.get("results", [])):
        where = f"results[{place}]"
        index = result.get("ruleIndex", -1)
        if not 0 <= index < len(names) or names[index] != result.get("ruleId"):
            yield f"{where}: ruleIndex {index} is not the rule {result.get('ruleId')}"
        if result.get("level", "warning") not in LEVELS or result.get("kind", "fail") not in KINDS:
            yield f"{where}: level or kind is none of SARIF's"
        if not result["message"]["text"]:
            yield f"{where}: no message"
        if not result.get("locations"):
            yield f"{where}: no location, and code scanning refuses that"
        for location in result.get("locations", []) + result.get("relatedLocations", []):
            yield from _location(location, run.get("originalUriBaseIds", {}), where)


def problems(log):
    found = _shape(log, "log", "log")
    if not found and log["version"] != "2.1.0":
        found.append(f"version {log['version']}")
    for run in log["runs"] if not found else []:
        found += _meaning(run)
    return found
