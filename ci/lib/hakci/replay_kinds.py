# SPDX-License-Identifier: MIT
"""What ci/replay can replay: a hunter's token, a command of hakmem-stress, an
input of a fuzzer. Each kind says what it needs built, and try_out() says what
became of it: GOOD, BAD or SKIP, and why."""

import os
import re
import shlex
import subprocess
from pathlib import Path

from . import common, replay_token

GOOD, BAD, SKIP = 0, 1, 125
PRESETS = ("release", "checked", "asan", "ubsan", "tsan", "msan", "fuzz", "hunt")
INPUT_LIMIT_S = 120
STRESS_GRACE_S = 120


class Told:
    """How a program ended and what it printed."""

    def __init__(self, command, limit_s):
        print(f"$ {shlex.join(map(str, command))}", flush=True)
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=limit_s, check=False,
                                  env={**os.environ, "HAKMEM_ADAPTIVE_LOG": "0"})
            self.status, output = done.returncode, done.stdout
        except subprocess.TimeoutExpired as error:
            self.status, output = None, error.stdout or b""
        self.text = output.decode("utf-8", "replace")
        print(self.text, end="" if self.text.endswith("\n") else "\n", flush=True)


def judged(told, message, what):
    """BAD if the failure says what it must say. Another failure hides ours:
    then nothing is known of this commit."""
    if message and not re.search(message, told.text):
        return SKIP, f"{what}, but it says nothing that matches '{message}': another failure"
    return BAD, what


class Hunt:
    """A token. In its own build it is replayed. In another, which git bisect
    makes of each commit, its steps may mean something else; what counts there
    is whether a schedule that fails exists, and the token says where to look:

    1. The choices are replayed although the build differs. A failure is a
       failure, whichever schedule shows it. That nothing failed, or that the
       schedule took another path, proves nothing.
    2. So all schedules with as many preemptions and stale loads as the token
       has (at most the gate's two and one) are tried, and when the search is
       complete there is no such schedule.
    3. A token of more than that: the portfolio, for the rest of the time."""

    def __init__(self, text, options):
        self.token = replay_token.parse(text)
        self.options = options
        self.preset, self.targets = "hunt", ["hakmem-hunt"]

    def limits(self):
        token = self.token
        words = []
        if not token.options & replay_token.WITH_STALE_LOADS:
            words.append("--no-stale-loads")
        if not token.options & replay_token.WITH_RACES:
            words.append("--no-races")
        if token.options & replay_token.WITH_PLAIN_POINTS:
            words.append("--plain-points")
        return words

    def replay(self, hunter):
        """The failing run, or None."""
        told = Told([hunter, "--replay", self.token.text], self.options.seconds + 60)
        other = re.search(r"this is build ([0-9a-f]{8})", told.text)
        if told.status == 2 and other:
            print(f"ci/replay: not the token's build: its choices on build {other[1]}", flush=True)
            told = Told([hunter, "--replay", self.token.for_build(other[1])],
                        self.options.seconds + 60)
        return told

    def hunts(self):
        """(words, seconds, what a search without a finding shows)."""
        preemptions = min(max(self.token.thread_deviations, 1), 2)
        stale = min(max(self.token.stale_loads, 1), 1)
        is_within = self.token.thread_deviations <= 2 and self.token.stale_loads <= 1
        yield (["--strategy", "exhaustive", "--preemptions", str(preemptions), "--stale",
                str(stale), "--seed", str(self.token.seed)], self.options.seconds / 2, is_within)
        yield ["--seed", "1"], self.options.seconds / 2, False

    def hunt(self, hunter):
        shown = []
        for words, seconds, ends_it in self.hunts():
            told = Told([hunter, self.token.scenario, *words, *self.limits(), "--seconds",
                         f"{seconds:g}"], seconds + 60)
            if told.status == 1:
                return judged(told, self.options.message, "a hunt around the token found a schedule")
            if told.status != 0:
                return SKIP, f"the hunter ended with {told.status}"
            complete = "complete: nothing found" in told.text
            shown.append("every schedule within the bounds" if complete else
                         f"{seconds:g} s of schedules")
            if complete and ends_it:
                break
        return GOOD, f"nothing found in {' and '.join(shown)}"

    def try_out(self, folder):
        hunter = folder / "bin/hakmem-hunt"
        listed = common.output_of(str(hunter), "--list")
        if not re.search(rf"(?m)^\s*{re.escape(self.token.scenario)} ", listed):
            return SKIP, f"this commit has no scenario {self.token.scenario}"
        told = self.replay(hunter)
        if told.status == 1:
            verdict, why = judged(told, self.options.message, "the token's schedule fails")
            if verdict == BAD:
                return verdict, why
        return self.hunt(hunter)


