# SPDX-License-Identifier: MIT
"""The CI gate: the profiles that a CI system runs, on the stages and the
runner of ci/validate."""

import re
import secrets

from . import common, stages, validate

PROG = "ci/gate"
# What ci/setup installs for each profile, beside what every command needs.
GROUPS = {"pull-request": ("test", "bench"), "nightly": ("full", "test", "bench")}


def parse(argv):
    parser = common.Parser(
        PROG, description="Builds hakmem with every compiler there is, tests, sanitizes, fuzzes, "
        "stresses and hunts it, plants bugs that each detector must find, measures, and gives a "
        "verdict. Exit status: 0 all passed, 1 something failed, 2 usage or missing tools, "
        "130 interrupted.")
    parser.add_argument("--profile", choices=tuple(GROUPS), default="pull-request",
                        help="pull-request: made for 15 minutes on two cores (the default); "
                        "nightly: hours")
    parser.add_argument("--threads", type=common.whole_number(1, 256), default=4, metavar="N",
                        help="threads in the stress scenarios (default 4)")
    parser.add_argument("--seed", type=common.whole_number(0, 2**32 - 1), metavar="S",
                        help="repeats a run (default: a new one, printed)")
    parser.add_argument("--only", default="", metavar="REGEX",
                        help="only the stages whose name matches, and those they need; "
                        "the result says so")
    parser.add_argument("--list", action="store_true", help="name the profile's stages and end")
    parser.add_argument("--out", default="out/gate", metavar="DIR",
                        help="where logs, result.json, junit.xml, result.sarif, summary.md and "
                        "report.html go (default out/gate)")
    options = parser.parse_args(argv)
    if options.seed is None:
        options.seed = secrets.randbelow(2**31)
    try:
        options.rows = validate.selected(stages.of_profile(options.profile), options.only)
    except re.error as error:
        parser.error(f"--only '{options.only}' is not a regular expression: {error}")
    if not options.rows:
        parser.error(f"--only '{options.only}' matches no stage of {options.profile}")
    return options


def main(argv):
    options = parse(argv)
    if options.list:
        for stage, budget in options.rows:
            title = stage.title.replace("{threads}", str(options.threads))
            print(f"{stage.name:<28} {title}  (limit {budget.limit_s} s)")
        return common.OK
    return validate.run_to_verdict(PROG, options, GROUPS[options.profile])
