# SPDX-License-Identifier: MIT
"""Builds the fuzz targets as ClusterFuzz does, with .clusterfuzzlite/build.sh in
an empty environment, and judges them as its check for bad builds does: each
target starts and ends 4 runs, has coverage instrumentation and its sanitizer
(and no other) in it, needs no library that their image has not, and has a seed
corpus, a dictionary and options that it accepts. Exit status: 0 all good,
1 a build is bad, 2 usage or a missing tool."""

import configparser
import os
import re
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

from . import clusterfuzz_build, common

PROG = "ci/check-clusterfuzz"
RUNS = 4
RUN_LIMIT_S = 120
# fuzz_hunt drives bin/hakmem-hunt as a process: neither coverage instrumentation nor a
# sanitizer is in it, so that no engine of theirs could run it.
NOT_BUILT = {"hunt"}
EDGES_MIN = 100
# Calls of the sanitizers' names in a program, theirs among themselves included:
# below the first number the sanitizer is not in it, above the second another one
# is. That is ClusterFuzz's rule; ours is that so many are made by the code itself.
CALLS = {"asan": (1000, 0), "msan": (1000, 3), "ubsan": (168, 200)}
OWN_CALLS_MIN = 100
WANTED_CALLS = {"address": "asan", "memory": "msan", "undefined": "ubsan"}
CALL = re.compile(r"\s(?:callq?|bl)\s+[0-9a-f]+ <__(asan|msan|ubsan)(_?)")
# What glibc and the compilers' runtimes bring: nothing else is in their image.
LIBRARIES = re.compile(r"(linux-vdso|lib(c|m|dl|rt|pthread|resolv|gcc_s|stdc\+\+))\.so|ld-linux")


def run(command, folder, limit_s=RUN_LIMIT_S, environment=None):
    """(exit status or None, output)."""
    variables = {"PATH": clusterfuzz_build.PATH,
                 "UBSAN_OPTIONS": "silence_unsigned_overflow=1", **(environment or {})}
    try:
        done = subprocess.run(list(map(str, command)), cwd=folder, env=variables, check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=limit_s)
    except subprocess.TimeoutExpired as stopped:
        return None, (stopped.stdout or b"").decode("utf-8", "replace")
    except OSError as error:
        return 127, f"{command[0]}: {error.strerror}"
    return done.returncode, done.stdout.decode("utf-8", "replace")


def last_lines(text, count=6):
    return "".join(f"\n      | {line[:200]}" for line in text.strip().split("\n")[-count:])


def is_target(path):
    """As ClusterFuzz decides: a program with the entry point in it."""
    return path.is_file() and os.access(path, os.X_OK) and \
        b"LLVMFuzzerTestOneInput" in path.read_bytes()


def check_runs(target, folder):
    status, text = run([target, f"-runs={RUNS}", "-seed=1337"], folder)
    if "no interesting inputs were found" in text:
        yield "has no coverage instrumentation"
        return
    if status != 0 or f"Done {RUNS} runs" not in text:
        yield f"does not start and end {RUNS} runs (status {status}):{last_lines(text)}"
        return
    edges = re.findall(r"INFO: Loaded \d+ modules?\s.*?\((\d+) [^)]*(?:counters|guards)\)", text)
    if not edges:
        yield "has no coverage instrumentation"
    elif int(edges[0]) < EDGES_MIN:
        yield f"has coverage instrumentation for {edges[0]} edges only, under {EDGES_MIN}"


def check_sanitizer(target, folder, sanitizer):
    status, text = run(["objdump", "-dC", "--no-show-raw-insn", target], folder)
    if status != 0:
        yield f"objdump cannot read it:{last_lines(text)}"
        return
    calls = CALL.findall(text)
    wanted = WANTED_CALLS[sanitizer]
    own = sum(name == wanted and mark == "_" for name, mark in calls)
    for name, (least, most) in CALLS.items():
        found = sum(called == name for called, _ in calls)
        if name == wanted and (found < least or own < OWN_CALLS_MIN):
            yield f"does not have {sanitizer} in it: {own} calls of __{name}_*, under " \
                  f"{OWN_CALLS_MIN}, or {found} of __{name}*, under {least}"
        elif name != wanted and found > most:
            yield f"has another sanitizer in it: {found} calls of __{name}*, over {most}"


def check_libraries(target, folder):
    status, text = run(["ldd", target], folder)
    if status != 0:
        yield f"ldd cannot read it:{last_lines(text)}"
    for line in text.splitlines():
        name = line.split("=>")[0].strip().split(" ")[0]
        if "not found" in line:
            yield f"misses the library {name}"
        elif "=>" in line and not LIBRARIES.search(name):
            yield f"needs {name}, which the image that runs it does not have"


def check_seeds(target, folder):
    path = target.with_name(target.name + "_seed_corpus.zip")
    if not path.exists():
        yield f"has no {path.name}"
        return
    try:
        with zipfile.ZipFile(path) as file:
            bad = file.testzip()
            names = [name for name in file.namelist() if not name.endswith("/")]
            if bad or not names:
                yield f"{path.name}: {'the entry ' + bad + ' is damaged' if bad else 'is empty'}"
                return
            seeds = folder / (target.name + ".seeds")
            file.extractall(seeds)
    except zipfile.BadZipFile as error:
        yield f"{path.name} does not open: {error}"
        return
    status, text = run([target, "-runs=0", seeds], folder)
    if status != 0:
        yield f"fails on its own seed corpus (status {status}):{last_lines(text)}"


