# SPDX-License-Identifier: MIT
"""Reads the figures that a stage's log or JSON file holds.

Each reader returns (figures, complaint). A complaint says that the stage
claims success without showing that it did anything: no test ran, no input
was executed. The runner turns it into a failure."""

import json
import re
import xml.etree.ElementTree as xml
from pathlib import Path

from .bugbank_detect import report_line

MAX_FIGURES = 24


def _last_number(pattern, text):
    found = re.findall(pattern, text)
    return int(found[-1]) if found else None


def read_ctest(text, _command):
    match = re.findall(r"(\d+)% tests passed, (\d+) tests failed out of (\d+)", text)
    if not match:
        return {}, "CTest printed no summary"
    _, failed, total = match[-1]
    figures = {"tests": int(total), "failed": int(failed)}
    return figures, "CTest ran no test" if int(total) == 0 else ""


def read_libfuzzer(text, _command):
    figures = {
        "executions": _last_number(r"stat::number_of_executed_units:\s*(\d+)", text),
        "executions_per_s": _last_number(r"stat::average_exec_per_sec:\s*(\d+)", text),
        "executions_per_cpu_s": _last_number(r"stat::executions_per_cpu_s:\s*(\d+)", text),
        "operations": _last_number(r"stat::executed_operations:\s*(\d+)", text),
        "operations_per_cpu_s": _last_number(r"stat::operations_per_cpu_s:\s*(\d+)", text),
        "edges_covered": _last_number(r"\bcov: (\d+)", text),
        "corpus_inputs": _last_number(r"\bcorp: (\d+)", text),
        "peak_rss_mb": _last_number(r"stat::peak_rss_mb:\s*(\d+)", text),
    }
    figures = {name: value for name, value in figures.items() if value is not None}
    return figures, "" if figures.get("executions") else "the fuzzer executed no input"


def json_path_of(command):
    """The file that a command's --json or --out FILE.json names."""
    for option, value in zip(command, command[1:]):
        if option in ("--json", "--out", "--observe") and value.endswith(".json"):
            return Path(value)
    return None


def flatten(value, prefix=""):
    """Numbers and short texts of a JSON object, one level of nesting."""
    figures = {}
    for key, item in value.items():
        if isinstance(item, bool) or item is None:
            continue
        if isinstance(item, (int, float)) or (isinstance(item, str) and len(item) <= 80):
            figures[prefix + key] = item
        elif isinstance(item, dict) and not prefix:
            figures.update(flatten(item, key + "."))
    return dict(list(figures.items())[:MAX_FIGURES])


def read_json(_text, command):
    path = json_path_of(command)
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        return {}, f"it did not write {path.name}"
    except ValueError as error:
        return {}, f"{path.name} is not JSON: {error}"
    if not isinstance(value, dict):
        return {}, f"{path.name} holds no JSON object"
    return flatten(value), ""


def failed_tests(command, most=5, lines=12):
    """The failed tests of a CTest stage, each with the line that says what was
    found and the end of its output; "" if its JUnit file says nothing of any."""
    paths = [value for option, value in zip(command, command[1:]) if option == "--junit"]
    try:
        cases = list(xml.parse(paths[0]).iter("testcase"))
    except (IndexError, OSError, xml.ParseError):
        return ""
    failed = [case for case in cases if case.find("failure") is not None]
    parts = [f"{len(failed)} of {len(cases)} tests failed"] if failed else []
    for case in failed[:most]:
        text = (case.findtext("system-out") or "").strip()
        said = report_line(text)
        parts += [f"\n--- {case.get('name')}" + (f": {said}" if said else ""),
                  *(line[:400] for line in text.split("\n")[-lines:])]
    if len(failed) > most:
        parts.append("\n--- and " + ", ".join(case.get("name") for case in failed[most:]))
    return "\n".join(parts)


READERS = {"ctest": read_ctest, "libfuzzer": read_libfuzzer, "json": read_json}


def read(kind, log_path, command):
    if not kind:
        return {}, ""
    text = log_path.read_text(encoding="utf-8", errors="replace")
    return READERS[kind](text, command)
