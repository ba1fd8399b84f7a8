# SPDX-License-Identifier: MIT
"""The sections on what was searched for and found: stability, the race hunt,
fuzzing, planted bugs, benchmarks."""

from .report_data import bench_results
from .report_html import chart, escaped, folded, paragraph, preformatted, table
from .report_memory import Section

MOST_TABLE_LINES = 400
NEAR_PERCENT = 97  # of a ceiling: drawn


# --- Stability ---------------------------------------------------------------

def _bound_text(value):
    return f"{100 * value:.2g} %"


def stability(data):
    section = Section(
        "stability", "Stability",
        "Runs that don't depend on each other, each a process of its own with a seed of its own. "
        "So many passes exclude a higher failure rate than the bound, with 95 % confidence.",
        "one failure, whatever the bound; or a bound above the rate that you must exclude.")
    found = data.of("stability")
    whole = [item.value for item in found if item.stage["group"] != "runs"]
    whole_titles = [item.stage["title"] for item in found if item.stage["group"] != "runs"]
    single = [item.value for item in found if item.stage["group"] == "runs"]
    for number, value in enumerate(whole):
        passes, runs = value["passes"], value["runs"]
        good = passes == runs
        section.body += (
            f"<h3>{escaped(whole_titles[number])}</h3>"
            f"<p class=\"big {'good' if good else 'bad'}\">{passes:,} of {runs:,} passed</p>"
            + paragraph(f"Failure rate below {_bound_text(value['failure_rate_bound'])} (95 %), at "
                        f"{value['threads']} threads, from seed {value['seed']}.")
            + chart(f"stability-{number}", f"How the bound falls with the number of passes: at "
                    f"{runs} runs {_bound_text(value['failure_rate_bound'])}", 13)
            + folded("Runs of each scenario", table(
                ["scenario", "runs", "failures"],
                [[row["scenario"], row["runs"], ("bad", row["failures"]) if row["failures"] else 0]
                 for row in value["scenarios"]], "stability: runs of each scenario")))
        section.charts.append({"id": f"stability-{number}", "kind": "bound", "runs": runs,
                               "bound": value["failure_rate_bound"]})
    if single:
        rows = [[row["scenario"], row["runs"], ("bad", row["failures"]) if row["failures"] else 0,
                 _bound_text(value["failure_rate_bound"])]
                for value in single for row in value["scenarios"]]
        section.body += table(["scenario", "runs", "failures", "rate below"], rows,
                              "independent runs of one scenario")
    if not found:
        section.body = paragraph(data.why_none(("stability", "runs"),
                                               "This profile runs no stability stage."), "none")
    return section


# --- The race hunt -----------------------------------------------------------

def interleaving(text):
    """The table of a hunt's log: from its headline to its token."""
    lines = text.split("\n")
    starts = [number for number, line in enumerate(lines) if line.startswith(" step |")]
    if not starts:
        return ""
    first = max(0, starts[0] - 1)
    last = next((number for number in range(starts[0], len(lines))
                 if lines[number].startswith("replay:")), len(lines) - 1)
    return "\n".join(lines[first:min(last + 1, first + MOST_TABLE_LINES)])


def _is_control(item):
    return "control" in item.stage["name"]


def _finding(data, item):
    value = item.value
    return (f"<h3>{escaped(value['scenario'])}: {escaped(value['finding']['failure'])}</h3>"
            + paragraph(value["finding"]["text"])
            + preformatted(interleaving(data.log_of(item.stage)) or value.get("token", "")))


def _controls(data, items):
    rows = [[item.value["scenario"], item.value["schedules"],
             item.value["finding"]["failure"] if item.value["found"] else ("bad", "NOT FOUND")]
            for item in items]
    found = sum(item.value["found"] for item in items)
    body = paragraph(f"{found} of {len(items)} planted races found: textbook bugs that the hunter "
                     "must find, or its silence above says nothing.")
    body += folded("Planted races and the schedules it took", table(
        ["planted race", "schedules", "found"], rows, "planted races"))
    shown = "".join(f"<h3>{escaped(item.value['scenario'])}</h3>"
                    + preformatted(interleaving(data.log_of(item.stage)))
                    for item in items if item.value["found"])
    return body + (folded("How each of them breaks, step by step", shown) if shown else "")


