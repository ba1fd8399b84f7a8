# SPDX-License-Identifier: MIT
"""Plants one bug at a time in a copy of the allocator and asks the detector
that is responsible: is it found, how soon, and with the right message?

Every planted bug that is not found, is found with another message, or no
longer applies is a failure; so is a detector that finds something in the
sources as they are. tests/bugbank/README.md describes the bank."""

import argparse
import os
import platform
import re
import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import bugbank_build, bugbank_detect, bugbank_matrix, bugbank_mutate, bugbank_publish
from . import bugbank_report, common
from .bugbank_bugs import BugError, also, load, plant

PROG = "ci/bugbank"
BANK = common.ROOT / "tests/bugbank"
CONTROL_S = 2  # how long a detector looks at the sources as they are


class Bench:
    """What a run of the bank shares: the builds and the work folder."""

    def __init__(self, work, jobs):
        self.root = common.ROOT
        self.work = work
        self.jobs = jobs
        self.presets = {}

    def prepare(self, finders):
        """Builds what the finders need of the sources as they are."""
        targets = {}
        for finder in finders:
            targets.setdefault(finder.detector.preset, set()).update(finder.targets)
        for name, programs in sorted(targets.items()):
            started = time.monotonic()
            self.presets[name] = bugbank_build.Preset(common.ROOT, name, sorted(programs),
                                                      self.jobs)
            print(f"build {name}: {', '.join(sorted(programs))}, "
                  f"{time.monotonic() - started:.1f} s", flush=True)

    def try_out(self, finder, bug, seeds, seconds):
        """One row: the bug (None: nothing planted) under one finder."""
        row = {"finder": finder.key, "runs": []}
        folder = Path(tempfile.mkdtemp(dir=self.work, prefix="bug."))
        try:
            changed, without = [], ()
            if bug is not None:
                bugbank_build.copy_sources(common.ROOT, folder)
                changed, without = plant(bug, folder), bug.without
            finder.build(self.presets[finder.detector.preset], changed, folder, without=without)
            for seed in seeds:
                outcome = finder.run(folder, seed, seconds)
                verdict, said = finder.judge(outcome, bug.messages if bug is not None else [])
                row["runs"].append({"seed": seed, "verdict": verdict, "message": said,
                                    "seconds": round(outcome.seconds, 2),
                                    "executions": outcome.executions})
                if verdict in ("wrong message", "wrong status", "stopped") or (
                        bug is None and verdict != "not found"):
                    row.setdefault("log", outcome.text[-6000:])
        except BugError as error:
            row["error"] = str(error)
        except bugbank_build.BuildError as error:
            row["error"] = "does not build"
            row["log"] = error.args[0][-6000:]
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return row


    def in_order(self, function, items):
        return in_order(self.jobs, function, items)

    def is_silent(self, finder, seed):
        """Does it find nothing in the sources as they are?"""
        return verdict_of(self.try_out(finder, None, [seed], CONTROL_S), "not found")[0]

    @staticmethod
    def remove(folder):
        shutil.rmtree(folder, ignore_errors=True)


def verdict_of(row, wanted):
    """(did all runs end with `wanted`?, the verdict to show)."""
    if "error" in row:
        return False, row["error"]
    bad = [run["verdict"] for run in row["runs"] if run["verdict"] != wanted]
    return (False, bad[0]) if bad else (True, wanted)


def in_order(jobs, function, items):
    """function(item) for all, `jobs` at once, the results as they are due."""
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        futures = [pool.submit(function, item) for item in items]
        try:
            for item, future in zip(items, futures):
                yield item, future.result()
        except BaseException:
            for future in futures:
                future.cancel()
            raise


def run_controls(bench, finders, seed):
    """Each finder on the sources as they are: it must find nothing."""
    rows, failed = [], 0
    unique = list({finder.key: finder for finder in finders}.values())

    def control(finder):
        return bench.try_out(finder, None, [seed], CONTROL_S)

    for finder, row in in_order(bench.jobs, control, unique):
        passed, verdict = verdict_of(row, "not found")
        rows.append(row)
        if not passed:
            failed += 1
            show_failure(f"control of {finder.key}", "finds something where nothing is planted"
                         if verdict == "found" else verdict, row)
    print(f"control: {len(unique) - failed} of {len(unique)} finders pass on the sources as they "
          "are", flush=True)
    return rows, failed