class Stress:
    """A command of hakmem-stress. Its seed fixes what each thread does, not how
    they interleave: it is repeated, and one failure is enough."""

    def __init__(self, words, options):
        self.options = options
        self.words = words[1:]
        folder = re.search(r"(?:^|/)build/(?:[^/]+/)*?([a-z]+)/bin/", words[0])
        self.preset = options.preset or (folder[1] if folder else "checked")
        self.targets = ["hakmem-stress", "hakmem-stress-worker"]
        if not self.words or self.words[0].startswith("-"):
            raise common.UsageError(f"'{shlex.join(words)}' names no scenario; one looks like "
                                    "'hakmem-stress mixed --threads 4 --seed 9 --seconds 1'")
        if "--library" in self.words:
            self.targets.append("hakmem-stress-any")

    def seconds(self):
        found = re.search(r"--seconds[= ]([0-9.]+)", " ".join(self.words))
        return float(found[1]) if found else 60

    def try_out(self, folder):
        program = folder / "bin/hakmem-stress"
        listed = common.output_of(str(program), "--list")
        if not re.search(rf"(?m)^\s*{re.escape(self.words[0])}\b", listed):
            return SKIP, f"this commit has no scenario {self.words[0]}"
        for run in range(1, self.options.runs + 1):
            told = Told([program, *self.words], self.seconds() + STRESS_GRACE_S)
            if told.status == 2:
                return SKIP, "this commit's hakmem-stress does not take the command"
            if told.status != 0:
                return judged(told, self.options.message, f"run {run} failed")
        bound = 1 - 0.05 ** (1 / self.options.runs)
        return GOOD, (f"{self.options.runs} runs passed: it fails less often than in "
                      f"{bound * 100:.1f} % of runs (95 %), if at all")


class Input:
    """A fuzzer's input. What its bytes mean may change with the target: an
    input that passes shows only that these bytes pass."""

    def __init__(self, target, path, options):
        self.options = options
        self.target, self.path = target, Path(path).resolve()
        self.preset, self.targets = options.preset or "fuzz", [target]
        if not self.path.is_file():
            raise common.UsageError(f"no input {path}")

    def try_out(self, folder):
        told = Told([folder / "bin" / self.target, "-timeout=60", self.path], INPUT_LIMIT_S)
        if told.status == 0:
            return GOOD, "the input passes"
        return judged(told, self.options.message, "the input fails")


def kind_of(words, options):
    """What the words on the command line name."""
    if len(words) == 1 and " " in words[0]:
        words = shlex.split(words[0])
    name = Path(words[0]).name
    if name == "hakmem-stress":
        return Stress(words, options)
    if name == "hakmem-hunt" and "--replay" in words[:-1]:
        return Hunt(words[words.index("--replay") + 1], options)
    if re.fullmatch(r"fuzz_\w+", name) and len(words) == 2:
        return Input(name, words[1], options)
    if len(words) == 1 and Path(words[0]).is_file():
        target = re.match(r"fuzz_[a-z0-9]+", name)
        if not target and not options.target:
            raise common.UsageError(f"which fuzzer failed on {words[0]}? name it with --target")
        return Input(options.target or target[0], words[0], options)
    if len(words) == 1:
        return Hunt(words[0], options)
    raise common.UsageError(f"'{shlex.join(words)}' is no token, no command of hakmem-stress or "
                            "a fuzzer, and no file; see ci/replay --help")
