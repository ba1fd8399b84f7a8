# SPDX-License-Identifier: MIT
"""report.html: one page for people, with everything in it. It opens from
disk, without a network; Debian's libjs-chart.js, inlined, draws the charts."""

import json
import re
from pathlib import Path

from . import report_memory, report_proofs, result as results
from .common import UsageError
from .report_data import Data
from .report_html import chart, escaped, figures, paragraph, preformatted
from .report_memory import Section

HERE = Path(__file__).parent
CHART_LIBRARIES = ("/usr/share/javascript/chart.js/chart.min.js",
                   "/usr/share/javascript/chart.js/Chart.min.js")

GROUPS = {
    "build": "Builds",
    "check": "Sources, libraries, docs",
    "unit": "Unit and misuse tests",
    "conformance": "Conformance of the malloc family",
    "tests": "Every test, in each build",
    "docs": "The commands that the docs show",
    "fuzz": "Fuzzing",
    "corpus": "Every input of the fuzzers' corpus",
    "fuzz-afl": "Fuzzing with AFL++",
    "clusterfuzz": "Fuzz targets as ClusterFuzz builds them",
    "coverage": "Coverage by the fuzz targets",
    "matrix": "Compilers",
    "models": "Models of the protocols",
    "performance": "Performance gate",
    "stress": "Stress: threads on the real thing, every block's contents verified",
    "observe": "Stress, observed from inside",
    "larson": "Larson, with the adaptive caches' log",
    "adaptive": "Caches that grow and shrink, with their log",
    "hunt": "Race hunt: controlled schedules",
    "hunt-gate": "Race hunt: every schedule within the bounds",
    "control": "Controls: planted bugs, each to be found",
    "runs": "300 independent runs of each scenario",
    "stability": "Stability",
    "apps": "Real programs",
}
SECTIONS = (report_proofs.stability, report_memory.adaptive, report_memory.superslab_map,
            report_memory.memory, report_proofs.hunt, report_proofs.fuzz, report_proofs.bank,
            report_proofs.bench)
VERDICTS = {"pass": "Everything that ran passed.",
            "fail": "Something failed:",
            "interrupted": "The run was interrupted; what had ended by then is below.",
            "unfinished": "The run did not end."}


def chart_library():
    for name in CHART_LIBRARIES:
        if Path(name).exists():
            return Path(name).read_text(encoding="utf-8")
    raise UsageError("no chart library for the report: apt-get install libjs-chart.js")


def _stage(stage):
    """A stage folds open; one that failed is open and shows its log's end."""
    bad = stage["status"] in results.BAD
    parts = [paragraph(stage["reason"], "reason") if stage["reason"] else "",
             figures(stage["figures"])]
    if stage["command"] and stage["status"] != "absent":
        parts.append(f"<p>Command: <code>{escaped(' '.join(stage['command']))}</code></p>")
    if stage["tail"]:
        parts.append("<p>The end of its log:</p>" + preformatted(stage["tail"]))
    if stage["log"]:
        parts.append(f"<p><a href=\"{escaped(stage['log'])}\">the whole log</a></p>")
    seconds = f"{stage['duration_s']:.1f} s" if stage["log"] else ""
    return (f"<details class=\"stage {stage['status']}\" id=\"stage-{escaped(stage['name'])}\""
            f"{' open' if bad else ''}><summary>"
            f"<span class=mark>{escaped(results.STATUS_WORDS[stage['status']])}</span>"
            f"<span class=name>{escaped(stage['title'])}</span>"
            f"<span class=seconds>{seconds}</span></summary>{''.join(parts)}</details>")


def _stages(data):
    section = Section(
        "stages", "Every stage",
        "What was run, in order; each opens to its figures, its command and its log.",
        "a stage that failed, or was not run because one before it failed.")
    stages = data.result["stages"]
    for group in dict.fromkeys(stage["group"] for stage in stages):
        rows = [stage for stage in stages if stage["group"] == group]
        bad = sum(stage["status"] in results.BAD for stage in rows)
        count = f"{len(rows) - bad} of {len(rows)}" if bad else f"{len(rows)}"
        section.body += (f"<h3 id=\"group-{escaped(group)}\">{escaped(GROUPS.get(group, group))} "
                         f"<small>{count}</small></h3>" + "".join(map(_stage, rows)))
    return section


