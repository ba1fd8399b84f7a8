# SPDX-License-Identifier: MIT
"""ci/bench's command line: what is asked for, and which module does it."""

import argparse
import os
import re
import sys
import tempfile
import time
from pathlib import Path

from hakci.common import FOUND, OK, ROOT, Parser, UsageError, output_file, output_of, own_folder
from hakci.common import whole_number, why_unwritable, write_atomically, write_json

from . import build, gate, gate_measure, instructions, page, programs, rows, schedule, summary
from . import table
from .allocators import DEFAULT, demand_preloadable, resolve, resolve_all
from .measure import Failure, run_workload

QUICK = {"rounds": 3, "seconds": 0.1, "threads": [1, 4], "size": 1}
FULL = {"rounds": 7, "seconds": 0.4, "threads": [1, 2, 4], "size": 4}
PROGRAM_TIMEOUT_SECONDS = 300
SUBJECT = "hakmem"
CEILINGS = ROOT / "bench/ceilings.json"


def name_list(text):
    names = [name for name in text.split(",") if name]
    if not names:
        raise argparse.ArgumentTypeError("the list is empty")
    return names


def thread_list(text):
    if not re.fullmatch(r"[0-9]+(,[0-9]+)*", text):
        raise argparse.ArgumentTypeError(f"'{text}' is no list of thread counts, as 1,4")
    counts = list(dict.fromkeys(int(part) for part in text.split(",")))
    if not all(1 <= count <= 64 for count in counts):
        raise argparse.ArgumentTypeError("thread counts are from 1 to 64")
    return counts


def seconds(text):
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0.001 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"'{text}' is no time from 0.001 to 3600 seconds")
    return value


def parser():
    p = Parser("ci/bench", description="Compares allocators, interleaved and in random order.",
               epilog="Exit status: 0 done, 1 a run failed or the gate is breached, 2 usage."
                      " See docs/BENCHMARKING.md.")
    p.add_argument("--quick", action="store_true", help="a dozen workloads, 3 short rounds")
    p.add_argument("--allocators", type=name_list, default=list(DEFAULT), metavar="LIST",
                   help="comma-separated: glibc, hakmem, mimalloc, jemalloc, tcmalloc,"
                        " hakmem-static, hakmem-inline, hakmem-fixed-64, -256, -2048, hakmem-reuse,"
                        " NAME=/path/lib.so (default: the first five)")
    p.add_argument("--reference", default="glibc", metavar="NAME",
                   help="what ratios are to (default glibc)")
    p.add_argument("--subject", metavar="NAME",
                   help="whose speed is compared with the best peer's, and what the gate holds"
                        " (default hakmem; NAME=/path/lib.so with --gate)")
    p.add_argument("--workloads", type=name_list, metavar="LIST",
                   help="only these; with --gate also WORKLOAD/THREADS")
    p.add_argument("--threads", type=thread_list, metavar="LIST", help="thread counts, as 1,4")
    p.add_argument("--rounds", type=whole_number(1, 1000), metavar="N", help="(default 7)")
    p.add_argument("--seconds", type=seconds, metavar="T",
                   help="how long a run takes on the reference (default 0.4)")
    p.add_argument("--seed", type=whole_number(0, 2**62), default=1, metavar="S",
                   help="of the order and the workloads (default 1)")
    p.add_argument("--programs", action=argparse.BooleanOptionalAction, default=None,
                   help="also whole programs (default: unless --workloads is given)")
    p.add_argument("--instructions", action="store_true",
                   help="count instructions of the malloc/free pair instead")
    p.add_argument("--gate", action="store_true", help="compare with the recorded ceilings")
    p.add_argument("--record", action="store_true", help="with --gate: write or lower the ceilings")
    p.add_argument("--ceilings", type=Path, metavar="FILE",
                   help="with --gate: these (default bench/ceilings.json)")
    p.add_argument("--out", type=Path, default=ROOT / "out/bench", metavar="DIR",
                   help="where report.txt, report.json and report.html go (default out/bench)")
    p.add_argument("--json", type=output_file, metavar="FILE", help="also write the JSON here")
    p.add_argument("--bench-dir", type=Path, metavar="DIR",
                   help="use hakmem-bench from here instead of building it")
    return p


