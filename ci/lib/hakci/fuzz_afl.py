# SPDX-License-Identifier: MIT
"""Builds the fuzz targets with AFL++ (persistent mode, its driver for libFuzzer's
interface, ASan, the allocator alone instrumented) and runs each for a time, from
a part of its corpus. Exit status: 0 nothing found, 1 a crash or a hang, or a
target that AFL++ cannot run, 2 usage or a missing tool."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from . import clusterfuzz, clusterfuzz_build, common

PROG = "ci/fuzz-afl"
SEED_INPUTS = 16
INPUT_MAX_BYTES = 832  # 64 operations
INPUT_LIMIT_MS = 20000
START_LIMIT_S = 120  # beside the time that it fuzzes
# Its own findings must reach it as signals; nobody pins processors or sets up cores here.
ENVIRONMENT = {
    "PATH": clusterfuzz_build.PATH, "AFL_NO_UI": "1", "AFL_NO_COLOR": "1", "AFL_QUIET": "1",
    "AFL_SKIP_CPUFREQ": "1", "AFL_NO_AFFINITY": "1", "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES": "1",
    "ASAN_OPTIONS": "abort_on_error=1:symbolize=0:detect_leaks=0",
}
FIGURES = ("execs_done", "execs_per_sec", "edges_found", "corpus_count", "saved_crashes",
           "saved_hangs")


def read_stats(folder):
    """afl-fuzz's fuzzer_stats as texts, {} if there are none."""
    try:
        text = (folder / "default/fuzzer_stats").read_text(encoding="utf-8")
    except OSError:
        return {}
    return dict(re.findall(r"^(\w+) *: (.*)$", text, re.M))


