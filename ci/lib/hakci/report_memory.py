# SPDX-License-Identifier: MIT
"""The sections on memory: adaptive capacity, the SuperSlab map, memory over time.
A section is (id, title, what it shows, what would be bad, its HTML, its charts)."""

import itertools
from dataclasses import dataclass, field

from .report_html import chart, escaped, figures, folded, paragraph, table

MIB = 1 << 20
SHOWN_SUPERSLABS = 15
DRAWN_TRACES = 2
PLACES = ("held", "cached", "remote", "free")
PLACE_WORDS = {"held": "held by the program", "cached": "in a thread's cache",
               "remote": "freed by another thread, not yet collected", "free": "free in its slab"}


@dataclass
class Section:
    identifier: str
    title: str
    shows: str  # one sentence
    bad: str  # what would be bad
    body: str = ""
    charts: list = field(default_factory=list)  # what the page's script draws


# --- Adaptive capacity -------------------------------------------------------

def _segments(points, end):
    """[[from, to, capacity]] of a class's log lines; a change starts a new one."""
    found = []
    for at_s, capacity in points:
        if found and found[-1][2] == capacity:
            continue
        if found:
            found[-1][1] = at_s
        found.append([at_s, end, capacity])
    return found


def class_bytes(number):
    """The stride of a size class: 8, every 16 up to 128, then four a doubling."""
    if number <= 8:
        return 16 * number or 8
    doubling, quarter = divmod(number - 9, 4)
    return (128 << doubling) * (5 + quarter) // 4


def _trace(number, trace):
    """The HTML and the chart of one program's log."""
    lanes = [{"label": f"{name}: {class_bytes(int(name)):,} B",
              "segments": _segments(points, trace["seconds"])}
             for name, points in trace["capacity_over_time"].items()]
    identifier = f"capacity-{number}"
    changes = f"{trace['grow_lines']} times a cache grew, {trace['shrink_lines']} times one shrank"
    label = f"Capacity of {len(lanes)} classes over {trace['seconds']} s: {changes}"
    rows = [[lane["label"], lane["segments"][0][2], max(s[2] for s in lane["segments"]),
             lane["segments"][-1][2], len(lane["segments"]) - 1] for lane in lanes]
    words = trace["program"].split()
    body = (f"<h3>{escaped(words[0].rsplit('/', 1)[-1])}: {changes}</h3>"
            + f"<p>From the log of <code>{escaped(trace['program'])}</code></p>"
            + chart(identifier, label, 5 + 1.5 * len(lanes))
            + folded("The same as a table", table(
                ["class and block size", "first", "most", "last", "changes"], rows,
                "slots of each class")))
    return body, {"id": identifier, "kind": "lanes", "lanes": lanes, "seconds": trace["seconds"]}


def adaptive(data):
    section = Section(
        "adaptive", "Adaptive caches: slots over time",
        "Each row is a size class (its number and its blocks' bytes); its colour is how many slots "
        "the cache has. "
        "A cache doubles when it is used to its limit, and halves when it is hardly used.",
        "rows that change colour all the time (the policy hunts), or that never change under load "
        "or never go back.")
    traces = [found.value for found in data.of("trace") if found.value["capacity_over_time"]]
    # First what went farthest, then the calmest: a log doesn't number heaps, and
    # several threads' lines in one row hide each other.
    in_order = sorted(traces, key=lambda t: (t["shrink_lines"] == 0, -t["highest_capacity"],
                                             t["grow_lines"]))
    for number, trace in enumerate(in_order[:DRAWN_TRACES]):
        body, drawn = _trace(number, trace)
        section.body += body
        section.charts.append(drawn)
    if len(traces) > DRAWN_TRACES:
        section.body += folded("Every program that ran with the log on", table(
            ["program", "grew", "shrank", "kept", "least slots", "most slots"],
            [[trace["program"], trace["grow_lines"], trace["shrink_lines"], trace["keep_lines"],
              trace["lowest_capacity"], trace["highest_capacity"]] for trace in in_order],
            "programs with the adaptive log on"))
    if not traces:
        section.body = paragraph(data.why_none(
            ("larson", "adaptive"), "This profile runs no program with the adaptive log on."),
            "none")
    return section


# --- The SuperSlab map -------------------------------------------------------

def _totals(superslabs):
    counts = {name: sum(slab[name] for superslab in superslabs for slab in superslab["slabs"])
              for name in PLACES}
    return counts, max(1, sum(counts.values()))


def _share(count, whole):
    percent = 100 * count / whole
    return f"{percent:.0f} %" if percent >= 1 or count == 0 else f"{percent:.1g} %"


def _superslab(identifier, superslab, number):
    """A picture of one SuperSlab with what it shows in words below."""
    counts, whole = _totals([superslab])
    used = bin(superslab["bitmap"]).count("1")
    words = ", ".join(f"{_share(counts[name], whole)} {name}" for name in PLACES)
    text = (f"SuperSlab {number} of heap {superslab['heap']}: {used} of 32 granules in slabs; "
            f"{words}")
    return (f"<figure><canvas id=\"{identifier}\" class=map role=img "
            f"aria-label=\"{escaped(text)}\"></canvas><figcaption><b>Heap {superslab['heap']}, SuperSlab {number}</b> "
            f"{used}/32 granules<br>{words}</figcaption></figure>")


def _legend(counts, whole):
    items = "".join(f"<li><span class=\"swatch {name}\"></span>{PLACE_WORDS[name]}: "
                    f"<b>{counts[name]:,}</b> ({_share(counts[name], whole)})</li>"
                    for name in PLACES)
    return (f"<ul class=legend>{items}<li><span class=\"swatch empty\"></span>granule in no slab"
            "</li></ul>")


