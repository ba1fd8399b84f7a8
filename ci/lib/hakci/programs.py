# SPDX-License-Identifier: MIT
"""Runs real programs with a malloc library preloaded, and compares what they
produce with what they produce on the C library's own malloc.
Exit status: 0 all passed, 1 a program failed, 2 usage or missing tools."""

import os
import resource
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from . import common, preload
from .programs_table import PROGRAMS
from .runner import describe_exit, end_group

PROG = "ci/real-programs"
LIBRARIES = ("build/release/lib/libhakmem.so", "build/checked/lib/libhakmem-checked.so")
LIMIT_S = 300
LIMITED_KIB = 1000000  # as `ulimit -v 1000000`


def parse(argv):
    parser = common.Parser(PROG, description=__doc__)
    parser.add_argument("--library", action="append", metavar="PATH",
                        help="preload this one (default: hakmem's release and checked builds)")
    parser.add_argument("--limited", action="store_true",
                        help=f"under `ulimit -v {LIMITED_KIB}`")
    parser.add_argument("--program", action="append", metavar="NAME",
                        help=f"only this one, of {', '.join(p.name for p in PROGRAMS)}")
    parser.add_argument("--out", default="out/real-programs", metavar="DIR",
                        help="logs and result.json (default out/real-programs)")
    options = parser.parse_args(argv)
    names = [program.name for program in PROGRAMS]
    for name in options.program or []:
        if name not in names:
            parser.error(f"no program '{name}'; use {', '.join(names)}")
    options.programs = [program for program in PROGRAMS
                        if program.name in (options.program or names)]
    return options


def libraries(options):
    found = []
    for name in options.library or LIBRARIES:
        # Links are not followed: one may be there for the sake of its path.
        path = Path(os.path.abspath(common.ROOT / name))
        if not path.is_file():
            raise common.UsageError(f"{name} is not there; run `ci/build release checked`, or "
                                    "name another with --library")
        check_preloads(path)
        found.append(path)
    return found


def check_preloads(path):
    """One with which no program runs has nothing to show either."""
    done = preload.demand_library(path)
    if done.returncode != 0 or str(path.resolve()) not in done.stdout:
        why = done.stderr.strip().split("\n")[0] or describe_exit(done.returncode)
        raise common.UsageError(f"{path} cannot be preloaded: {why}; name another with --library")


def limiter(program):
    """What the child calls before it becomes the program."""

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (LIMITED_KIB * 1024,) * 2)
        resource.setrlimit(resource.RLIMIT_STACK, (program.limited_stack_kib * 1024,) * 2)

    return limit


def run_one(program, library, limited, log_path):
    """Returns (reason it failed or "", contents of `compare`)."""
    scratch = Path(tempfile.mkdtemp(prefix="hakmem-programs."))
    environment = {**os.environ, "ROOT": str(common.ROOT), "LC_ALL": "C.UTF-8",
                   "HAKMEM_ADAPTIVE_LOG": "0"}
    if library:
        environment["LD_PRELOAD"] = str(library)
    try:
        with open(log_path, "w", encoding="utf-8") as log:
            process = subprocess.Popen(
                ["sh", "-eu", "-c", program.script], cwd=scratch, env=environment, stdout=log,
                stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT, start_new_session=True,
                preexec_fn=limiter(program) if limited else None)
            try:
                status = process.wait(LIMIT_S)
            except subprocess.TimeoutExpired:
                end_group(process)
                return f"still running after {LIMIT_S} s", None
            except BaseException:
                end_group(process)
                raise
        text = log_path.read_text(encoding="utf-8", errors="replace")
        if status != 0:
            return describe_exit(status), None
        if "ERROR: ld.so" in text:
            return "the loader could not preload the library everywhere", None
        compare = scratch / "compare"
        return "", compare.read_bytes() if compare.exists() else b""
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def show(name, where, reason, seconds, log_path):
    print(f"{name} on {where}: {reason and 'FAILED: ' + reason or 'ok'} ({seconds:.1f} s)",
          flush=True)
    if reason:
        lines = log_path.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
        print("".join(f"    {line[:300]}\n" for line in lines) + f"    whole log: {log_path}",
              flush=True)


def run_program(program, found, limited, logs):
    """The program on the C library's malloc first, as the control, then on
    each library. Yields an entry each."""
    expected = None
    for library in [None, *found]:
        where = library.name if library else "the C library's malloc"
        log_path = logs / f"{program.name}.{library.name if library else 'control'}.log"
        start = time.monotonic()
        reason, compare = run_one(program, library, limited, log_path)
        if library is None:
            expected = compare
        elif not reason and compare != expected:
            reason = "its output differs from that on the C library's malloc"
        seconds = time.monotonic() - start
        show(program.name, where, reason, seconds, log_path)
        yield {"program": program.name, "library": str(library or ""), "limited": limited,
               "passed": not reason, "reason": reason, "seconds": round(seconds, 2)}
        if library is None and reason:
            return  # a control that fails leaves nothing to compare with


def main(argv):
    options = parse(argv)
    os.chdir(common.ROOT)
    found = libraries(options)
    missing = sorted({tool for program in options.programs for tool in program.tools
                      if not shutil.which(tool)})
    if missing:
        raise common.UsageError(f"missing {', '.join(missing)}; run `ci/setup --for programs`")
    if subprocess.run(["/usr/bin/python3", "-c", "import test.test_dict"], capture_output=True,
                      check=False).returncode != 0:
        raise common.UsageError("python3's own tests are missing; run `ci/setup --for programs`")
    out = common.prepare_out_dir(options.out, "result.json")
    entries = []
    for program in options.programs:
        entries += run_program(program, found, options.limited, out / "logs")
    failed = [entry for entry in entries if not entry["passed"]]
    common.write_json(out / "result.json", {
        "verdict": "fail" if failed else "pass", "limited": options.limited, "runs": entries})
    print(f"{'FAIL' if failed else 'PASS'}: {len(entries) - len(failed)} runs passed, "
          f"{len(failed)} did not")
    return common.FOUND if failed else common.OK