def check_options(target, folder):
    dictionary = target.with_name(target.name + ".dict")
    options = target.with_name(target.name + ".options")
    missing = [path.name for path in (dictionary, options) if not path.exists()]
    if missing:
        yield f"has no {', no '.join(missing)}"
        return
    parser = configparser.ConfigParser()
    try:
        parser.read_string(options.read_text(encoding="utf-8"))
        rows = dict(parser["libfuzzer"])
    except (configparser.Error, KeyError) as error:
        yield f"{options.name} has no readable [libfuzzer] section: {error}"
        return
    if rows.get("dict") != dictionary.name:
        yield f"{options.name} names the dictionary {rows.get('dict')}, not {dictionary.name}"
    rows["dict"] = dictionary
    status, text = run([target, f"-runs={RUNS}", *(f"-{k}={v}" for k, v in rows.items())], folder)
    if status != 0:
        yield f"does not take its own options or dictionary:{last_lines(text)}"
    for line in re.findall(r"WARNING: unrecognized flag.*", text):
        yield f"{options.name}: libFuzzer says {line}"


def check_target(target, folder, sanitizer):
    yield from check_runs(target, folder)
    yield from check_sanitizer(target, folder, sanitizer)
    yield from check_libraries(target, folder)
    yield from check_seeds(target, folder)
    yield from check_options(target, folder)


def expected_targets():
    return {f"fuzz_{folder.name}" for folder in (common.ROOT / "fuzz/corpus").iterdir()
            if folder.is_dir() and folder.name not in NOT_BUILT}


def judge(out, sanitizer, expected):
    """Prints a line for each target; returns how many problems there are."""
    clusterfuzz_build.demand_tools("objdump", "ldd")
    count = 0
    # Elsewhere than it was built, as the image that runs it has it.
    with tempfile.TemporaryDirectory(prefix="hakmem-clusterfuzz.") as folder:
        moved = Path(folder) / "out"
        shutil.copytree(out, moved)
        (Path(folder) / "run").mkdir()
        targets = sorted(path for path in moved.iterdir() if is_target(path))
        for name in sorted(expected - {target.name for target in targets}):
            count += 1
            print(f"{sanitizer}: {name}: BAD: it was not built", flush=True)
        if not targets:
            count += 1
            print(f"{sanitizer}: BAD: no fuzz target in {out}", flush=True)
        for target in targets:
            problems = list(check_target(target, Path(folder) / "run", sanitizer))
            count += len(problems)
            for problem in problems or ["ok"]:
                mark = "" if problem == "ok" else "BAD: "
                print(f"{sanitizer}: {target.name}: {mark}{problem}", flush=True)
    return count


def sanitizer_list(text):
    names = text.split(",")
    for name in names:
        if name not in clusterfuzz_build.SANITIZERS:
            raise common.UsageError(f"--sanitizer {name}: there is no such sanitizer here; use "
                                    f"{', '.join(clusterfuzz_build.SANITIZERS)}")
    return names


def main(argv):
    parser = common.Parser(PROG, description=__doc__)
    parser.add_argument("--sanitizer", default=",".join(clusterfuzz_build.SANITIZERS),
                        metavar="LIST", help="default address,undefined,memory")
    parser.add_argument("--judge", metavar="DIR",
                        help="build nothing; judge the targets in DIR (one sanitizer only)")
    parser.add_argument("--jobs", type=common.whole_number(1, 1024), default=os.cpu_count() or 1,
                        metavar="N", help="compilers at a time (default: the CPUs)")
    parser.add_argument("--out", default="build/clusterfuzz", metavar="DIR",
                        help="builds go here (default build/clusterfuzz)")
    parser.add_argument("--json", type=common.output_file, metavar="FILE",
                        help="write the verdicts to FILE")
    options = parser.parse_args(argv)
    sanitizers = sanitizer_list(options.sanitizer)
    verdicts = {}
    if options.judge is not None:
        if len(sanitizers) != 1 or not Path(options.judge).is_dir():
            parser.error("--judge takes a folder, and --sanitizer one name with it")
        verdicts[sanitizers[0]] = judge(Path(options.judge).resolve(), sanitizers[0], set())
    else:
        base = common.prepare_out_dir(options.out, "result.json")
        for sanitizer in sanitizers:
            out = clusterfuzz_build.build(base / sanitizer, sanitizer, options.jobs)
            verdicts[sanitizer] = 1 if out is None else judge(out, sanitizer, expected_targets())
        common.write_json(base / "result.json", {"problems": verdicts})
    if options.json:
        common.write_json(options.json, {"program": PROG, "problems": verdicts})
    bad = sum(verdicts.values())
    print(f"{PROG}: {'all good' if bad == 0 else f'{bad} problems'} "
          f"({', '.join(verdicts)})", flush=True)
    return common.FOUND if bad else common.OK
