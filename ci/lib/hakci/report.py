# SPDX-License-Identifier: MIT
"""report.html: one page for people, with everything in it. It opens from
disk, without a network; Debian's libjs-chart.js, inlined, draws the charts."""

import html
import json
import re
from pathlib import Path

from . import result as results
from .common import UsageError

HERE = Path(__file__).parent
CHART_LIBRARIES = ("/usr/share/javascript/chart.js/chart.min.js",
                   "/usr/share/javascript/chart.js/Chart.min.js")

GROUPS = {
    "build": "Builds",
    "check": "Sources, libraries, docs",
    "unit": "Unit and misuse tests",
    "conformance": "Conformance of the malloc family",
    "tests": "Every test, in each build",
    "fuzz": "Fuzzing",
    "stress": "Stress: threads on the real thing, every block's contents verified",
    "larson": "Larson, with the adaptive caches' log",
    "hunt": "Race hunt: controlled schedules",
    "control": "Controls: planted bugs, each to be found",
    "runs": "300 independent runs of each scenario",
    "stability": "Stability",
    "apps": "Real programs",
}
VERDICTS = {"pass": "Everything that ran passed.",
            "fail": "Something failed. The stages below that say so hold the end of their logs.",
            "interrupted": "The run was interrupted; what had ended by then is below.",
            "unfinished": "The run did not end."}


def chart_library():
    for name in CHART_LIBRARIES:
        if Path(name).exists():
            return Path(name).read_text(encoding="utf-8")
    raise UsageError("no chart library for the report: apt-get install libjs-chart.js")


def escaped(value):
    return html.escape(str(value))


def figure_text(value):
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def figures_html(figures):
    if not figures:
        return ""
    cells = "".join(f"<div><dt>{escaped(name.replace('_', ' '))}</dt>"
                    f"<dd>{escaped(figure_text(value))}</dd></div>"
                    for name, value in figures.items())
    return f"<dl class=figures>{cells}</dl>"


def stage_html(stage):
    """A stage folds open; one that failed is open and shows its log's end."""
    bad = stage["status"] in results.BAD
    parts = [f"<p class=reason>{escaped(stage['reason'])}</p>" if stage["reason"] else "",
             figures_html(stage["figures"])]
    if stage["command"] and stage["status"] != "absent":
        parts.append(f"<p>Command: <code>{escaped(' '.join(stage['command']))}</code></p>")
    if stage["tail"]:
        parts.append(f"<p>The end of its log:</p><pre>{escaped(stage['tail'])}</pre>")
    if stage["log"]:
        parts.append(f"<p><a href=\"{escaped(stage['log'])}\">the whole log</a></p>")
    seconds = f"{stage['duration_s']:.1f} s" if stage["log"] else ""
    return (f"<details class=\"stage {stage['status']}\"{' open' if bad else ''}><summary>"
            f"<span class=mark>{escaped(results.STATUS_WORDS[stage['status']])}</span>"
            f"<span class=name>{escaped(stage['title'])}</span>"
            f"<span class=seconds>{seconds}</span></summary>{''.join(parts)}</details>")


def groups_html(stages):
    parts = []
    for group in dict.fromkeys(stage["group"] for stage in stages):
        rows = "".join(stage_html(stage) for stage in stages if stage["group"] == group)
        title = GROUPS.get(group, group)
        parts.append(f"<section id=\"group-{escaped(group)}\"><h2>{escaped(title)}</h2>"
                     f"{rows}</section>")
    return "".join(parts)


def facts_html(result):
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
    return figures_html({name: value for name, value in facts.items() if value != 0 or
                         name == "did not pass"})


def load(path):
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def chart_data(result, out):
    """What the page's script draws: stage times, and capacities over time."""
    ran = [stage for stage in result["stages"] if stage["log"]]
    trace = load(out / "adaptive-1t.json")
    return {"times": [{"name": stage["name"], "seconds": stage["duration_s"],
                       "bad": stage["status"] in results.BAD} for stage in ran],
            "capacity": trace.get("capacity_over_time", {}),
            "program": trace.get("program", "")}


def script_json(value):
    """JSON that cannot end the script element it stands in."""
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")


def page(result, out):
    data = chart_data(result, out)
    holes = {
        "@VERDICT@": escaped(result["verdict"]),
        "@VERDICT_TEXT@": escaped(VERDICTS[result["verdict"]]),
        "@REPEAT@": escaped(results.repeat_command(result)),
        "@FACTS@": facts_html(result),
        "@GROUPS@": groups_html(result["stages"]),
        "@CAPACITY_HIDDEN@": "" if data["capacity"] else "hidden",
        "@PROGRAM@": escaped(data["program"]),
        "@TIMES_HEIGHT@": f"{4 + 1.4 * len(data['times']):.0f}rem",
        "@DATA@": script_json(data),
        "@CHART_LIBRARY@": chart_library().replace("</script", "<\\/script"),
    }
    text = (HERE / "report.html.in").read_text(encoding="utf-8")
    # In one pass: what fills a hole is never searched for holes.
    return re.sub("|".join(holes), lambda match: holes[match[0]], text)
