#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The textbook bugs by the command line: time to the finding, replays from the token, the smallest
schedule. For every scenario with a planted bug that the program has, with --seeds seeds; prints a
Markdown table of the worst. Exit status: 0 each was found within 10 s and replayed 20 of 20 times
alike, and its switches are proven the fewest; 1 not so; 2 usage.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

LIMIT_S = 10
REPLAYS = 20


def run(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          check=False)


def hunt(program, scenario, seed, *more):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "found.json"
        done = run(program, scenario, "--seed", seed, "--seconds", LIMIT_S, "--no-table",
                   "--json", path, *more)
        if done.returncode == 2:
            print(f"measure_textbook.py: {done.stderr.strip()}", file=sys.stderr)
            sys.exit(2)
        return json.loads(path.read_text())


def same_replays(program, token):
    first = run(program, "--replay", token)
    others = [run(program, "--replay", token) for _ in range(REPLAYS - 1)]
    return sum(d.returncode == 1 and d.stdout == first.stdout for d in [first, *others])


def measure(program, scenario, seeds):
    slowest = {"seconds": -1.0}
    least, replays, good = [], REPLAYS, True
    for seed in range(1, seeds + 1):
        found = hunt(program, scenario, seed)
        small = hunt(program, scenario, seed, "--minimise")
        good &= found["found"] and small["found"] and small["fewest_switches_proven"]
        if not good:
            break
        slowest = max(slowest, found, key=lambda result: result["seconds"])
        replays = min(replays, same_replays(program, found["token"]),
                      same_replays(program, small["token"]))
        least.append(small["finding"]["context_switches"])
    good = good and replays == REPLAYS and slowest["seconds"] < LIMIT_S
    if good:
        print(f"| `{scenario}` | {slowest['schedules']:,} | {slowest['seconds'] * 1000:.1f} ms |"
              f" {replays} of {REPLAYS} | {max(least)} |", flush=True)
    else:
        print(f"| `{scenario}` | not found, not replayed or not proven | | | |", flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program", type=pathlib.Path, help="bin/hakmem-hunt")
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    listed = run(arguments.program, "--list").stdout if arguments.program.exists() else ""
    planted = re.findall(r"^  ([\w-]+) .*\[planted bug\]$", listed, re.M)
    if not planted or arguments.seeds < 1:
        parser.error(f"{arguments.program} lists no planted bug")
    print("| bug | schedules | time to find | replays alike | fewest switches |\n"
          "| --- | ---: | ---: | ---: | ---: |", flush=True)
    return 0 if all([measure(arguments.program, name, arguments.seeds) for name in planted]) else 1


if __name__ == "__main__":
    sys.exit(main())
