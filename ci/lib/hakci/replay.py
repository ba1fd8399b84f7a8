# SPDX-License-Identifier: MIT
"""Replays a failure on the commit that is checked out, in the terms of
`git bisect run`: 0 it does not show (good), 1 it shows (bad), 125 nothing can
be said of this commit (it cannot be built, or lacks the scenario)."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from . import common, replay_kinds

PROG = "ci/replay"
BUILD_LIMIT_S = 1800
STOP_BISECT = 255  # git ends the bisect on a status above 127
EPILOG = """Bad usage ends with 2. During a bisect it ends with 255 instead: git would take 2 for
"bad" and blame a commit for a mistyped command; above 127 it stops. A commit older than this
command has no ci/replay: take a copy, `cp -r ci /tmp/hakmem-ci`, and run that one."""


class CannotBuild(Exception):
    """This commit cannot be built; says why."""


def tree():
    """The work tree we stand in; this file's own, if in none. A bisect may
    have checked out a commit without this command: then a copy of it runs."""
    top = common.output_of("git", "rev-parse", "--show-toplevel", cwd=os.getcwd())
    return Path(top) if top else common.ROOT


def is_bisecting(root):
    path = common.output_of("git", "rev-parse", "--git-path", "BISECT_START", cwd=root)
    return bool(path) and (root / path).exists()


def run_logged(command, root, log):
    try:
        return subprocess.run(command, cwd=root, stdout=log, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, timeout=BUILD_LIMIT_S,
                              check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def build_once(root, folder, kind, jobs):
    """Returns "" or the end of the log."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    log_path = folder.parent / f"{kind.preset}.log"
    with open(log_path, "w", encoding="utf-8") as log:
        is_built = (run_logged(["cmake", "--preset", kind.preset, "-B", str(folder)], root, log)
                    and run_logged(["cmake", "--build", str(folder), "--parallel", str(jobs),
                                    "--target", *kind.targets], root, log))
    if is_built:
        return ""
    text = log_path.read_text(encoding="utf-8", errors="replace")
    return "\n".join(text.strip().split("\n")[-15:]) or "it said nothing"


def build(root, kind, options):
    """The folder with the programs built. What another commit left there may
    be why it fails, so it is tried again from nothing before it counts."""
    folder = Path(options.build or root / "build/replay").resolve() / kind.preset
    had_been_used = folder.exists()
    complaint = build_once(root, folder, kind, options.jobs)
    if complaint and had_been_used:
        shutil.rmtree(folder)
        complaint = build_once(root, folder, kind, options.jobs)
    if complaint:
        raise CannotBuild(complaint)
    return folder


def parse(argv):
    number = common.whole_number
    parser = common.Parser(PROG, description=__doc__, epilog=EPILOG)
    parser.add_argument("what", nargs="+", metavar="WHAT",
                        help="a token of hakmem-hunt; or a command of hakmem-stress; or a file on "
                        "which a fuzzer failed (or the fuzzer and the file)")
    parser.add_argument("--message", metavar="REGEX",
                        help="only a failure that says this counts as ours; another one hides it: "
                        "125")
    parser.add_argument("--seconds", type=number(1, 86400), default=60, metavar="S",
                        help="hunt so long where a token's own schedule does not fail (60)")
    parser.add_argument("--runs", type=number(1, 100000), default=20, metavar="N",
                        help="repeat a command of hakmem-stress N times (20)")
    parser.add_argument("--preset", choices=replay_kinds.PRESETS,
                        help="the build (default: the one in the command's path, else checked)")
    parser.add_argument("--target", metavar="FUZZER", help="as fuzz_api, if the file's name does "
                        "not begin with it")
    parser.add_argument("--build", metavar="DIR", help="build there (default build/replay)")
    parser.add_argument("--jobs", type=number(1, 1024), default=os.cpu_count() or 1, metavar="N")
    # A stress command without quotes: its options are not ours.
    programs = [place for place, word in enumerate(argv) if Path(word).name == "hakmem-stress"]
    first = programs[0] + 1 if programs else len(argv)
    options = parser.parse_args(argv[:first])
    options.what += argv[first:]
    return options


def replay(argv):
    options = parse(argv)
    kind = replay_kinds.kind_of(options.what, options)
    if kind.preset not in replay_kinds.PRESETS:
        raise common.UsageError(f"'{kind.preset}' is no preset; name one with --preset")
    common.demand_tools("cmake", "ninja")
    root = tree()
    os.chdir(root)
    commit = common.output_of("git", "rev-parse", "--short", "HEAD", cwd=root) or "this tree"
    try:
        verdict, why = kind.try_out(build(root, kind, options))
    except CannotBuild as error:
        verdict, why = replay_kinds.SKIP, f"it cannot be built:\n{error}"
    word = {replay_kinds.GOOD: "not reproduced", replay_kinds.BAD: "REPRODUCED"}.get(
        verdict, "cannot say")
    print(f"{PROG}: {commit}: {word}: {why}", flush=True)
    return verdict


def replay_or_complain(argv):
    try:
        return replay(argv)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise common.UsageError(common.describe(error)) from error


def main(argv):
    try:
        return replay_or_complain(argv)
    except (common.UsageError, SystemExit) as error:
        status = error.code if isinstance(error, SystemExit) else common.USAGE
        if status == common.USAGE and is_bisecting(tree()):
            said = "" if isinstance(error, SystemExit) else f"{error}; "
            print(f"{PROG}: {said}the bisect stops here", file=sys.stderr)
            return STOP_BISECT
        raise
