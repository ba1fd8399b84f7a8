#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures the gate and writes its table into docs/HUNTING.md: every schedule of each scenario of
the allocator, with how many there are and the processor time they take.

  gate_table.py BIN --write   runs every scenario, then replaces the table's figures
  gate_table.py BIN --check   runs none: the table names the scenarios that the program has

Exit status: 0 well, 1 something was found or the table is not of these scenarios, 2 usage.
"""
import argparse
import os
import pathlib
import re
import resource
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/HUNTING.md"
BEGIN, END = "<!-- gate table -->\n", "<!-- end of gate table -->\n"
HEAD = ("| scenario | what meets | schedules | cut short | steps | CPU time |\n"
        "| --- | --- | ---: | ---: | ---: | ---: |\n")
NOT_EXHAUSTED = {"programs"}  # other operations in each schedule: there is no "every"


def stop(text, status=2):
    print(f"gate_table.py: {text}", file=sys.stderr)
    sys.exit(status)


def scenarios_of(program):
    """Those of the allocator: what stress/hunt/scenarios/ defines."""
    done = subprocess.run([program, "--list"], capture_output=True, text=True, check=True)
    named = re.findall(r"^  ([\w-]+) +\d+ threads", done.stdout, re.M)
    texts = "".join(path.read_text() for path in (ROOT / "stress/hunt/scenarios").glob("*.c"))
    return [name for name in named if f'.name = "{name}"' in texts and name not in NOT_EXHAUSTED]


def rows_of(page):
    """Scenario -> what meets, in the page's order."""
    table = page.split(BEGIN)[1].split(END)[0]
    return dict(re.findall(r"^\| `([\w-]+)` \| ([^|]*) \|", table, re.M))


def cpu_s():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(program, scenario):
    started = cpu_s()
    done = subprocess.run([program, scenario, "--strategy", "exhaustive"], capture_output=True,
                          text=True, check=False)
    if done.returncode != 0 or "complete: nothing found" not in done.stdout:
        stop(f"{scenario}: not complete, or something was found:\n{done.stdout}{done.stderr}", 1)
    schedules, steps = map(int, re.search(r": (\d+) schedules, (\d+) steps", done.stdout).groups())
    cut = re.search(r"^(\d+) of them ended", done.stdout, re.M)
    return schedules, int(cut.group(1)) if cut else 0, steps, cpu_s() - started


def write(program, page, meets):
    lines, totals = [], [0, 0, 0, 0.0]
    for name, what in meets.items():
        found = measure(program, name)
        totals = [a + b for a, b in zip(totals, found)]
        schedules, cut, steps, seconds = found
        lines.append(f"| `{name}` | {what} | {schedules:,} | {cut:,} | {steps:,} | {seconds:.2f} s |\n")
        print(lines[-1], end="", flush=True)
    lines.append(f"| together | | {totals[0]:,} | {totals[1]:,} | {totals[2]:,} | {totals[3]:.1f} s |\n")
    before, rest = page.split(BEGIN)
    text = before + BEGIN + HEAD + "".join(lines) + END + rest.split(END)[1]
    temporary = PAGE.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_text(text)
    os.replace(temporary, PAGE)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("bin", type=pathlib.Path, help="the folder with hakmem-hunt")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", action="store_true", help="measure, and write the table")
    what.add_argument("--check", action="store_true", help="only whether the names are right")
    arguments = parser.parse_args()
    program = arguments.bin / "hakmem-hunt"
    if not program.exists():
        stop(f"{program} is missing: build the checked preset")
    page = PAGE.read_text()
    if BEGIN not in page or END not in page:
        stop(f"{PAGE} has no gate table: it stands between {BEGIN.strip()} and {END.strip()}")
    meets, known = rows_of(page), scenarios_of(program)
    for name in sorted(set(known) ^ set(meets)):
        stop(f"`{name}` is {'not in' if name in known else 'only in'} the table of {PAGE.name}", 1)
    if arguments.write:
        write(program, page, meets)
    return 0


if __name__ == "__main__":
    sys.exit(main())
