# SPDX-License-Identifier: MIT
"""The comparison as one self-contained page: charts first, tables below."""

import html
import json
from pathlib import Path

from hakci.common import UsageError

from . import table

CHART_LIBRARY = Path("/usr/share/javascript/chart.js/chart.min.js")
HERE = Path(__file__).resolve().parent
CHARTS = ("time", "peak_rss", "minor_faults")
TITLES = {"time": "Time", "peak_rss": "Peak RSS", "minor_faults": "Minor faults"}
# Chart height: room for the axis and for each row of dots.
AXIS_PIXELS, ROW_PIXELS = 70, 28


def require_chart_library():
    if not CHART_LIBRARY.exists():
        raise UsageError(f"no {CHART_LIBRARY}; install the package libjs-chart.js")


def chart_data(report):
    """What page.js draws: per metric the row names and a series per allocator."""
    names = [name for name in report["allocators"] if name != report["reference"]]
    data = {}
    for metric in CHARTS:
        # Rows without a figure, as an idle process's time, would be empty lines.
        keys = [key for key, cells in report["rows"].items()
                if any(_point(cells[name], metric) for name in names)]
        series = [{"name": name, "points": [_point(report["rows"][key][name], metric)
                                            for key in keys]} for name in names]
        data[metric] = {"rows": keys, "series": series}
    return data


def _point(cell, metric):
    ratio = cell.get(metric, {}).get("ratio") if "failure" not in cell else None
    return [ratio["median"], ratio["low"], ratio["high"]] if ratio else None


def _cell(cell, metric, is_reference, best):
    text = html.escape(table.cell_text(cell, metric, is_reference))
    if "failure" in cell:
        return f'<td class="failed" title="{html.escape(cell["failure"])}">{text}</td>'
    return f'<td class="best">{text}</td>' if best else f"<td>{text}</td>"


def _best_name(cells, metric):
    """The allocator with the lowest median, when more than one has any."""
    medians = {name: cell[metric]["value"]["median"] for name, cell in cells.items()
               if "failure" not in cell and metric in cell}
    return min(medians, key=medians.get) if len(medians) > 1 else None


def metric_html(report, metric):
    names, reference = report["allocators"], report["reference"]
    head = "".join(f"<th>{html.escape(name)}</th>" for name in names)
    body = []
    for key, cells in report["rows"].items():
        best = _best_name(cells, metric)
        body.append(f"<tr><th>{html.escape(key)}</th>" + "".join(
            _cell(cells[n], metric, n == reference, n == best) for n in names) + "</tr>")
    mean = report["geometric_means"][metric]
    foot = "".join(f"<td>{mean['means'][n]:.2f}</td>" if mean["means"][n] else "<td>-</td>"
                   for n in names)
    return (f'<div class="scroll"><table><thead><tr><th>row</th>{head}</tr></thead>'
            f"<tbody>{''.join(body)}</tbody><tfoot><tr><th>geometric mean of {mean['rows']} rows"
            f"</th>{foot}</tr></tfoot></table></div>")


def _section(report, metric, row_count):
    height = AXIS_PIXELS + ROW_PIXELS * row_count
    about = html.escape(table.HEADINGS[metric].format(reference=report["reference"]))
    return (f'<section><h2>{TITLES[metric]}</h2><p class="quiet">{about}</p>'
            f'<div class="chart" style="height:{height}px"><canvas id="chart-{metric}" role="img"'
            f' aria-label="{about}; the figures are in the table below"></canvas></div>'
            f"<details><summary>Figures</summary>{metric_html(report, metric)}</details></section>")


def _text_section(title, text):
    return (f"<section><h2>{html.escape(title)}</h2><pre>{html.escape(text)}</pre></section>"
            if text else "")


def _facts(report):
    facts = {**report["facts"], "rounds": report["plan"]["rounds"],
             "seconds a run": report["plan"]["seconds"]}
    return "".join(f"<div><dt>{html.escape(str(k).replace('_', ' '))}</dt>"
                   f"<dd>{html.escape(str(v))}</dd></div>" for k, v in facts.items())


def _failures(report):
    failed = table.failures(report)
    if not failed:
        return ""
    items = "".join(f"<li>{html.escape(line)}</li>" for line in failed)
    return f'<section class="failed"><h2>Failed runs</h2><ul>{items}</ul></section>'


def render(report):
    """The page. `</` is escaped in the data so that no name can end the script."""
    require_chart_library()
    data = chart_data(report)
    parts = {
        "@FACTS@": _facts(report),
        "@FAILURES@": _failures(report),
        "@SECTIONS@": "".join(_section(report, metric, len(data[metric]["rows"]))
                               for metric in CHARTS),
        "@RETURN@": _text_section("Memory given back, in MiB: peak > right after the free >"
                                  " half a second later", table.return_table(report)),
        "@CACHES@": _text_section("TLS caches of all threads at the end of the timed part, in KiB",
                                  table.caches_table(report)),
        "@BEST@": _text_section(f"{report['subject']} against the fastest peer (above 1: faster)",
                                table.best_table(report)),
        "@REFERENCE@": html.escape(report["reference"]),
        "@DATA@": json.dumps(data).replace("</", "<\\/"),
        "@SCRIPT@": (HERE / "page.js").read_text(encoding="utf-8"),
        "@CHART_LIBRARY@": CHART_LIBRARY.read_text(encoding="utf-8"),
    }
    text = (HERE / "page.html.in").read_text(encoding="utf-8")
    for mark, value in parts.items():
        text = text.replace(mark, value)
    return text
