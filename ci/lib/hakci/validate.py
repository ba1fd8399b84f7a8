# SPDX-License-Identifier: MIT
"""The main job: runs the table of stages.py and gives a verdict."""

import glob
import os
import platform
import re
import secrets
import subprocess
import sys
import time
from pathlib import Path

from . import common, result as results, runner, stages
from .progress import Progress, clock

PROG = "ci/validate"


def parse(argv):
    parser = common.Parser(
        PROG, description="Builds hakmem, tests, fuzzes, stresses and hunts it, and gives a "
        "verdict. Exit status: 0 all passed, 1 something failed, 2 usage or missing tools.")
    profile = parser.add_mutually_exclusive_group()
    profile.add_argument("--quick", dest="profile", action="store_const", const="quick",
                         help="under three minutes on two cores (the default)")
    profile.add_argument("--full", dest="profile", action="store_const", const="full",
                         help="every sanitizer, Memcheck, real programs, thousands of runs: hours")
    parser.add_argument("--threads", type=common.whole_number(1, 256), default=4, metavar="N",
                        help="threads in the stress scenarios (default 4)")
    parser.add_argument("--seed", type=common.whole_number(0, 2**32 - 1), metavar="S",
                        help="repeats a run (default: a new one, printed)")
    parser.add_argument("--out", default="out/validate", metavar="DIR",
                        help="where logs, result.json, junit.xml, summary.md and report.html go "
                        "(default out/validate)")
    options = parser.parse_args(argv)
    options.profile = options.profile or "quick"
    if options.seed is None:
        options.seed = secrets.randbelow(2**31)
    return options