def show_failure(name, verdict, row):
    said = row["runs"][-1]["message"] if row["runs"] else ""
    print(f"FAIL  {name}: {verdict}" + (f"; it said: {said}" if said else ""), flush=True)
    for line in row.get("log", "").strip().split("\n")[-12:]:
        if line:
            print(f"      | {line[:160]}", flush=True)


def run_bugs(bench, bugs, seeds, budget_s):
    rows, failed = [], 0

    def attempt(bug):
        finder = bugbank_detect.Finder(bug.finder)
        return bench.try_out(finder, bug, seeds, min(bug.budget_s, budget_s or bug.budget_s))

    for number, (bug, row) in enumerate(in_order(bench.jobs, attempt, bugs), 1):
        passed, verdict = verdict_of(row, "found")
        last = row["runs"][-1] if row["runs"] else {}
        rows.append({"id": bug.id, "breaks": bug.first("breaks"), "seen": bug.first("seen"),
                     "detector": bug.detector, "expected": bug.messages,
                     "invariant": bug.invariant, "found": passed, "verdict": verdict,
                     "message": last.get("message"), "seconds": last.get("seconds"),
                     "executions": last.get("executions"), **row})
        if passed:
            print(f"[{number}/{len(bugs)}] found {bug.id}: {row['finder']}, "
                  f"{last['seconds']:.1f} s: {last['message']}", flush=True)
        else:
            failed += 1
            show_failure(f"[{number}/{len(bugs)}] {bug.id} ({row['finder']})", verdict, row)
    return rows, failed


def first_killers(rows):
    """Invariant of the catalogue -> the bugs that it was the first to show."""
    text = (common.ROOT / "src/base/invariants.def").read_text(encoding="utf-8")
    killers = {name: [] for name in bugbank_report.CATALOGUE_ROW.findall(text)}
    for row in rows:
        said = " ".join(run["message"] for run in row["runs"] if row["found"])
        for name in sorted(set(re.findall(r"invariant (\w+) broken", said)) & set(killers)):
            killers[name].append(row["id"])
    return killers


def choose(bugs, options):
    if options.bug:
        known = {bug.id: bug for bug in bugs}
        missing = [name for name in options.bug if name not in known]
        if missing:
            raise common.UsageError(f"no bug named {missing[0]}; ci/bugbank --list names them")
        return [known[name] for name in options.bug]
    return [bug for bug in bugs if bug.is_in(options.profile)]


def of_this_machine(bugs):
    """(bugs whose detector is here, the others)."""
    here = [bug for bug in bugs if bugbank_detect.DETECTORS[bug.detector].is_here]
    if not here:
        raise common.UsageError("no detector of these bugs is on this kind of machine")
    return here, [bug for bug in bugs if bug not in here]


def _seconds(text):
    """An argparse type: seconds, perhaps a part of one."""
    if not re.fullmatch(r"\d{1,3}(\.\d+)?", text) or float(text) < 0.1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of seconds from 0.1 to 999")
    return float(text)


def parse(argv):
    parser = common.Parser(PROG, description=__doc__)
    number = common.whole_number
    parser.add_argument("--profile", choices=("control", "gate", "full"), default="full",
                        help="control: a bug for each detector of ci/validate --quick; gate: for "
                        "every detector (default full: all)")
    parser.add_argument("--bug", action="append", metavar="ID", help="this one; may be repeated")
    parser.add_argument("--list", action="store_true", help="name the bugs and their detectors")
    parser.add_argument("--seed", type=number(0, 2**32 - 1), default=1)
    parser.add_argument("--seeds", type=number(1, 100), default=1, metavar="N",
                        help="each with N seeds, from --seed on; all must find it")
    parser.add_argument("--budget", type=number(1, 3600), metavar="S",
                        help="at most S seconds a run, whatever the bug's row says")
    parser.add_argument("--json", type=common.output_file, metavar="FILE",
                        help="write the result to FILE")
    parser.add_argument("--jobs", type=number(1, 256), default=os.cpu_count() or 1, metavar="N",
                        help="bugs at once (default: one a processor)")
    parser.add_argument("--work", default="build/bugbank", metavar="DIR", help="work folder")
    parser.add_argument("--matrix", action="store_true",
                        help="also every other detector on each of the bugs, with every seed")
    parser.add_argument("--matrix-seconds", type=_seconds, default=0.4, metavar="S",
                        help="how long each of these may look with one seed (default 0.4)")
    parser.add_argument("--publish", action="store_true",
                        help=f"with --matrix: the result goes to {bugbank_publish.RESULT} and "
                             f"{bugbank_publish.PAGE}; with --bug only the rows of these bugs are "
                             "new")
    parser.add_argument("--page", action="store_true",
                        help=f"write {bugbank_publish.PAGE} from {bugbank_publish.RESULT} and end")
    parser.add_argument("--also", action="store_true",
                        help="instead of the responsible detectors those of the lines 'also': the "
                             "fuzz targets on the project's history, from an empty corpus")
    parser.add_argument("--mutate", metavar="FILE",
                        help="instead of the bank: mutation operators over FILE (src/...)")
    parser.add_argument("--lines", metavar="A-B", help="with --mutate: only these lines")
    parser.add_argument("--mutate-since", metavar="REV",
                        help="the same over the lines of src/ that differ from that revision of "
                             "git, in an order that the seed decides")
    parser.add_argument("--within", type=number(1, 86400), metavar="S",
                        help="with --mutate and --mutate-since: begin no mutant after S seconds")
    parser.add_argument("--at-least", type=number(0, 100), default=100, metavar="PERCENT",
                        help="with them: the share of the mutants that must be noticed "
                             "(default 100)")
    parser.add_argument("--finder", action="append", metavar="'DETECTOR WORDS'",
                        help="with them: who shall find the mutants; may be repeated (default: "
                             "the file's unit tests, scenarios of its folder, 'stress mixed')")
    return parser.parse_args(argv)


