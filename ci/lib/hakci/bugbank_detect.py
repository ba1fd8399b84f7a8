# SPDX-License-Identifier: MIT
"""The detectors of the bug bank: how each is built, run, and what it says when
it has found something. `finder` in a bug's row is a detector and its words."""

import math
import os
import platform
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from . import bugbank_build, common

# Valgrind replaces malloc in any program unless it is told not to: it would test
# its own.
MEMCHECK = ("valgrind", "--soname-synonyms=somalloc=nouserintercepts", "--error-exitcode=99",
            "--leak-check=no", "--trace-children=yes")
# How long a program may take beyond its budget: to start, to notice, to report.
GRACE_S = 45
HANGS_AFTER_S = 12
MESSAGE_BYTES_MAX = 4 << 20
HANGS = "still running after its limit"

# ThreadSanitizer and AddressSanitizer end the program at the first report.
ENVIRONMENT = {
    "HAKMEM_ADAPTIVE_LOG": "0",
    "TSAN_OPTIONS": "halt_on_error=1",
    "ASAN_OPTIONS": "detect_leaks=0",
}


@dataclass(frozen=True)
class Detector:
    preset: str
    program: str  # {0} is the finder's first word after the detector
    command: tuple  # {bin} {0} {seed} {seconds} {whole_seconds}
    found: tuple  # exit statuses that say "found something"
    beside: tuple = ()  # other programs that it needs in its folder
    rest: str = ""  # the default of the finder's words
    executions: str = ""  # how to read how much it had done
    grace_s: int = GRACE_S
    machine: str = ""  # is there only on such a machine

    @property
    def is_here(self):
        return self.machine in ("", platform.machine())


def _stress(preset, wrap=(), timeout=HANGS_AFTER_S, grace_s=GRACE_S):
    return Detector(
        preset, "bin/hakmem-stress-worker",
        (*wrap, "{bin}/hakmem-stress", "{0}", "--threads", "4", "--seconds", "{seconds}",
         "--seed", "{seed}", "--timeout", str(timeout)),
        found=(1,), beside=("bin/hakmem-stress",), rest="mixed", grace_s=grace_s,
        executions=r": (\d+) operations in")


def _criterion(program):
    return Detector("checked", f"bin/{program}",
                    (f"{{bin}}/{program}", "--jobs", "2", "--filter", "{1}"),
                    found=(1,), executions=r"Tested: (\d+)", grace_s=30)


DETECTORS = {
    "stress": _stress("checked"),
    "tsan": _stress("tsan"),
    "asan": _stress("asan"),
    "ubsan": _stress("ubsan"),
    "msan": _stress("msan"),
    "valgrind": _stress("checked", MEMCHECK, timeout=60, grace_s=90),
    "fuzz": Detector(
        "fuzz", "bin/fuzz_{0}",
        ("{bin}/fuzz_{0}", "-seed={seed}", "-max_total_time={whole_seconds}", "-max_len=832",
         "-timeout=20", "-print_final_stats=1", "-rss_limit_mb=2048"),
        found=(1, 70, 77), rest="api", executions=r"stat::number_of_executed_units:\s*(\d+)"),
    "unit": _criterion("{0}"),
    "corpus": Detector(
        "checked", "bin/replay_{0}",
        ("{bin}/replay_{0}", "--count", f"{common.ROOT}/fuzz/corpus/{{0}}"),
        found=(1, 77, -6), rest="api", executions=r"(\d+) inputs"),
    "misuse": Detector("checked", "bin/unit_misuse",
                       ("{bin}/unit_misuse", "--jobs", "2", "--filter", "{0}"), found=(1,),
                       rest="*", executions=r"Tested: (\d+)", grace_s=30),
    # A program that is started with the planted library preloaded.
    "preload": Detector(
        "checked", "lib/libhakmem-checked.so",
        ("env", "LD_PRELOAD={bin}/../lib/libhakmem-checked.so", "{bin}/front_preload", "{0}",
         "{bin}/../lib/libfront_plugin.so"),
        found=(1, -6), beside=("bin/front_preload", "lib/libfront_plugin.so"), rest="early",
        grace_s=HANGS_AFTER_S),
    # One that loads it at run time, and closes it.
    "unload": Detector(
        "checked", "lib/libhakmem-checked.so",
        ("{bin}/front_unload", "{bin}/../lib/libhakmem-checked.so"), found=(1,),
        beside=("bin/front_unload",), grace_s=HANGS_AFTER_S),
    "hunt": Detector("checked", "bin/hakmem-hunt",
                     ("{bin}/hakmem-hunt", "{0}", "--seed", "{seed}", "--seconds", "{seconds}"),
                     found=(1,), executions=r"(\d+) schedules", machine="x86_64"),
    # The gate's own search: every schedule within the bounds.
    "hunt-gate": Detector("checked", "bin/hakmem-hunt",
                          ("{bin}/hakmem-hunt", "{0}", "--strategy", "exhaustive"),
                          found=(1,), executions=r"(\d+) schedules", machine="x86_64"),
    # What was kept of the first failure is a part of what it says.
    "stability": Detector(
        "checked", "bin/hakmem-stress-worker",
        ("/bin/sh", "-c", "{bin}/hakmem-stability --threads 4 --runs 12 --seed {seed} --out kept "
         "--scenarios {0} && exit; status=$?; cat kept/first-failure.txt; exit $status"),
        found=(1,), beside=("bin/hakmem-stability", "bin/hakmem-stress"), rest="mixed",
        executions=r"/(\d+) passed: failure rate"),
    "performance": Detector(
        "release", "lib/libhakmem.so",
        (f"{common.ROOT}/ci/lib/bench-rows", "{bin}/../lib/libhakmem.so", "{0}"), found=(1,),
        rest="idle/1", grace_s=120, machine="x86_64"),
}