def say(text):
    print(text, file=sys.stderr, flush=True)


def facts(options):
    return {"machine": output_of("uname", "-srm"), "processors": os.cpu_count(),
            "libc": output_of("getconf", "GNU_LIBC_VERSION"),
            "commit": output_of("git", "rev-parse", "--short", "HEAD"),
            "huge_pages": _huge_pages(), "seed": options.seed,
            "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())}


def _huge_pages():
    try:
        text = Path("/sys/kernel/mm/transparent_hugepage/enabled").read_text()
        return re.search(r"\[(\w+)\]", text).group(1)
    except (OSError, AttributeError):
        return "unknown"


def write_report(options, report, text, with_page):
    write_json(options.out / "report.json", report)
    write_atomically(options.out / "report.txt", text)
    if with_page:
        write_atomically(options.out / "report.html", page.render(report))
    if options.json:
        write_json(options.json, report)
    say(f"ci/bench: wrote {options.out}/report.{{txt,json{',html' if with_page else ''}}}")


def workload_runner(tools, row, allocators, plan, seed, folder):
    """run(allocator, round) with as many operations as take the planned time."""
    operations = schedule.calibrate(tools, row, allocators, plan["seconds"], seed, folder)
    if operations is None:
        return lambda allocator, _round: Failure("no allocator can run this row")
    timeout = schedule.timeout_for(plan["seconds"])
    # The round varies the seed, and no allocator gets another's.
    return lambda allocator, number: run_workload(
        tools, row, allocator, ["--operations", operations], seed + number, folder, timeout)


def make_plan(options):
    plan = dict(QUICK if options.quick else FULL)
    for name in ("rounds", "seconds", "threads"):
        if getattr(options, name) is not None:
            plan[name] = getattr(options, name)
    return plan


def choose_rows(options, plan, tools):
    names = options.workloads
    if names is None and options.quick:
        names = rows.QUICK_WORKLOADS
    chosen = rows.select(rows.list_workloads(tools.bench), names, plan["threads"])
    with_programs = options.workloads is None if options.programs is None else options.programs
    program_rows, absent = programs.program_rows() if with_programs else ([], [])
    if absent:
        say(f"ci/bench: not installed, so not measured: {', '.join(absent)}")
    return chosen, program_rows


def compare(options, tools, allocators):
    """The comparison proper. Exit status 1 when any run failed."""
    plan = make_plan(options)
    names = [allocator.name for allocator in allocators]
    subject = options.subject or SUBJECT
    chosen, program_rows = choose_rows(options, plan, tools)
    if program_rows and any(allocator.is_linked for allocator in allocators):
        raise UsageError("hakmem-static and hakmem-inline are linked into hakmem-bench;"
                         " other programs cannot run on them: add --no-programs")
    reference_first = sorted(allocators, key=lambda a: a.name != options.reference)
    with tempfile.TemporaryDirectory(prefix="hakmem-bench-") as temporary:
        folder = Path(temporary)
        say(f"ci/bench: calibrating {len(chosen)} rows")
        runners = {row.key: workload_runner(tools, row, reference_first, plan, options.seed, folder)
                   for row in chosen}
        runners |= {row.key: programs.runner_for(row, tools.launcher, folder, plan["size"],
                                                 PROGRAM_TIMEOUT_SECONDS) for row in program_rows}
        every = [*chosen, *program_rows]
        runs = schedule.run_all(runners, every, allocators, plan["rounds"], options.seed,
                                progress_of(plan["rounds"], len(every) * len(allocators)))
    report = {"program": "ci/bench", "version": 1, "facts": facts(options), "plan": plan,
              "allocators": names, "reference": options.reference, "subject": subject,
              **summary.summarize(runs, every, allocators, options.reference, subject),
              "runs": runs.results}
    text = table.text(report)
    write_report(options, report, text, with_page=True)  # printing may fail
    print(text, end="")
    return FOUND if table.failures(report) else OK


def progress_of(rounds, per_round):
    """Says four times a round how far it is."""
    state = {"done": 0}

    def progress(number, row, allocator):
        if state["done"] % max(1, per_round // 4) == 0:
            say(f"ci/bench: round {number + 1} of {rounds}, run {state['done'] + 1} of"
                f" {rounds * per_round}: {row.key} on {allocator.name}")
        state["done"] += 1
    return progress


def count_instructions(options, tools, allocators):
    if any(allocator.name == "hakmem-inline" for allocator in allocators):
        raise UsageError("the counted loops call through pointers, which inlines nothing;"
                         " leave out hakmem-inline")
    instructions.require_valgrind()
    counts = instructions.count_all(tools, allocators,
                                    lambda shape, a: say(f"ci/bench: {shape} on {a.name}"))
    names = [allocator.name for allocator in allocators]
    failed = [f"{shape} on {name}: {value.reason}" for shape, per in counts.items()
              for name, value in per.items() if isinstance(value, Failure)]
    shown = {shape: {name: None if isinstance(value, Failure) else value
                     for name, value in per.items()} for shape, per in counts.items()}
    lines = [["instructions in the allocator", *names]] + [
        [shape, *("FAILED" if value is None else f"{value:.1f}" for value in per.values())]
        for shape, per in shown.items()]
    text = table.layout(lines) + "\n" + "".join(f"FAILED {line}\n" for line in failed)
    write_report(options, {"program": "ci/bench --instructions", "version": 1,
                           "facts": facts(options), "allocators": names, "instructions": shown,
                           "failures": failed}, text, with_page=False)
    print(text, end="")
    return FOUND if failed else OK


def run_gate(options, tools, subject):
    instructions.require_valgrind()
    ceilings = gate.empty_ceilings()
    if options.ceilings.exists() or not options.record:
        ceilings = gate.load(options.ceilings)
    with tempfile.TemporaryDirectory(prefix="hakmem-gate-") as folder:
        measured = gate_measure.measure(
            tools, subject, options.workloads, options.seed, folder,
            lambda row, a: say(f"ci/bench: gate, {row} on {a.name}"))
    if options.record:
        ceilings = gate.record(measured, ceilings)
        gate.save(options.ceilings, ceilings)
        say(f"ci/bench: wrote {options.ceilings}")
    breaches = gate.compare(measured, ceilings)
    if options.json:
        write_json(options.json, {"program": "ci/bench --gate", "version": 1,
                                  "subject": subject.name, "measured": measured,
                                  "ceilings": ceilings, "breaches": [str(b) for b in breaches]})
    print(table.layout([["gate", "measured", "ceiling"], *gate.lines(measured, ceilings)]))
    for breach in breaches:
        print(f"GATE {breach}")
    print(f"gate: {'FAILED, ' + str(len(breaches)) + ' breached' if breaches else 'passed'}")
    return FOUND if breaches else OK


def parse(arguments):
    """The options; one that would have no effect is an error."""
    options = parser().parse_args(arguments)
    for name in ("record", "ceilings"):
        if getattr(options, name) and not options.gate:
            raise UsageError(f"--{name} goes with --gate")
    if options.gate and options.instructions:
        raise UsageError("--gate counts instructions itself; leave out --instructions")
    if options.subject and options.instructions:
        raise UsageError("--instructions compares nobody with others; leave out --subject")
    options.ceilings = options.ceilings or CEILINGS
    why = why_unwritable(options.ceilings) if options.record else ""
    if why:
        raise UsageError(f"--ceilings {why}")
    return options


def demand_named(options, allocators):
    """The reference and a subject that is asked for are among the allocators."""
    names = [allocator.name for allocator in allocators]
    for option in ("reference", "subject"):
        name = getattr(options, option)
        if name is not None and name not in names:
            raise UsageError(f"the {option} {name} isn't among the allocators;"
                             f" add it with --allocators or choose with --{option}")


def main(arguments):
    options = parse(arguments)
    if options.gate:
        subject = resolve(options.subject or SUBJECT)
        demand_preloadable([subject])
        return run_gate(options, build.ensure([subject], options.bench_dir), subject)
    allocators = resolve_all(options.allocators)
    if not options.instructions:
        demand_named(options, allocators)
        page.require_chart_library()
    demand_preloadable(allocators)
    options.out = own_folder(options.out, "report.json")
    tools = build.ensure(allocators, options.bench_dir)
    return (count_instructions if options.instructions else compare)(options, tools, allocators)
