# SPDX-License-Identifier: MIT
"""The comparison as text."""

HEADINGS = {
    "time": "Time, as a ratio to {reference}'s (lower is better): median (quartiles)",
    "peak_rss": "Peak RSS, as a ratio to {reference}'s",
    "minor_faults": "Minor faults, as a ratio to {reference}'s",
}
KIB, MIB = 1024, 1024 * 1024


def format_time(seconds):
    for unit, scale in (("s", 1), ("ms", 1e3), ("us", 1e6)):
        if seconds * scale >= 1:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def format_value(metric, value):
    if metric == "time":
        return format_time(value)
    return f"{value:.0f}" if metric == "minor_faults" else f"{value / MIB:.1f} MiB"


def format_ratio(ratio):
    if ratio is None:
        return "-"
    if ratio["count"] < 3:
        return f"{ratio['median']:.2f}"
    return f"{ratio['median']:.2f} ({ratio['low']:.2f}-{ratio['high']:.2f})"


def cell_text(cell, metric, is_reference):
    if "failure" in cell:
        return "FAILED"
    if metric not in cell:
        return "-"
    if is_reference:
        return format_value(metric, cell[metric]["value"]["median"])
    return format_ratio(cell[metric]["ratio"])


def layout(lines):
    """Columns aligned, the first to the left."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join("  ".join([line[0].ljust(widths[0])] + [
        text.rjust(width) for text, width in zip(line[1:], widths[1:])]).rstrip()
        for line in lines)


def metric_table(report, metric):
    names, reference = report["allocators"], report["reference"]
    lines = [["row", *names]]
    for key, cells in report["rows"].items():
        lines.append([key, *(cell_text(cells[n], metric, n == reference) for n in names)])
    mean = report["geometric_means"][metric]
    lines.append([f"geometric mean of {mean['rows']} rows", *(
        f"{mean['means'][n]:.2f}" if mean["means"][n] else "-" for n in names)])
    return layout(lines)


def return_table(report):
    """RSS right after the free and a little later, beside the peak."""
    lines = [["row", *report["allocators"]]]
    for key, cells in report["rows"].items():
        if not any("after_free_rss" in cell for cell in cells.values()):
            continue
        line = [key]
        for name in report["allocators"]:
            cell = cells[name]
            if "after_free_rss" not in cell:
                line.append("FAILED" if "failure" in cell else "-")
                continue
            parts = [f"{cell[m]['value']['median'] / MIB:.1f}"
                     for m in ("peak_rss", "after_free_rss", "settled_rss") if m in cell]
            line.append(" > ".join(parts))
        lines.append(line)
    return layout(lines) if len(lines) > 1 else None


def caches_table(report):
    """What the TLS caches of all threads took at the end: hakmem's only."""
    names = [name for name in report["allocators"]
             if any("tls_caches" in cells[name] for cells in report["rows"].values())]
    lines = [["row", *names]]
    for key, cells in report["rows"].items():
        line = ["FAILED" if "failure" in cells[name] else
                f"{cells[name]['tls_caches']['value']['median'] / KIB:.0f}"
                if "tls_caches" in cells[name] else "-" for name in names]
        if set(line) != {"-"}:
            lines.append([key, *line])
    return layout(lines) if names else None


def best_table(report):
    lines = [["row", "best peer", "speed against it"]]
    for key, best in report["against_best"].items():
        if best is not None:
            lines.append([key, best["peer"], format_ratio(best["speed"])])
    return layout(lines) if len(lines) > 1 else None


def failures(report):
    return [f"{key} on {name}: {cell['failure']}" for key, cells in report["rows"].items()
            for name, cell in cells.items() if "failure" in cell]


def text(report):
    """The whole report."""
    parts = []
    for metric, heading in HEADINGS.items():
        parts += [heading.format(reference=report["reference"]), metric_table(report, metric), ""]
    returned = return_table(report)
    if returned:
        parts += ["RSS in MiB: peak > right after the free > half a second later", returned, ""]
    caches = caches_table(report)
    if caches:
        parts += ["TLS caches of all threads at the end of the timed part, in KiB", caches, ""]
    best = best_table(report)
    if best:
        parts += [f"{report['subject']} against the fastest peer of each row (above 1: faster)",
                  best, ""]
    failed = failures(report)
    parts += [f"FAILED {line}" for line in failed]
    return "\n".join(parts).rstrip() + "\n"
