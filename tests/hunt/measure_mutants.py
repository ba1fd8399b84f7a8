#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How fast the hunter finds each planted race, and native stress beside it.

For every tests/hunt/mutants/*.mutant: bin/hunt-mutant-NAME on its scenario with one seed after the
other, by the portfolio, until something is found. Then the bug is planted in a copy of the tree,
hakmem-stress is built from that (check level 2, the same compiler), and the scenario that does the
same work runs on four real threads with the same seeds: the CPU time the hunter took for a seed, or
--native-seconds if that is more. Prints a Markdown table. Exit status: 0 all were found by the
hunter, 1 one was not, 2 usage.
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


def stop(text):
    print(f"measure_mutants.py: {text}", file=sys.stderr)
    sys.exit(2)


def read_mutant(path):
    text = path.read_text()
    fields = dict(re.findall(r"^(\w+): (.*)$", text.split("--- before\n")[0], re.M))
    before, rest = text.split("--- before\n")[1].split("\n+++ after\n")
    return path.stem, fields, before, rest.split("\n=== end")[0]


def children_cpu_s():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(command, limit_s):
    """Status and output; a program that does not end has found something too: it hangs."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True, errors="replace", start_new_session=True)
    try:
        output, _ = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.communicate()
        return 1, "hangs"
    return process.returncode, output


def hunt(program, scenario, seed, seconds):
    """(schedules, seconds) until something was found, or None."""
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        status, output = run([program, scenario, "--seed", str(seed), "--seconds", str(seconds),
                              "--no-table", "--json", out.name], seconds + 60)
        if status == 2:
            stop(output.strip())
        result = json.load(open(out.name, encoding="utf-8"))
    return (result["schedules"], result["seconds"]) if status == 1 else None


class NativeBuild:
    """A copy of the tree in which one bug at a time is planted."""

    def __init__(self, folder):
        self.tree, self.build = folder / "tree", folder / "build"
        self.tree.mkdir(parents=True, exist_ok=True)
        for part in ("src", "include", "cmake", "runner", "stress", "bench", "tools", "CMakeLists.txt"):
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, self.tree / part, dirs_exist_ok=True)
            else:
                shutil.copy(source, self.tree / part)
        self.call("cmake", "-S", self.tree, "-B", self.build, "-G", "Ninja",
                  "-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DHAKMEM_CHECK_LEVEL=2")

    def call(self, *command):
        done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            stop(f"{command[0]} failed:\n{done.stdout[-2000:]}")

    def plant(self, file, before, after):
        original = (ROOT / "src" / file).read_text()
        if before not in original:
            stop(f"the text to change is no longer in src/{file}")
        (self.tree / "src" / file).write_text(original.replace(before, after))
        self.call("ninja", "-C", self.build, "-j2", "hakmem-stress")
        (self.tree / "src" / file).write_text(original)  # for the next one

    def stress(self, scenario, seed, seconds):
        status, output = run([self.build / "bin" / "hakmem-stress", scenario, "--threads", "4",
                              "--seed", str(seed), "--seconds", f"{seconds:.2f}"], seconds + 20)
        if status == 2:
            stop(output.strip())
        return status != 0


def measure(mutant, programs, native, arguments):
    name, fields, before, after = read_mutant(mutant)
    if not (programs / f"hunt-mutant-{name}").exists():
        stop(f"{programs}/hunt-mutant-{name} is missing: build the checked preset")
    started = children_cpu_s()
    hits = [hunt(programs / f"hunt-mutant-{name}", fields["scenario"], seed + 1, arguments.seconds)
            for seed in range(arguments.seeds)]
    hunter_s = (children_cpu_s() - started) / arguments.seeds
    found = [hit for hit in hits if hit is not None]
    native_s = max(hunter_s / 4, arguments.native_seconds)
    beside = "not run"
    if native is not None:
        native.plant(fields["file"], before, after)
        failed = sum(native.stress(fields["stress"], seed + 1, native_s)
                     for seed in range(arguments.seeds))
        beside = f"{failed} of {arguments.seeds}"
    median = statistics.median(hit[0] for hit in found) if found else 0
    most = max((hit[0] for hit in found), default=0)
    seconds = statistics.median(hit[1] for hit in found) if found else 0
    print(f"| {fields['summary']} | `{fields['scenario']}` | {len(found)} of {arguments.seeds} |"
          f" {median:.0f} ({most}) | {seconds * 1000:.1f} ms | {beside} in {native_s:.1f} s each |",
          flush=True)
    return len(found) == arguments.seeds


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("bin", type=pathlib.Path, help="the folder with hunt-mutant-*")
    parser.add_argument("--work", type=pathlib.Path, metavar="DIR",
                        help="where to build hakmem-stress with each bug; without it only the hunter")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=20, help="the hunter's limit a seed (20)")
    parser.add_argument("--native-seconds", type=float, default=1.0,
                        help="the least that native stress gets a seed (1)")
    parser.add_argument("--only", default="", help="bugs whose name contains this")
    arguments = parser.parse_args()
    mutants = [m for m in sorted((ROOT / "tests/hunt/mutants").glob("*.mutant"))
               if arguments.only in m.stem]
    if not mutants or arguments.seeds < 1:
        parser.error("nothing to measure")
    native = NativeBuild(arguments.work) if arguments.work else None
    print("| planted bug | scenario | found | schedules: median (most) | median time | native stress, 4T |")
    print("| --- | --- | ---: | ---: | ---: | ---: |", flush=True)
    results = [measure(m, arguments.bin, native, arguments) for m in mutants]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
