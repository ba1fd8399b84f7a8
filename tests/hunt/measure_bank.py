#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The bug bank's concurrent entries: the hunter beside native stress, given the same CPU time.

Each bug of tests/bugbank/escaped-order.bugs is planted in the checked build's hakmem-hunt and
hakmem-stress. The hunter goes through all of its scenarios for the allocator, again and again, with
more schedules each time: nobody tells it where the bug is. Native stress runs, on four threads, the
one scenario that the bank names for the bug (`mixed` where it names none). Both until something is
found or the processor time is used up. Prints a Markdown table: for how many seeds it was found, in how
many schedules of all scenarios together (the median, and the most) and how much processor time (the
median). Exit status: 0 measured, 2 usage.
"""
import argparse
import json
import os
import pathlib
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "ci/lib"))
from hakci import bugbank_bugs, bugbank_build  # noqa: E402

FIRST_SCHEDULES = 200
STRESS = ("bin/hakmem-stress-worker", "bin/hakmem-stress")


def cpu_s():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def status_of(command, limit_s):
    """The exit status; a program that does not end has found something: it hangs."""
    with subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            return process.wait(limit_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            return 1


def stop(command):
    print(f"measure_bank.py: {' '.join(map(str, command))}: usage error", file=sys.stderr)
    sys.exit(2)


def finds(command):
    status = status_of(command, 120)
    if status == 2:
        stop(command)
    return status != 0


def schedules_of(result):
    """How many were run; a hunter that crashed itself, or was killed, has not said."""
    text = result.read_text() if result.exists() else ""
    result.unlink(missing_ok=True)
    return json.loads(text)["schedules"] if text else 0


def hunt(program, scenarios, seed, budget_s):
    """(schedules, CPU seconds) until something is found, or None."""
    started, total, each = cpu_s(), 0, FIRST_SCHEDULES
    result = program.parent / "result.json"
    while True:
        for scenario in scenarios:
            found = finds((program, scenario, "--seed", seed, "--schedules", each, "--no-table",
                           "--json", result))
            total += schedules_of(result)
            if found:
                return total, cpu_s() - started
            if cpu_s() - started >= budget_s:
                return None
        each *= 4
        seed += 1000


def stress(program, scenario, seed, budget_s):
    """CPU seconds until something is found, or None."""
    started = cpu_s()
    while cpu_s() - started < budget_s:
        if finds((program, scenario, "--threads", 4, "--seed", seed, "--seconds", 0.5)):
            return cpu_s() - started
        seed += 1000
    return None


def allocator_scenarios(program):
    listed = subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout
    texts = "".join(path.read_text() for path in (ROOT / "stress/hunt/scenarios").glob("*.c"))
    return [name for name in re.findall(r"^  ([\w-]+) +\d+ threads", listed, re.M)
            if f'.name = "{name}"' in texts]


def plant_in_scenario_of_lock(preset, bug, work):
    """The scenario `lock` includes a copy of base/lock.c that the configuration made."""
    overlay = preset.folder / "stress/hunt/scenarios/overlay"
    shutil.copytree(overlay, work / "overlay")
    copy = work / "overlay/lock_under_test.h"
    text = copy.read_text()
    for edit in bug.edits:
        text = bugbank_bugs.apply_edit(text, edit)
    copy.write_text(text)
    name = next(name for name in preset.compile
                if name.endswith("/lock.c.o") and "hunt_hakmem_scenarios" in name)
    words = [word.replace(str(overlay), str(work / "overlay")) for word in preset.compile[name]]
    words[words.index("-o") + 1] = str(work / "lock.o")
    subprocess.run(words, cwd=preset.folder, check=True)
    words = [str(work / "lock.o") if word == name else word
             for word in preset.link_command("bin/hakmem-hunt")]
    words[words.index("-o") + 1] = str(work / "bin/hakmem-hunt")
    subprocess.run(words, cwd=preset.folder, check=True)


def plant_and_link(preset, bug, work):
    bugbank_build.copy_sources(ROOT, work)
    changed = bugbank_bugs.plant(bug, work)
    bugbank_build.link(preset, "bin/hakmem-hunt", changed, work, work / "bin/hakmem-hunt")
    bugbank_build.link(preset, STRESS[0], changed, work, work / STRESS[0])
    if changed == ["src/base/lock.c"]:
        plant_in_scenario_of_lock(preset, bug, work)
    shutil.copy2(preset.folder / STRESS[1], work / STRESS[1])
    (work / "lib").symlink_to(preset.folder / "lib")


def how_many(hits):
    return f"{sum(hit is not None for hit in hits)} of {len(hits)}"


def hunter_cells(hits):
    found = [hit for hit in hits if hit is not None]
    if not found:
        return f"{how_many(hits)} | – | –"
    schedules = [hit[0] for hit in found]
    return (f"{how_many(hits)} | {statistics.median(schedules):,.0f} ({max(schedules):,})"
            f" | {statistics.median(hit[1] for hit in found):.2f} s")


def stress_cell(hits):
    found = [hit for hit in hits if hit is not None]
    return how_many(hits) + (f", {statistics.median(found):.2f} s" if found else "")


def measure(preset, bug, arguments):
    with tempfile.TemporaryDirectory(prefix="hakmem-bank-") as folder:
        work = pathlib.Path(folder)
        try:
            plant_and_link(preset, bug, work)
        except (bugbank_bugs.BugError, bugbank_build.BuildError) as error:
            print(f"| {bug.first('breaks')} | not planted: {str(error).splitlines()[0]} | | | |",
                  flush=True)
            return
        hunter, native = work / "bin/hakmem-hunt", work / STRESS[1]
        scenarios = allocator_scenarios(hunter)
        named = bug.finder[1] if bug.detector in ("stress", "tsan", "asan") else "mixed"
        seeds = range(1, arguments.seeds + 1)
        hunted = [hunt(hunter, scenarios, s, arguments.budget) for s in seeds]
        stressed = [stress(native, named, s, arguments.budget) for s in seeds]
    print(f"| {bug.first('breaks')} | {hunter_cells(hunted)} | `{named}`: {stress_cell(stressed)} |",
          flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--budget", type=float, default=1.0,
                        help="CPU seconds a seed for either (1)")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--only", default="", help="bugs whose name contains this")
    arguments = parser.parse_args()
    text = (ROOT / "tests/bugbank/escaped-order.bugs").read_text()
    bugs = [bug for bug in bugbank_bugs.parse(text, "escaped-order.bugs") if arguments.only in bug.id]
    if not bugs or arguments.seeds < 1 or arguments.budget <= 0:
        parser.error("nothing to measure")
    preset = bugbank_build.Preset(ROOT, "checked", ["hakmem-hunt", "hakmem-stress"], 2)
    print("| planted bug | hunter: found | schedules: median (most) | median time | native stress, 4T |\n"
          "| --- | ---: | ---: | ---: | ---: |", flush=True)
    for bug in bugs:
        measure(preset, bug, arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())