def _chosen(superslabs):
    """Which are drawn: of each heap the ones with most in use, in turn."""
    heaps = {}
    for superslab in sorted(superslabs, key=lambda s: -bin(s["bitmap"]).count("1")):
        heaps.setdefault(superslab["heap"], []).append(superslab)
    turns = itertools.zip_longest(*(heaps[heap] for heap in sorted(heaps)))
    chosen = [superslab for turn in turns for superslab in turn if superslab is not None]
    return sorted(chosen[:SHOWN_SUPERSLABS], key=lambda s: s["heap"])


def _map(number, found):
    observed, shown = found.value, found.value["observation"]["map"]
    every = shown["superslabs"]
    chosen = _chosen(every)
    counts, whole = _totals(every)
    count = len(every) + shown["superslabs_left_out"]
    slabs = sum(len(superslab["slabs"]) for superslab in every)
    pictures, maps = "", []
    for place, superslab in enumerate(chosen):
        identifier = f"map-{number}-{place}"
        pictures += _superslab(identifier, superslab, place)
        maps.append({"id": identifier, "kind": "map", "bitmap": superslab["bitmap"],
                     "dirty": superslab["dirty"], "slabs": superslab["slabs"]})
    by_class = {}
    for superslab in every:
        for slab in superslab["slabs"]:
            row = by_class.setdefault(slab["stride_bytes"], dict.fromkeys(("slabs", *PLACES), 0))
            row["slabs"] += 1
            for name in PLACES:
                row[name] += slab[name]
    rows = [[stride, row["slabs"], *(row[name] for name in PLACES)]
            for stride, row in sorted(by_class.items())]
    some = ("" if count == len(chosen)
            else f"; {len(chosen)} are drawn, of each heap those with most in use")
    body = (f"<h3>{escaped(observed['scenario'])}, {observed['threads']} threads, "
            f"{shown['at_s']:.2f} s into the run</h3>"
            + paragraph(f"{count} SuperSlabs of 2 MiB{some}. {slabs:,} slabs with {whole:,} "
                        f"blocks; "
                        f"the program holds {shown['held_bytes'] / MIB:.1f} MiB.")
            + _legend(counts, whole)
            + f"<div class=maps>{pictures}</div>"
            + "<p class=hint role=status id=\"map-hint-" + str(number) + "\">"
            + "Point at or tap a granule to read what is in it.</p>"
            + folded("The same as a table", table(
                ["block bytes", "slabs", *PLACES], rows, "blocks of each size class")))
    return body, [{**drawn, "hint": f"map-hint-{number}"} for drawn in maps]


def superslab_map(data):
    section = Section(
        "map", "The SuperSlab map at its fullest",
        "Where every block was when the program held most. A picture is a SuperSlab of 32 granules "
        "(64 KiB each); a speck is a block.",
        "specks freed by others that nobody collects, or many granules that hold a few specks each "
        "while more SuperSlabs are mapped.")
    drawn = [found for found in data.of("observation") if found.value["observation"]["map"]]
    for number, found in enumerate(drawn):
        body, charts = _map(number, found)
        section.body += body
        section.charts += charts
    if not drawn:
        section.body = paragraph(data.why_none(
            ("observe",), "This profile observes no stress run from inside."), "none")
    return section


# --- Memory over time --------------------------------------------------------

SERIES = (("mapped_bytes", "mapped", "--series-0"), ("resident_bytes", "resident", "--series-1"),
          ("live_bytes", "live", "--series-2"))


def _memory(number, observed):
    samples = observed["observation"]["samples"]
    series = [{"label": word, "colour": colour,
               "dashed": word == "mapped",
               "points": [[round(sample["at_s"], 4), round(sample[key] / MIB, 3)]
                          for sample in samples if sample[key] is not None]}
              for key, word, colour in SERIES]
    series = [line for line in series if line["points"]]
    most = {line["label"]: max(point[1] for point in line["points"]) for line in series}
    last = {line["label"]: line["points"][-1][1] for line in series}
    identifier = f"memory-{number}"
    words = ", ".join(f"{name} {most[name]:.1f}" for name in most)
    label = (f"Memory of {observed['scenario']} over {samples[-1]['at_s']:.1f} s; at most, in MiB: "
             f"{words}")
    body = (f"<h3>{escaped(observed['scenario'])}, {observed['threads']} threads</h3>"
            + figures({**{f"most {name} MiB": round(value, 1) for name, value in most.items()},
                       **{f"{name} at the end": round(value, 1) for name, value in last.items()}})
            + chart(identifier, label))
    return body, {"id": identifier, "kind": "lines", "series": series, "x": "seconds",
                  "most": round(samples[-1]["at_s"], 2), "y": "MiB"}


def memory(data):
    section = Section(
        "memory", "Memory over time",
        "Mapped: address space held for blocks. Resident: what the OS has given the process, its "
        "stacks and tables included. Live: blocks held by the program or by caches.",
        "resident memory that rises from wave to wave while live memory does not, or stays far "
        "above it after the waves.")
    seen = [found.value for found in data.of("observation")
            if found.value["observation"]["samples"]]
    for number, observed in enumerate(seen):
        body, drawn = _memory(number, observed)
        section.body += body
        section.charts.append(drawn)
    if not seen:
        section.body = paragraph(data.why_none(
            ("observe",), "This profile observes no stress run from inside."), "none")
    return section