def copy_seeds(corpus, folder):
    """The tour and others, evenly spread."""
    inputs = sorted(path for path in corpus.iterdir() if path.is_file())
    if not inputs:
        raise common.UsageError(f"{corpus} has no input; a target needs at least one")
    step = max(1, len(inputs) // SEED_INPUTS)
    folder.mkdir(parents=True)
    for path in {*inputs[::step], *(path for path in inputs if path.name == "tour")}:
        shutil.copy(path, folder)


def problems_of(status, stats):
    if not stats:
        yield f"afl-fuzz did not begin (status {status})"
        return
    if int(stats.get("execs_done", 0)) == 0:
        yield "it executed no input"
    if "persistent" not in stats.get("target_mode", ""):
        yield f"it does not run in persistent mode but as '{stats.get('target_mode')}'"
    if int(stats.get("edges_found", 0)) == 0:
        yield "it saw no edge: nothing is instrumented"
    for name in ("saved_crashes", "saved_hangs"):
        if int(stats.get(name, 0)) > 0:
            yield f"{stats[name]} {name.removeprefix('saved_')} found"


def fuzz(target, corpus, folder, seconds, seed):
    """Runs one target for a time; returns (figures, problems)."""
    shutil.rmtree(folder, ignore_errors=True)
    copy_seeds(corpus, folder / "seeds")
    dictionary = target.with_name(target.name + ".dict")
    command = ["afl-fuzz", "-i", "seeds", "-o", "found", "-V", seconds, "-s", seed, "-m", "none",
               "-t", INPUT_LIMIT_MS, "-G", INPUT_MAX_BYTES,
               *(["-x", dictionary] if dictionary.exists() else []), "--", target]
    log = folder / "log"
    with open(log, "wb") as file:
        try:
            status = subprocess.run(list(map(str, command)), cwd=folder, env=ENVIRONMENT,
                                    check=False, stdin=subprocess.DEVNULL, stdout=file,
                                    stderr=subprocess.STDOUT,
                                    timeout=seconds + START_LIMIT_S).returncode
        except subprocess.TimeoutExpired:
            status = "stopped"
    stats = read_stats(folder / "found")
    problems = list(problems_of(status, stats))
    if problems and not stats:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        problems += [f"| {line[:160]}" for line in lines[-8:]]
    return {name: float(stats[name]) for name in FIGURES if name in stats}, problems


def keep_failures(target, folder, failures):
    """Copies what AFL++ saved; says how to repeat it."""
    for kind in ("crashes", "hangs"):
        for path in sorted((folder / "found/default" / kind).glob("id:*")):
            failures.mkdir(parents=True, exist_ok=True)
            kept = failures / f"{target.name}-{kind}-{path.name.split(',')[0].replace(':', '-')}"
            shutil.copy(path, kept)
            print(f"  repeat with: build/checked/bin/{target.name.replace('fuzz_', 'replay_')} "
                  f"{kept}", flush=True)


def build(work, jobs):
    """The folder with the targets, or None."""
    allowed = work / "instrumented"
    common.write_atomically(allowed, "src:*/src/*\n")
    return clusterfuzz_build.build(work / "build", "address", jobs, engine="afl", AFL_QUIET="1",
                                   AFL_LLVM_ALLOWLIST=str(allowed))


def chosen(given):
    """The targets that are asked for, all for None; known before they are built."""
    known = sorted(clusterfuzz.expected_targets())
    names = [f"fuzz_{name.removeprefix('fuzz_')}" for name in given or known]
    for name in names:
        if name not in known:
            raise common.UsageError(f"--target {name}: no such target; there are "
                                    f"{', '.join(known)}")
    return list(dict.fromkeys(names))


def run_all(options, names, work, targets, failures):
    results, bad = {}, 0
    for name in names:
        folder, target = work / "runs" / name, targets / name
        if not os.access(target, os.X_OK):
            bad += 1
            results[name] = {"problems": 1}
            print(f"{name}: it was not built", flush=True)
            continue
        corpus = common.ROOT / "fuzz/corpus" / name.removeprefix("fuzz_")
        figures, problems = fuzz(target, corpus, folder, options.seconds, options.seed)
        bad += bool(problems)
        results[name] = {**figures, "problems": len(problems)}
        print(f"{name}: {figures.get('execs_done', 0):.0f} executions, "
              f"{figures.get('execs_per_sec', 0):.0f} a second, "
              f"{figures.get('edges_found', 0):.0f} edges: "
              f"{'; '.join(problems) if problems else 'nothing found'}", flush=True)
        keep_failures(target, folder, failures)
    return results, bad


def main(argv):
    parser = common.Parser(PROG, description=__doc__)
    parser.add_argument("--target", action="append", metavar="NAME",
                        help="only this one, as api; may be repeated")
    parser.add_argument("--seconds", type=common.whole_number(1, 86400), default=10, metavar="N",
                        help="for each target (default 10)")
    parser.add_argument("--seed", type=common.whole_number(1, 2**31 - 1), default=1, metavar="S")
    parser.add_argument("--jobs", type=common.whole_number(1, 1024), default=os.cpu_count() or 1,
                        metavar="N", help="compilers at a time (default: the CPUs)")
    parser.add_argument("--out", default="out/fuzz-afl", metavar="DIR",
                        help="the result and failures (default out/fuzz-afl)")
    # Apart from --out, which CI systems keep: not with a link to the whole tree in it,
    # nor with the colons of AFL++'s names.
    parser.add_argument("--work", default="build/fuzz-afl", metavar="DIR",
                        help="the build and AFL++'s own files (default build/fuzz-afl)")
    parser.add_argument("--json", type=common.output_file, metavar="FILE",
                        help="write the figures to FILE")
    options = parser.parse_args(argv)
    names = chosen(options.target)
    clusterfuzz_build.demand_tools("afl-fuzz", "afl-clang-fast")
    base = common.prepare_out_dir(options.out, "result.json")
    work = common.make_folder("--work", options.work)
    targets = build(work, options.jobs)
    results, bad = ({}, 1) if targets is None else run_all(options, names, work, Path(targets),
                                                           base / "failures")
    for path in (base / "result.json", options.json):
        if path:
            common.write_json(path, {"program": PROG, "targets": results, "failed": bad})
    print(f"{PROG}: {'nothing found' if bad == 0 else f'{bad} failed'}", flush=True)
    return common.FOUND if bad else common.OK