def hunt(data):
    section = Section(
        "hunt", "Race hunt",
        "Each scenario's threads were run one step at a time in as many orders as the budget "
        "allowed. A failure shows its table: a column for each thread, a row for each step.",
        "a failure; or few schedules, which is little searched. \"Complete\": no order within "
        "the strategy's bound is left.")
    items = [item for item in data.of("hunt") if not _is_control(item)]
    controls = [item for item in data.of("hunt") if _is_control(item)]
    failures = [item for item in items if item.value["found"]]
    schedules = sum(item.value["schedules"] for item in items)
    if items:
        section.body = (f"<p class=\"big {'bad' if failures else 'good'}\">{schedules:,} "
                        f"schedules of {len(items)} scenarios: {len(failures) or 'no'} "
                        f"{'failure' if len(failures) == 1 else 'failures'}</p>")
    section.body += "".join(_finding(data, item) for item in failures)
    if items:
        rows = [[item.value["scenario"], item.value["schedules"], item.value["steps"],
                 item.value["strategy"], "complete" if item.value["complete"] else "sampled",
                 ("bad", item.value["finding"]["failure"]) if item.value["found"] else "nothing"]
                for item in sorted(items, key=lambda i: (not i.value["found"],
                                                         i.value["scenario"]))]
        section.body += chart("hunt-chart", f"Schedules explored of {len(items)} scenarios",
                              4 + 1.35 * len(items))
        section.charts.append({"id": "hunt-chart", "kind": "bars", "x": "schedules explored",
                               "log": True, "labels": [row[0] for row in rows],
                               "values": [row[1] for row in rows],
                               "bad": [isinstance(row[5], tuple) for row in rows]})
        section.body += folded("The same as a table", table(
            ["scenario", "schedules", "steps", "strategy", "searched", "found"], rows,
            "hunt scenarios"))
    if controls:
        section.body += _controls(data, controls)
    if not items and not controls:
        section.body = paragraph(data.why_none(("hunt", "control.hunt"),
                                               "This profile does not hunt."), "none")
    return section


# --- Fuzzing -----------------------------------------------------------------

def _coverage(data):
    found = data.of("coverage")
    if not found:
        return paragraph(data.why_none(
            ("coverage",), "Lines and branches covered: measured by ci/validate --full, and by "
            "ci/fuzz-coverage."), "none"), []
    value = found[-1].value
    names = sorted(value)
    rows = [[name, value[name]["lines"], value[name]["branches"]] for name in names]
    body = chart("coverage-chart", "Lines and branches covered of each component: "
                 + ", ".join(f"{row[0]} {row[1]} and {row[2]} %" for row in rows),
                 6 + 2 * len(names))
    body += folded("The same as a table", table(["component", "lines %", "branches %"], rows,
                                                "coverage by the fuzz targets"))
    return body, [{"id": "coverage-chart", "kind": "groups", "x": "% covered", "max": 100,
                   "labels": names, "series": [
                       {"label": what, "colour": colour, "values": [value[n][what] for n in names]}
                       for what, colour in (("lines", "--series-0"), ("branches", "--series-2"))]}]


def fuzz(data):
    section = Section(
        "fuzz", "Fuzzing",
        "libFuzzer made up inputs for each component and compared it with a model. Coverage: how "
        "much of the component's own code the kept inputs reach, with the checks left out.",
        "a finding; few executions; or code that no input reaches.")
    stages = [stage for stage in data.stages("fuzz.") if stage["figures"]]
    if stages:
        rows = [[stage["name"].removeprefix("fuzz."), *(stage["figures"].get(name, 0) for name in (
            "executions", "executions_per_s", "edges_covered", "corpus_inputs")),
                 "nothing" if stage["status"] == "pass" else ("bad", "see its log")]
                for stage in stages]
        section.body = table(["target", "executions", "a second", "edges", "inputs kept", "found"],
                             rows, "fuzz targets")
    else:
        section.body = paragraph(data.why_none(("fuzz.",), "This profile does not fuzz."), "none")
    coverage, section.charts = _coverage(data)
    section.body += coverage
    return section


# --- Planted bugs ------------------------------------------------------------

def bank(data):
    section = Section(
        "bank", "Planted bugs",
        "One known bug at a time was put into a copy of the allocator, and the detector that is "
        "responsible had to find it and say the right thing.",
        "a bug that is not found: that detector's silence in the other sections means nothing.")
    found = data.of("bank")
    for value in (item.value for item in found):
        good = value["bugs_found"] == value["bugs_planted"]
        section.body += (f"<p class=\"big {'good' if good else 'bad'}\">{value['bugs_found']} of "
                         f"{value['bugs_planted']} found</p>")
        rows = [[row["detector"], row["breaks"], row["finder"],
                 row["message"] if row["found"] else ("bad", f"{row['verdict']}: {row['message']}"),
                 row["seconds"]] for row in value["bugs"]]
        section.body += table(["detector", "planted bug", "found by", "it said", "seconds"], rows,
                              "planted bugs")
        quiet = sum(run["verdict"] == "not found" for row in value["controls"]
                    for run in row.get("runs", []))
        section.body += paragraph(
            f"On the sources as they are the same detectors ran {len(value['controls'])} times and "
            f"{'found nothing' if quiet == len(value['controls']) else 'FOUND SOMETHING'}.")
    if not found:
        section.body = paragraph(data.why_none(("control.bugbank",),
                                               "This profile plants no bugs."), "none")
    return section


