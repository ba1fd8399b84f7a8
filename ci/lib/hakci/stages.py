# SPDX-License-Identifier: MIT
"""The table of what ci/validate runs: one row a stage, in order.

Every stage must run and pass: a program that was not built is a failure, never
a skip. Only a row with `coming` may be absent, as long as the part of the tree
that it names is; the result then lists it as `not_in_tree`.

Placeholders in commands: {threads} {seed} {jobs} {out} (the output folder),
{work} (seconds or runs, from the budget), {item} (see `each`).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    limit_s: int  # the stage is stopped, and has failed, after this long
    work: int = 0  # what {work} stands for
    expected_s: int = 5  # for the progress bar only


@dataclass(frozen=True)
class Stage:
    name: str
    title: str
    command: tuple
    coming: str = ""  # a path in the tree that is still being written
    quick: Budget = None  # None: not in this profile
    full: Budget = None
    each: tuple = ()  # a command that prints names: one stage for each of them
    each_glob: str = ""  # or a pattern: one stage for each file that matches
    needs: tuple = ()  # stages that must have passed
    figures: str = ""  # how to read its log, see figures.py

    @property
    def group(self):
        return self.name.split(".")[0]


def _build(preset, quick=None, full=None, coming=""):
    return Stage(f"build.{preset}", f"Build: {preset}", ("ci/build", preset), coming,
                 quick=quick, full=full)


def _ctest(preset, quick=None, full=None):
    """Quick leaves out the tests labelled slow; full runs them all."""
    return Stage(
        f"unit.{preset}", f"Unit, misuse and conformance tests: {preset}",
        ("ci/lib/run-ctest", preset, "--jobs", "{jobs}", "--junit",
         "{out}/ctest-" + preset + ".xml", "--slow", "{work}"),
        quick=quick, full=full, needs=(f"build.{preset}",),
        figures="ctest")


def _stress(preset, title, quick=None, full=None, wrap=()):
    binary = f"build/{preset}/bin/hakmem-stress"
    name = "stress" if preset == "checked" and not wrap else f"stress.{wrap[0] if wrap else preset}"
    return Stage(
        name + ".{item}", title + ": {item}",
        (*wrap, binary, "{item}", "--threads", "{threads}", "--seed", "{seed}",
         "--seconds", "{work}", "--json", "{out}/" + name + ".{item}.json"),
        quick=quick, full=full, each=(binary, "--list"),
        needs=(f"build.{preset}",), figures="json")


HUNT = "stress/hunt/CMakeLists.txt"
MEMCHECK = ("valgrind", "--quiet", "--error-exitcode=99", "--leak-check=no",
            "--trace-children=yes")

STAGES = (
    _build("release", Budget(300, 0, 20), Budget(900, 0, 20)),
    _build("checked", Budget(300, 0, 20), Budget(900, 0, 20)),
    _build("fuzz", Budget(300, 0, 10), Budget(900, 0, 10)),
    _build("hunt", Budget(300, 0, 15), Budget(900, 0, 15), coming=HUNT),
    _build("asan", full=Budget(900, 0, 25)),
    _build("ubsan", full=Budget(900, 0, 25)),
    _build("tsan", full=Budget(900, 0, 25)),
    _build("msan", full=Budget(900, 0, 25)),

    Stage("check", "Checks of the sources, the libraries and the docs", ("ci/check",),
          quick=Budget(60, 0, 3), full=Budget(60, 0, 3),
          needs=("build.release", "build.checked")),

    _ctest("release", full=Budget(1800, 1, 120)),
    _ctest("checked", quick=Budget(120, 0, 15), full=Budget(3600, 1, 300)),
    _ctest("asan", full=Budget(3600, 1, 300)),
    _ctest("ubsan", full=Budget(3600, 1, 300)),
    _ctest("tsan", full=Budget(3600, 1, 300)),
    _ctest("msan", full=Budget(3600, 1, 300)),

    Stage("fuzz.{item}", "Fuzzing: {item}",
          ("ci/lib/run-fuzz", "{item}", "--seconds", "{work}", "--seed", "{seed}",
           "--out", "{out}"),
          quick=Budget(60, 4, 6), full=Budget(1200, 600, 605),
          each_glob="build/fuzz/bin/fuzz_*", needs=("build.fuzz",), figures="libfuzzer"),

    _stress("checked", "Stress, checked build", Budget(60, 1, 2), Budget(600, 60, 62)),
    _stress("release", "Stress, release build", full=Budget(600, 30, 32)),
    _stress("asan", "Stress under AddressSanitizer", full=Budget(900, 30, 35)),
    _stress("tsan", "Stress under ThreadSanitizer", full=Budget(900, 30, 35)),
    _stress("checked", "Stress under Memcheck", full=Budget(1800, 5, 60), wrap=MEMCHECK),

    Stage("larson.4t", "Larson at four threads: caches grow and shrink",
          ("ci/lib/adaptive-trace", "--out", "{out}/adaptive-4t.json", "--",
           "build/checked/bin/larson_hakmem", "{work}", "8", "128", "1024", "1", "{seed}", "4"),
          quick=Budget(60, 2, 3), full=Budget(120, 10, 12),
          needs=("build.checked",), figures="adaptive"),
    Stage("larson.1t", "Larson at one thread: caches grow and shrink",
          ("ci/lib/adaptive-trace", "--out", "{out}/adaptive-1t.json", "--",
           "build/checked/bin/larson_hakmem", "{work}", "8", "128", "1024", "1", "{seed}", "1"),
          quick=Budget(60, 2, 3), full=Budget(120, 10, 12),
          needs=("build.checked",), figures="adaptive"),

    Stage("hunt.{item}", "Race hunt: {item}",
          ("build/hunt/bin/hakmem-hunt", "{item}", "--seed", "{seed}", "--seconds", "{work}",
           "--json", "{out}/hunt.{item}.json"),
          HUNT, quick=Budget(60, 2, 3), full=Budget(900, 120, 125),
          each=("build/hunt/bin/hakmem-hunt", "--list"), needs=("build.hunt",), figures="json"),

    Stage("control.bugbank", "Planted-bug control: each detector finds its bug",
          ("ci/bugbank", "--profile", "control", "--seed", "{seed}",
           "--json", "{out}/bugbank.json"),
          "tests/bugbank", quick=Budget(90, 0, 25), full=Budget(7200, 0, 1800), figures="json"),

    Stage("stability", "Stability: independent runs at {threads} threads",
          ("build/checked/bin/hakmem-stability", "--threads", "{threads}", "--runs", "{work}",
           "--seed", "{seed}", "--jobs", "{jobs}", "--json", "{out}/stability.json"),
          quick=Budget(60, 20, 10), full=Budget(14400, 3000, 3000),
          needs=("build.checked",), figures="json"),

    Stage("apps", "Real programs preloaded with both libraries", ("ci/real-programs", "--out", "{out}/apps"),
          full=Budget(3600, 0, 900),
          needs=("build.release", "build.checked")),
    Stage("apps.limited", "Real programs under a limited address space",
          ("ci/real-programs", "--limited", "--out", "{out}/apps-limited"),
          full=Budget(3600, 0, 300),
          needs=("build.release", "build.checked")),
)


def of_profile(profile):
    """The rows of a profile, each with its budget."""
    rows = [(stage, getattr(stage, profile)) for stage in STAGES]
    return [(stage, budget) for stage, budget in rows if budget is not None]
