#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How many schedules fuzz_hunt needs for each planted race, and random schedules beside it.

For every tests/hunt/mutants/*.mutant and for the test scenario `ladder`, from an empty corpus, with
one seed after the other: the hunter's random walk and its portfolio, replay_hunt --fuzz, and with
--fuzz-hunt libFuzzer. Prints a Markdown table of medians; a seed without a finding counts as the
limit. Exit status: 0 fuzzing found all, 1 not so, 2 usage.
"""
import argparse
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(command, hunter, scenario, pattern):
    """The number that the pattern finds when the command found something, else None."""
    environment = dict(os.environ, HAKMEM_HUNT=str(hunter), HAKMEM_HUNT_SCENARIO=scenario)
    done = subprocess.run([str(word) for word in command], env=environment, text=True,
                          capture_output=True, check=False)
    if done.returncode == 2 or done.returncode < 0:
        print(f"measure_fuzz.py: {command[0]}: {done.stderr.strip()[-300:]}", file=sys.stderr)
        sys.exit(2)
    output = done.stdout + done.stderr
    if "token: " not in output:
        return None
    return int(re.search(pattern, output).group(1))


def ways(hunter, scenario, arguments, folder):
    """Name -> function from a seed to the schedules it needed."""
    limit = arguments.schedules
    hunt = [hunter, scenario, "--schedules", limit, "--no-table"]
    first = r": (\d+) schedules"
    found = {
        "random": lambda seed: run([*hunt, "--strategy", "random", "--seed", seed], hunter,
                                   scenario, first),
        "portfolio": lambda seed: run([*hunt, "--seed", seed], hunter, scenario, first),
        "replay_hunt": lambda seed: run([arguments.bin / "replay_hunt", f"--fuzz={seed}", limit],
                                        hunter, scenario, r"(\d+) schedules, \d+ of them"),
    }
    if arguments.fuzz_hunt:
        found["fuzz_hunt"] = lambda seed: run(
            [arguments.fuzz_hunt, f"-seed={seed}", f"-runs={limit}", f"-artifact_prefix={folder}/"],
            hunter, scenario, r"found after (\d+) schedules")
    return found


def measure(name, hunter, scenario, arguments):
    cells, fuzzed_all = [], True
    with tempfile.TemporaryDirectory() as folder:
        for way, call in ways(hunter, scenario, arguments, folder).items():
            hits = [call(seed + 1) for seed in range(arguments.seeds)]
            count = sum(hit is not None for hit in hits)
            median = statistics.median(arguments.schedules if h is None else h for h in hits)
            missed = "" if count == len(hits) else f" ({count} of {len(hits)})"
            cells.append(f"{median:,.0f}{missed}")
            fuzzed_all &= count == len(hits) or "fuzz" not in way
    print(f"| {name} | {' | '.join(cells)} |", flush=True)
    return fuzzed_all


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("bin", type=pathlib.Path, help="the folder with hunt-mutant-*")
    parser.add_argument("--fuzz-hunt", type=pathlib.Path, help="bin/fuzz_hunt of the fuzz preset")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--schedules", type=int, default=20000, help="limit of a seed (20000)")
    parser.add_argument("--only", default="", help="bugs whose name contains this")
    arguments = parser.parse_args()
    bugs = []
    for path in sorted((ROOT / "tests/hunt/mutants").glob("*.mutant")):
        scenario = re.search(r"^scenario: (.*)$", path.read_text(), re.M).group(1)
        bugs.append((path.stem, arguments.bin / f"hunt-mutant-{path.stem}", scenario))
    bugs.append(("ladder", arguments.bin / "test_hunt_other_build", "ladder"))
    bugs = [bug for bug in bugs if arguments.only in bug[0]]
    if not bugs or arguments.seeds < 1:
        parser.error("nothing to measure")
    names = ["random", "portfolio", "replay_hunt"] + ["fuzz_hunt"] * bool(arguments.fuzz_hunt)
    print(f"| planted bug | {' | '.join(names)} |\n| --- |{' ---: |' * len(names)}", flush=True)
    return 0 if all([measure(*bug, arguments) for bug in bugs]) else 1


if __name__ == "__main__":
    sys.exit(main())
