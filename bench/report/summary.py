# SPDX-License-Identifier: MIT
"""From runs to figures: medians, paired ratios, geometric means. Pure."""

from .stats import geometric_mean, paired_ratios, spread


def _time(result):
    # An idle process is about memory; how fast it does next to nothing says nothing.
    if result.get("workload") == "idle":
        return None
    return result["seconds"] / result["operations"]


METRICS = {
    # name: (what it is, how to get it from one run's JSON)
    "time": ("seconds per operation", _time),
    "peak_rss": ("peak RSS, bytes", lambda r: r["peak_rss_bytes"]),
    "minor_faults": ("minor faults", lambda r: r["minor_faults"]),
    "tls_caches": ("TLS caches at the end, bytes", lambda r: r.get("tls_cache_bytes")),
    "after_free_rss": ("RSS right after the free, bytes", lambda r: r["after_free_rss_bytes"]),
    "settled_rss": ("RSS half a second later, bytes", lambda r: r["settled_rss_bytes"]),
}
# The share of its own peak that an allocator keeps once the program freed all.
KEPT_SHARE = ("after_free_rss", "peak_rss")


def _series(per_round, metric):
    extract = METRICS[metric][1]
    values = {number: extract(result) for number, result in per_round.items()}
    return {number: value for number, value in values.items() if value is not None}


def _ratio(subject, reference, metric):
    return spread(paired_ratios(_series(subject, metric), _series(reference, metric)))


def summarize_row(runs, row, allocators, reference):
    """{allocator: {"failure": text} or {metric: {"value": .., "ratio": ..}}}"""
    results = runs.results.get(row.key, {})
    failures = runs.failures.get(row.key, {})
    cells = {}
    for allocator in allocators:
        name = allocator.name
        if name in failures:
            cells[name] = {"failure": failures[name]}
            continue
        cells[name] = {}
        for metric in METRICS:
            value = spread(_series(results.get(name, {}), metric).values())
            if value is None:
                continue
            ratio = None
            if reference not in failures and reference in results:
                ratio = _ratio(results[name], results[reference], metric)
            cells[name][metric] = {"value": value.as_dict(),
                                   "ratio": ratio.as_dict() if ratio else None}
    return cells


def means(table, allocators, metric):
    """Geometric mean of the median ratios, over the rows every allocator has."""
    def median(cells, name):
        ratio = cells[name].get(metric, {}).get("ratio")
        return ratio["median"] if ratio else None

    names = [allocator.name for allocator in allocators]
    complete = [cells for cells in table.values()
                if all((median(cells, name) or 0) > 0 for name in names)]
    return {name: geometric_mean(median(cells, name) for cells in complete)
            for name in names}, len(complete)


def against_best(runs, row, subject, peers):
    """The fastest peer of a row and how much faster `subject` is (> 1: faster).

    None when the subject or every peer has no result.
    """
    results = runs.results.get(row.key, {})
    failures = runs.failures.get(row.key, {})
    if subject not in results or subject in failures:
        return None
    candidates = []
    for peer in peers:
        if peer in failures or peer not in results:
            continue
        ratio = _ratio(results[peer], results[subject], "time")
        if ratio is not None:
            candidates.append((ratio.median, peer, ratio))
    if not candidates:
        return None
    _, peer, ratio = min(candidates)
    return {"peer": peer, "speed": ratio.as_dict()}


def summarize(runs, rows, allocators, reference, subject):
    """Everything the table, the JSON and the page show."""
    names = [allocator.name for allocator in allocators]
    peers = [a.name for a in allocators if a.name not in (subject, "glibc") and not a.is_ours]
    table = {row.key: summarize_row(runs, row, allocators, reference) for row in rows}
    geometric = {}
    for metric in ("time", "peak_rss", "minor_faults"):
        values, count = means(table, allocators, metric)
        geometric[metric] = {"rows": count, "means": values}
    best = {row.key: against_best(runs, row, subject, peers) for row in rows}
    return {"rows": table, "geometric_means": geometric,
            "against_best": best if subject in names else {}}
