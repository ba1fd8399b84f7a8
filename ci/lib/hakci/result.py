# SPDX-License-Identifier: MIT
"""The result of a run in its machine-read forms: JSON (its schema is
ci/validate.schema.json), JUnit XML, Markdown; SARIF is in sarif.py."""

import datetime
import os
import platform
import shlex
import xml.etree.ElementTree as xml
from pathlib import Path

from .common import ROOT, output_of, write_atomically, write_json

SCHEMA = "hakmem.validate/1"
BAD = ("fail", "timeout", "not_run")
STATUS_WORDS = {"pass": "passed", "fail": "FAILED", "timeout": "TIMED OUT",
                "not_run": "NOT RUN", "absent": "absent"}


def _os_name():
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.system()


def host():
    return {"os": _os_name(), "kernel": platform.release(), "machine": platform.machine(),
            "cpu_count": os.cpu_count(),
            "gcc": output_of("gcc", "-dumpfullversion"),
            "clang": output_of("clang", "-dumpversion"),
            "cc": os.environ.get("CC", "")}


def new(profile, seed, threads, only=""):
    now = datetime.datetime.now(datetime.timezone.utc)
    return {"schema": SCHEMA, "verdict": "unfinished", "profile": profile, "only": only or "",
            "seed": seed, "threads": threads,
            "commit": output_of("git", "rev-parse", "HEAD"),
            "modified": bool(output_of("git", "status", "--porcelain", "-uno")),
            "started_at": now.strftime("%Y-%m-%dT%H:%M:%SZ"), "duration_s": 0.0,
            "host": host(), "counts": {}, "stages": []}


def close(result, duration_s, interrupted):
    stages = result["stages"]
    result["counts"] = {status: sum(stage["status"] == status for stage in stages)
                        for status in STATUS_WORDS}
    result["duration_s"] = round(duration_s, 1)
    if interrupted:
        result["verdict"] = "interrupted"
    elif any(stage["status"] in BAD for stage in stages) or result["counts"]["pass"] == 0:
        # Nothing that ran is nothing that was shown.
        result["verdict"] = "fail"
    else:
        result["verdict"] = "pass"


def command_of(result):
    """The command that runs a profile: two are ci/validate's, two ci/gate's."""
    return "ci/validate" if result["profile"] in ("quick", "full") else "ci/gate"


def repeat_command(result):
    how = (f"--{result['profile']}" if command_of(result) == "ci/validate"
           else f"--profile {result['profile']}")
    only = f" --only {shlex.quote(result['only'])}" if result.get("only") else ""
    return (f"{command_of(result)} {how} --threads {result['threads']} "
            f"--seed {result['seed']}{only}")


def _junit_case(suite, stage):
    case = xml.SubElement(suite, "testcase", name=stage["name"], classname=stage["group"],
                          time=str(stage["duration_s"]))
    if stage["status"] == "absent":
        xml.SubElement(case, "skipped", message=stage["reason"])
    elif stage["status"] in BAD:
        problem = xml.SubElement(case, "failure", message=stage["reason"] or "failed")
        problem.text = printable(stage["tail"])
    return case


def printable(text):
    """Without the control characters that XML 1.0 does not allow."""
    return "".join(c for c in text if c >= " " or c in "\n\t")


def junit(result, out):
    """One suite a group, one case a stage, and every CTest case besides."""
    root = xml.Element("testsuites", name=command_of(result), time=str(result["duration_s"]))
    groups = {}
    for stage in result["stages"]:
        groups.setdefault(stage["group"], []).append(stage)
    for group, stages in groups.items():
        suite = xml.SubElement(
            root, "testsuite", name=group, tests=str(len(stages)),
            failures=str(sum(stage["status"] in BAD for stage in stages)),
            skipped=str(sum(stage["status"] == "absent" for stage in stages)),
            time=str(round(sum(stage["duration_s"] for stage in stages), 2)))
        for stage in stages:
            _junit_case(suite, stage)
    for path in sorted(Path(out).glob("ctest-*.xml")):
        suite = xml.parse(path).getroot()
        suite.set("name", path.stem.replace("ctest-", "ctest."))
        root.append(suite)
    xml.indent(root)
    return xml.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _cell(text):
    return str(text).replace("|", "\\|").replace("\n", " ")


def markdown(result):
    counts = result["counts"]
    lines = [f"# hakmem: {result['verdict'].upper()}", "",
             f"`{repeat_command(result)}` on commit `{result['commit'][:12] or 'unknown'}`"
             f"{' with local changes' if result['modified'] else ''}, {result['host']['os']}, "
             f"{result['host']['machine']}, {result['host']['cpu_count']} CPUs, "
             f"{result['duration_s']:.0f} s. {counts['pass']} stages passed, "
             f"{sum(counts[status] for status in BAD)} did not.", "",
             "| stage | result | seconds | figures |", "| --- | --- | ---: | --- |"]
    for stage in result["stages"]:
        figures = ", ".join(f"{name} {value}" for name, value in list(stage["figures"].items())[:6])
        lines.append(f"| {stage['name']} | {STATUS_WORDS[stage['status']]} | "
                     f"{stage['duration_s']:.1f} | {_cell(figures or stage['reason'])} |")
    for stage in result["stages"]:
        if stage["tail"]:
            lines += ["", f"## {stage['name']}: {_cell(stage['reason'])}", "",
                      "```", stage["tail"].replace("```", "` ` `"), "```"]
    return "\n".join(lines) + "\n"


def write_all(result, out):
    from . import report  # the page needs the chart library: loaded last
    from . import sarif

    write_json(out / "result.json", result)
    write_atomically(out / "junit.xml", junit(result, out))
    write_json(out / "result.sarif", sarif.document(result, out))
    write_atomically(out / "summary.md", markdown(result))
    write_atomically(out / "report.html", report.page(result, out))


def relative(path):
    path = Path(path)
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
