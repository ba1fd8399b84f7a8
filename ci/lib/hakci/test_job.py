# SPDX-License-Identifier: MIT
"""Set-up and every test: builds the presets, then runs all of their tests in
one CTest run, whose own summary ends the output. Exit status: 0 all passed,
1 a build or a test failed, 2 usage or missing tools."""

import json
import os
import subprocess
import time

from . import common
from .runner import end_group, run_command, tail_of

PROG = "ci/test"
BUILD_LIMIT_S = 900
PRESETS = ("release", "checked", "tsan", "asan", "ubsan", "msan")
TEST_TIMEOUT_S = 300  # of a test that sets none of its own
NAME_LISTS = ("DEPENDS",)  # properties that name other tests


def quoted(text):
    """A CMake bracket argument, long enough not to end early."""
    bar = "="
    while f"]{bar}]" in text:
        bar += "="
    return f"[{bar}[{text}]{bar}]"


def property_text(preset, name, value):
    if name in NAME_LISTS or name.startswith("FIXTURES_"):
        value = [f"{preset}.{item}" for item in value]
    if isinstance(value, bool):
        return "ON" if value else "OFF"
    if isinstance(value, list):
        return ";".join(str(item).replace(";", "\\;") for item in value)
    return str(value)


def tests_of(preset):
    """The tests of a build folder, as CTest itself lists them."""
    command = ["ctest", "--test-dir", f"build/{preset}", "--show-only=json-v1"]
    done = subprocess.run(command, cwd=common.ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise common.UsageError(f"{' '.join(command)} failed: {done.stderr.strip()}")
    return json.loads(done.stdout)["tests"]


def combined_lines(preset, tests):
    """CTestTestfile.cmake lines that define `tests` as PRESET.NAME. A test
    whose program was not built keeps its place and fails."""
    for test in tests:
        name = quoted(f"{preset}.{test['name']}")
        command = test.get("command", ["/nonexistent/not-built", test["name"]])
        yield f"add_test({name} {' '.join(quoted(word) for word in command)})"
        for item in test.get("properties", []):
            text = property_text(preset, item["name"], item["value"])
            yield f"set_tests_properties({name} PROPERTIES {item['name']} {quoted(text)})"


def write_combined(out, presets):
    """Returns how many tests each preset has."""
    lines, counts = ["# Made by ci/test: the tests of all presets in one list."], {}
    for preset in presets:
        tests = tests_of(preset)
        counts[preset] = len(tests)
        lines += combined_lines(preset, tests)
    common.write_atomically(out / "CTestTestfile.cmake", "\n".join(lines) + "\n")
    return counts


def build(presets, logs):
    """Builds each preset, its output shown only when it fails."""
    for preset in presets:
        start = time.monotonic()
        print(f"{PROG}: building {preset} ... ", end="", flush=True)
        log = logs / f"build-{preset}.log"
        status, exit_status, reason = run_command(["ci/build", preset], log, BUILD_LIMIT_S)
        last = tail_of(log, 1)
        if exit_status == common.USAGE and last.startswith("ci/build: "):
            print("not begun", flush=True)
            raise common.UsageError(last)
        if status != "pass":
            print(f"FAILED: {reason}\n{tail_of(log, 60)}\n"
                  f"{PROG}: the {preset} build failed, no test was run; whole log: {log}")
            return False
        print(f"ok ({time.monotonic() - start:.1f} s)", flush=True)
    return True


def run_in_session(command):
    """In a session of its own, so that it can be ended with all its tests."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        return process.wait()
    except BaseException:
        end_group(process)
        raise


def parse(argv):
    parser = common.Parser(PROG, description=__doc__)
    parser.add_argument("--presets", default=",".join(PRESETS), metavar="LIST",
                        help=f"default {','.join(PRESETS)}")
    parser.add_argument("--jobs", type=common.whole_number(1, 1024), default=os.cpu_count() or 1,
                        metavar="N", help="tests at a time (default: the CPUs)")
    parser.add_argument("--filter", metavar="REGEX", help="only tests whose name matches")
    parser.add_argument("--out", default="out/test", metavar="DIR",
                        help="junit.xml and CTest's files go here (default out/test)")
    options = parser.parse_args(argv)
    options.presets = options.presets.split(",")
    for preset in options.presets:
        if preset not in PRESETS:
            parser.error(f"'{preset}' is not a preset with tests; use {', '.join(PRESETS)}")
    return options


def main(argv):
    options = parse(argv)
    os.chdir(common.ROOT)
    common.own_folder(options.out, "test.json")
    common.set_up("test")
    common.demand_tools("cmake", "ninja", "ctest", group="test")
    common.demand_regex("--filter", options.filter)
    out = common.prepare_out_dir(options.out, "test.json")
    if not build(options.presets, out / "logs"):
        return common.FOUND
    counts = write_combined(out, options.presets)
    common.write_json(out / "test.json", {"presets": counts})
    print(f"{PROG}: {', '.join(f'{preset} {count}' for preset, count in counts.items())} tests",
          flush=True)
    without = [preset for preset, count in counts.items() if count == 0]
    if without:
        print(f"{PROG}: no test in {', '.join(without)}: a build without tests shows nothing")
        return common.FOUND
    command = ["ctest", "--test-dir", str(out), "--parallel", str(options.jobs), "--timeout",
               str(TEST_TIMEOUT_S), "--output-on-failure", "--no-tests=error",
               "--output-junit", str(out / "junit.xml")]
    if options.filter:
        command += ["--tests-regex", options.filter]
    return common.OK if run_in_session(command) == 0 else common.FOUND