def machine():
    return f"{platform.machine()}, {platform.system()}, {os.cpu_count()} processors"


def result_of(options, bugs, controls, rows, failed):
    killers = first_killers(rows)
    return {"program": PROG, "profile": options.profile, "seed": options.seed,
            "seeds": options.seeds, "verdict": "fail" if failed else "pass", "failed": failed,
            "bugs_planted": len(bugs), "bugs_found": sum(row["found"] for row in rows),
            "matrix_seconds": options.matrix_seconds,
            "date": time.strftime("%Y-%m-%d", time.gmtime()),
            "machine": machine(),
            "invariants": len(killers),
            "invariants_first_killers": sum(bool(names) for names in killers.values()),
            "controls": controls, "bugs": rows, "first_killers": killers}


def run_bank(options, work):
    bank = load(BANK)
    chosen = choose(bank, options)
    bugs, absent = of_this_machine(also(chosen) if options.also else chosen)
    for bug in absent:
        print(f"absent: {bug.id}: there is no {bug.detector} on this kind of machine", flush=True)
    finders = [bugbank_detect.Finder(bug.finder) for bug in bugs]
    everyone = finders + [finder for bug in bugs if options.matrix
                          for finder in bugbank_matrix.finders(bug).values()]
    seeds = range(options.seed, options.seed + options.seeds)
    bench = Bench(work, options.jobs)
    started = time.monotonic()
    bench.prepare(everyone)
    controls, failed = run_controls(bench, everyone, options.seed)
    rows, not_found = run_bugs(bench, bugs, seeds, options.budget)
    failed += not_found
    result = result_of(options, bugs, controls, rows, failed)
    if options.matrix:
        result["matrix"] = bugbank_matrix.run(bench, bugs, seeds, options.matrix_seconds)
    result["elapsed_s"] = round(time.monotonic() - started, 1)
    if options.publish:
        bugbank_publish.publish(result, not options.bug, [bug.id for bug in bank])
    if options.json:
        common.write_json(options.json, result)
    print(f"{'FAIL' if failed else 'PASS'}: {result['bugs_found']} of {len(bugs)} planted bugs "
          f"found with the right message, {result['elapsed_s']:.0f} s", flush=True)
    return common.FOUND if failed else common.OK


def main(argv):
    options = parse(argv)
    if options.page:
        bugbank_publish.write_page()
        return common.OK
    if options.list:
        for bug in load(BANK):
            mark = " [control]" if bug.in_control else " [gate]" if bug.in_gate else ""
            print(f"{bug.id:<44} {' '.join(bug.finder):<24} {bug.first('breaks')}{mark}")
        return common.OK
    if options.publish and (not options.matrix or options.also or options.profile != "full"):
        raise common.UsageError("--publish goes with --matrix, and with all bugs or some --bug")
    common.demand_tools("cmake", "ninja")
    work = common.make_folder("--work", common.ROOT / options.work)
    with tempfile.TemporaryDirectory(dir=work, prefix="run.") as folder:
        if options.mutate or options.mutate_since:
            return bugbank_mutate.run(options, Bench(Path(folder), options.jobs))
        return run_bank(options, Path(folder))


if __name__ == "__main__":
    common.run_main(PROG, main)