def items_of(stage):
    """The names that a stage runs over: [""] if it is a single one.
    Raises ValueError with the reason if there ought to be some."""
    if stage.each_glob:
        paths = sorted(glob.glob(str(common.ROOT / stage.each_glob)))
        items = [Path(path).name for path in paths if os.access(path, os.X_OK)]
        if not items:
            raise ValueError(f"nothing was built that matches {stage.each_glob}")
        return items
    if not stage.each:
        return [""]
    command = " ".join(stage.each)
    try:
        done = subprocess.run(stage.each, cwd=common.ROOT, capture_output=True, text=True,
                              timeout=30, check=False)
    except OSError as error:
        raise ValueError(f"{command}: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise ValueError(f"{command}: no answer in 30 s") from error
    matches = (re.match(stage.pick, line) for line in done.stdout.split("\n"))
    items = [match[1] for match in matches if match]
    if done.returncode != 0 or not items:
        raise ValueError(f"{command}: {runner.describe_exit(done.returncode)}, no names printed")
    return items


def why_absent(stage):
    """Why a stage cannot be asked for here; "" for almost all of them."""
    if stage.machine and stage.machine != platform.machine():
        return f"for {stage.machine} only"
    return ""


def selected(rows, only):
    """The rows whose name matches `only`, and what they need."""
    if not only:
        return rows
    names = {stage.name for stage, _ in rows if re.search(only, stage.name)}
    for stage, _ in reversed(rows):  # what is needed stands above
        names |= set(stage.needs) if stage.name in names else set()
    return [(stage, budget) for stage, budget in rows if stage.name in names]


class Run:
    """One run of a profile's rows. `options` has profile, threads, seed and
    perhaps only: a pattern, to run a part of them."""

    def __init__(self, options, out):
        self.out = out
        self.rows = selected(stages.of_profile(options.profile), getattr(options, "only", ""))
        self.progress = Progress()
        self.result = results.new(options.profile, options.seed, options.threads,
                                  getattr(options, "only", ""))
        self.values = {"threads": options.threads, "seed": options.seed, "out": out,
                       "jobs": os.cpu_count() or 1}
        self.status = {}  # row name -> worst status so far

    def _record(self, stage, entry):
        self.result["stages"].append(entry)
        if self.status.get(stage.name, "pass") == "pass":
            self.status[stage.name] = entry["status"]
        self.progress.end(entry["title"], entry["status"], entry["duration_s"], entry["reason"])
        if entry["tail"]:
            self.progress.say("    " + entry["tail"].replace("\n", "\n    "))
            self.progress.say(f"    whole log: {results.relative(self.out / entry['log'])}")

    def _row(self, stage, budget):
        """Runs one row of the table: a stage, or one for each of its items."""
        absence = why_absent(stage)
        if absence:
            return self._record(stage, runner.entry_not_run(stage, "absent", absence))
        broken = [name for name in stage.needs if self.status.get(name) != "pass"]
        if broken:
            reason = f"{', '.join(broken)} did not pass"
            return self._record(stage, runner.entry_not_run(stage, "not_run", reason))
        try:
            items = items_of(stage)
        except ValueError as error:
            return self._record(stage, runner.entry_not_run(stage, "not_run", str(error)))
        for place, item in enumerate(items):
            left = len(items) - place - 1
            self.progress.plan(self.later_s + budget.expected_s * (left + 1))
            title = runner.fill([stage.title], {**self.values, "item": item})[0]
            self.progress.begin(title, budget.expected_s)
            self._record(stage, runner.run_stage(stage, item, budget, self.values,
                                                 self.out / "logs"))
        return None

    def run(self):
        rows = self.rows
        start = time.monotonic()
        interrupted = False
        try:
            for place, (stage, budget) in enumerate(rows):
                self.later_s = sum(
                    later.expected_s * (6 if row.each or row.each_glob else 1)
                    for row, later in rows[place + 1:] if not why_absent(row))
                self._row(stage, budget)
        except (KeyboardInterrupt, BrokenPipeError):
            interrupted = True  # or nobody reads on: what there is, is kept
        self.progress.close()
        results.close(self.result, time.monotonic() - start, interrupted)
        results.write_all(self.result, self.out)
        return self.result


def print_verdict(result, out):
    counts = result["counts"]
    bad = [stage for stage in result["stages"] if stage["status"] in results.BAD]
    print()
    for stage in bad:
        print(f"{results.STATUS_WORDS[stage['status']]}: {stage['name']}: {stage['reason']}")
    absent = f", {counts['absent']} absent" if counts["absent"] else ""
    passed = f"{counts['pass']} stage{'' if counts['pass'] == 1 else 's'} passed"
    print(f"{result['verdict'].upper()}: {passed}, {len(bad)} did not{absent}"
          f" ({clock(result['duration_s'])} min)")
    print(f"report: {results.relative(out / 'report.html')}   "
          f"repeat: {results.repeat_command(result)}")


def tools_of(options):
    """What the stages that were asked for cannot do without: one line for it
    instead of a failure each."""
    rows = selected(stages.of_profile(options.profile), getattr(options, "only", ""))
    commands = {stage.command[0] for stage, _ in rows}
    tools = ["cmake", "ninja"] if "ci/build" in commands else []
    return tools + (["ctest"] if "ci/lib/run-ctest" in commands else [])


def run_to_verdict(prog, options, groups):
    """Sets up, runs, writes the results, and returns the exit status."""
    os.chdir(common.ROOT)
    common.own_folder(options.out, "result.json")
    common.set_up(*groups)
    common.demand_tools(*tools_of(options))
    out = common.prepare_out_dir(options.out, "result.json")
    for old in list(out.glob("*.json")) + list(out.glob("ctest-*.xml")):
        if old.name != "result.json":
            old.unlink()
    print(f"{prog}: {options.profile}, {options.threads} threads, seed {options.seed}",
          file=sys.stderr)
    result = Run(options, out).run()
    print_verdict(result, out)
    if result["verdict"] == "interrupted":
        return 130
    return common.OK if result["verdict"] == "pass" else common.FOUND


def main(argv):
    options = parse(argv)
    return run_to_verdict(PROG, options, [options.profile])
