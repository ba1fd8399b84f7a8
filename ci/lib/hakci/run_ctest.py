# SPDX-License-Identifier: MIT
"""Runs CTest in one preset's build folder, bounded in time."""

import os

from . import common

PROG = "ci/lib/run-ctest"
TEST_TIMEOUT_S = 300  # of a test that sets none of its own


def main(argv):
    parser = common.Parser(PROG, description=__doc__)
    parser.add_argument("preset", help="build/PRESET is tested")
    parser.add_argument("--jobs", type=common.whole_number(1, 1024), default=os.cpu_count())
    parser.add_argument("--junit", type=common.output_file, metavar="FILE",
                        help="JUnit XML goes to this file")
    parser.add_argument("--label", metavar="REGEX", help="only tests with such a label")
    parser.add_argument("--label-exclude", metavar="REGEX", help="no tests with such a label")
    parser.add_argument("--name", metavar="REGEX", help="only tests whose name matches")
    options = parser.parse_args(argv)
    common.demand_tools("ctest", "cmake")
    for option in ("label", "label_exclude", "name"):
        common.demand_regex(f"--{option.replace('_', '-')}", getattr(options, option))
    build = common.ROOT / "build" / options.preset
    if not (build / "CTestTestfile.cmake").exists():
        raise common.UsageError(f"no tests in {build}; run `ci/build {options.preset}` first")
    command = ["ctest", "--test-dir", str(build), "--output-on-failure", "--no-tests=error",
               "--timeout", str(TEST_TIMEOUT_S), "--parallel", str(options.jobs)]
    if options.junit:
        command += ["--output-junit", os.path.abspath(options.junit)]
    for option, regex in (("--label-regex", options.label),
                          ("--label-exclude", options.label_exclude)):
        if regex:
            command += [option, f"^({regex})$"]
    if options.name:
        command += ["--tests-regex", options.name]
    os.execvp("ctest", command)