@dataclass
class Outcome:
    status: int  # exit status; negative: the signal; None: stopped at its limit
    text: str
    seconds: float
    executions: int = None


def says(text, message):
    """`a || b`: which of two checks sees a bug first may depend on the schedule."""
    return any(part.strip() in text for part in message.split("||"))


class Finder:
    """A detector with its words filled in, as `stress expand`."""

    def __init__(self, words):
        self.words = list(words)
        name = self.words[0]
        if name not in DETECTORS:
            raise common.UsageError(f"finder '{' '.join(words)}': no such detector; there are "
                                    f"{', '.join(DETECTORS)}")
        self.detector = DETECTORS[name]
        self.arguments = self.words[1:] or [word for word in [self.detector.rest] if word]
        if name == "unit":
            self.arguments = [*self.arguments, "*"][:2]
        self.key = " ".join([name, *self.arguments])

    def _fill(self, text, **values):
        return text.format(*self.arguments, **values)

    @property
    def program(self):
        return self._fill(self.detector.program)

    @property
    def targets(self):
        return [self.program, *self.detector.beside]

    def build(self, preset, changed, work, made=None, without=()):
        """Links the program with what is planted in `work`/src to `work`/bin."""
        target = Path(work) / self.program
        bugbank_build.link(preset, self.program, changed, work, target, made, without)
        (Path(work) / "bin").mkdir(exist_ok=True)
        for name in self.detector.beside:
            shutil.copy2(preset.folder / name, Path(work) / name)
        library = Path(work) / "lib"
        if not library.exists():  # unless it is what was planted in
            library.symlink_to(preset.folder / "lib")

    def run(self, work, seed, seconds):
        """Runs it in `work` for at most `seconds`."""
        command = [self._fill(word, bin=f"{work}/bin", seed=seed, seconds=seconds,
                              whole_seconds=math.ceil(seconds))
                   for word in self.detector.command]
        run_in = Path(work) / "run"
        run_in.mkdir(exist_ok=True)
        started = time.monotonic()
        status, text = run_limited(command, run_in, seconds + self.detector.grace_s)
        outcome = Outcome(status, text, time.monotonic() - started)
        found = re.findall(self.detector.executions, text) if self.detector.executions else []
        outcome.executions = int(found[-1]) if found else None
        return outcome

    def judge(self, outcome, messages):
        """("found" | "not found" | "wrong message" | ..., what it said)."""
        said = headline(outcome.text)
        if outcome.status is None:  # a hang: found only where the row expects one
            return ("found" if messages == [HANGS] else "stopped"), f"{HANGS}; {said}"
        if outcome.status == 0:
            return "not found", said
        if outcome.status not in self.detector.found:
            return "wrong status", f"exit status {outcome.status}; {said}"
        if not all(says(outcome.text, message) for message in messages):
            return "wrong message", said
        return "found", said


def run_limited(command, folder, limit_s):
    """(exit status or None, standard output and error together). All that the
    command started is ended with it."""
    log = folder / "log"
    with open(log, "wb") as file:
        try:
            process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=file,
                                       stderr=subprocess.STDOUT, start_new_session=True,
                                       env={**os.environ, **ENVIRONMENT})
        except OSError as error:
            raise common.UsageError(f"{command[0]}: {error.strerror}; run ci/setup") from error
        try:
            status = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
    with open(log, "rb") as file:
        text = file.read(MESSAGE_BYTES_MAX).decode("utf-8", "replace")
    return status, text


# The line that says what was found, best first.
HEADLINES = (
    r"^hakmem: (?!invariant)(?!.*takes ).*$", r"^hakmem: invariant .*$", r"^.*: MODEL: .*$",
    r"^GATE .*$", r"^.*(?:WARNING|ERROR): (?:Thread|Address|Memory)Sanitizer: .*$", r"^.*runtime error: .*$",
    r"^==\d+== (?:Invalid|Conditional|Use of|Jump to|Process terminating|Syscall param).*$",
    r"^\[(?:FAIL|CRASH)\].*$", r"^.*hakmem-stress: FAIL .*$", r"^.*: FAIL .*$", r"^found: .*$",
    r"^(?:check failed|data race|deadlock|livelock|crash): .*$",
)


def report_line(text):
    """The one line of a report that names what was found; "" if none does."""
    for pattern in (HEADLINES[1], HEADLINES[0], *HEADLINES[2:]):
        found = re.search(pattern, text, re.M)
        if found:
            return re.sub(r"0x[0-9a-f]{6,}", "0x…", found[0].strip())[:200]
    return ""


def headline(text):
    """The same, or the last line, for the table."""
    lines = [line for line in text.strip().split("\n") if line.strip()]
    return report_line(text) or (lines[-1].strip()[:200] if lines else "(it said nothing)")