# --- Benchmarks --------------------------------------------------------------

def _comparison(value):
    reference = value["reference"]
    names = [name for name in value["allocators"] if name != reference]
    metrics = [("time", "time", "--series-0"), ("peak_rss", "peak memory", "--series-2")]
    means = {key: value["geometric_means"][key]["means"] for key, _, _ in metrics}
    names = [name for name in names if all(means[key].get(name) for key, _, _ in metrics)]
    rows = [[name, *(round(means[key][name], 3) for key, _, _ in metrics)] for name in names]
    body = paragraph(f"Each against {reference}'s on the same machine, geometric mean over "
                     f"{value['geometric_means']['time']['rows']} workloads: below 1 is better.")
    body += chart("bench-chart", "; ".join(f"{row[0]}: time {row[1]}, memory {row[2]}"
                                           for row in rows), 6 + 2.2 * len(names))
    body += folded("The same as a table", table(
        ["allocator", *(word for _, word, _ in metrics)], rows, f"ratios to {reference}'s"))
    return body, {"id": "bench-chart", "kind": "groups", "x": f"ratio to {reference}'s",
                  "line": 1, "labels": names, "series": [
                      {"label": word, "colour": colour, "values": [means[key][n] for n in names]}
                      for key, word, colour in metrics]}


def _instructions(value):
    names, work = value["allocators"], value["instructions"]
    rows = [[what, *(work[what].get(name, "") for name in names)] for what in work]
    body = paragraph("Instructions for one round of each call, counted by Valgrind: fewer is "
                     "better.")
    body += chart("instructions-chart", "Instructions of each allocator: " + "; ".join(
        f"{row[0]}: {', '.join(f'{n} {v}' for n, v in zip(names, row[1:]))}" for row in rows),
        6 + 1.1 * len(work) * len(names))
    body += folded("The same as a table", table(["call", *names], rows, "instructions"))
    return body, {"id": "instructions-chart", "kind": "groups", "x": "instructions",
                  "labels": list(work), "series": [
                      {"label": name, "colour": f"--series-{place % 6}",
                       "values": [work[what].get(name) for what in work]}
                      for place, name in enumerate(names)]}


def _when(value):
    facts = value.get("facts", {})
    return paragraph(f"Measured on commit {facts.get('commit', 'unknown')}, "
                     f"{facts.get('date', 'at an unknown time')}; not by this run.")


def _of_ceilings(value):
    """[[what, measured, ceiling, percent]]: instructions first, as they came."""
    rows = []
    for metric, limits in value["ceilings"].items():
        for name, limit in limits.items() if isinstance(limits, dict) else ():
            measured = value["measured"].get(metric, {}).get(name)
            if measured is not None and limit:
                rows.append([f"{metric.replace('_', ' ')} {name}", measured, limit,
                             round(100 * measured / limit, 1)])
    return rows


def _performance(value):
    rows = _of_ceilings(value)
    near = [row for row in rows if row[3] >= NEAR_PERCENT or row[0].startswith("instructions")]
    over = [row[0] for row in rows if row[3] > 100]
    body = (f"<p class=\"big {'bad' if over else 'good'}\">{len(rows) - len(over)} of {len(rows)} "
            "figures within their recorded ceilings</p>")
    body += chart("ceilings-chart", "Percent of the ceiling: " + "; ".join(
        f"{row[0]} {row[3]}" for row in near), 4 + 1.35 * len(near))
    body += folded("Every figure and its ceiling", table(
        ["what", "measured", "ceiling", "% of it"],
        [[*row[:3], ("bad", row[3]) if row[3] > 100 else row[3]] for row in rows],
        "performance gate"))
    return body, {"id": "ceilings-chart", "kind": "bars",
                  "x": f"% of the ceiling (instructions, and from {NEAR_PERCENT} %)",
                  "labels": [row[0] for row in near], "values": [row[3] for row in near],
                  "bad": [row[3] > 100 for row in near]}


def bench(data):
    section = Section(
        "bench", "Benchmarks",
        "The performance gate where this profile has it, and the last results of ci/bench in this "
        "tree: speed and memory beside other allocators.",
        "a figure above its ceiling; hakmem behind its peers; results from a much older commit.")
    for found in data.of("performance")[:1]:
        section.body, drawn = _performance(found.value)
        section.charts.append(drawn)
    for value, draw in zip(bench_results(), (_comparison, _instructions)):
        if value:
            body, drawn = draw(value)
            section.body += _when(value) + body
            section.charts.append(drawn)
    if not section.body:
        section.body = paragraph("No results: ci/bench has not been run in this tree; it writes "
                                 "them to out/bench.", "none")
    return section