def _times(data):
    section = Section("times", "Where the time went", "Seconds of each stage.",
                      "a stage that takes most of the run without searching for anything.")
    ran = [stage for stage in data.result["stages"] if stage["log"]]
    if not ran:
        section.body = paragraph("Nothing ran.", "none")
        return section
    section.body = chart("times-chart", f"Seconds of {len(ran)} stages, the longest: "
                         + max(ran, key=lambda stage: stage["duration_s"])["name"],
                         4 + 1.3 * len(ran))
    section.charts = [{"id": "times-chart", "kind": "bars", "x": "seconds",
                       "labels": [stage["name"] for stage in ran],
                       "values": [stage["duration_s"] for stage in ran],
                       "bad": [stage["status"] in results.BAD for stage in ran]}]
    return section


def _failures(result):
    """The stages that failed, at the top, each a link to where it says why."""
    bad = [stage for stage in result["stages"] if stage["status"] in results.BAD]
    items = "".join(f"<li><a href=\"#stage-{escaped(stage['name'])}\">{escaped(stage['title'])}</a>"
                    f": {escaped(stage['reason'] or results.STATUS_WORDS[stage['status']])}</li>"
                    for stage in bad)
    return f"<ul class=failures>{items}</ul>" if bad else ""


def _facts(result):
    counts = result["counts"]
    machine = result["host"]
    facts = {
        "passed": counts["pass"],
        "did not pass": sum(counts[status] for status in results.BAD),
        "absent": counts["absent"],
        "minutes": f"{result['duration_s'] / 60:.1f}",
        "profile": result["profile"],
        "threads": result["threads"],
        "seed": str(result["seed"]),
        "commit": (result["commit"][:12] or "unknown") + (" + changes" if result["modified"]
                                                          else ""),
        "machine": f"{machine['os']}, {machine['machine']}, {machine['cpu_count']} CPUs",
        "compilers": f"gcc {machine['gcc'] or 'none'}, clang {machine['clang'] or 'none'}",
        "started": result["started_at"],
    }
    return figures({name: value for name, value in facts.items() if value != 0 or
                    name == "did not pass"})


def _section_html(section):
    return (f"<section id=\"{section.identifier}\" aria-labelledby=\"{section.identifier}-title\">"
            f"<h2 id=\"{section.identifier}-title\">{escaped(section.title)}</h2>"
            f"<p class=what>{escaped(section.shows)} <span class=bad-if><b>Bad would be</b> "
            f"{escaped(section.bad)}</span></p>{section.body}</section>")


def sections(result, out):
    """Every section of the page, in order."""
    data = Data(result, out)
    return [make(data) for make in (*SECTIONS, _stages, _times)]


def script_json(value):
    """JSON that cannot end the script element it stands in."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def page(result, out):
    every = sections(result, out)
    holes = {
        "@VERDICT@": escaped(result["verdict"]),
        "@VERDICT_TEXT@": escaped(VERDICTS[result["verdict"]]),
        "@FAILURES@": _failures(result),
        "@REPEAT@": escaped(results.repeat_command(result)),
        "@FACTS@": _facts(result),
        "@CONTENTS@": "".join(f"<li><a href=\"#{section.identifier}\">{escaped(section.title)}</a>"
                              "</li>" for section in every),
        "@SECTIONS@": "".join(map(_section_html, every)),
        "@DATA@": script_json([drawn for section in every for drawn in section.charts]),
        "@STYLE@": (HERE / "report.css").read_text(encoding="utf-8"),
        "@CHART_LIBRARY@": chart_library().replace("</script", "<\\/script"),
        "@SCRIPT@": "".join((HERE / name).read_text(encoding="utf-8")
                            for name in ("report_charts.js", "report_map.js", "report.js")),
    }
    text = (HERE / "report.html.in").read_text(encoding="utf-8")
    # In one pass: what fills a hole is never searched for holes.
    return re.sub("|".join(holes), lambda match: holes[match[0]], text)
