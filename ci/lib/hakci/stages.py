# SPDX-License-Identifier: MIT
"""The table of what ci/validate runs: one row a stage, in order.

Every stage must run and pass: a program that was not built is a failure, never
a skip. Only a row with `machine` is absent on another machine; the result then
lists it as `absent` and says why.

Placeholders in commands: {threads} {seed} {jobs} {out} (the output folder),
{work} (seconds or runs, from the budget), {item} (see `each`).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    limit_s: int  # the stage is stopped, and has failed, after this long
    work: float = 0  # what {work} stands for
    expected_s: int = 5  # for the progress bar only


@dataclass(frozen=True)
class Stage:
    name: str
    title: str
    command: tuple
    quick: Budget = None  # None: not in this profile
    full: Budget = None
    each: tuple = ()  # a command that prints names: one stage for each of them
    pick: str = r"^\s*([a-z0-9][\w-]*)"  # which of its lines are names
    each_glob: str = ""  # or a pattern: one stage for each file that matches
    needs: tuple = ()  # stages that must have passed
    figures: str = ""  # how to read its log, see figures.py
    expect: int = 0  # the exit status that means success
    machine: str = ""  # runs only there

    @property
    def group(self):
        return self.name.split(".")[0]


def _build(preset, quick=None, full=None, machine=""):
    return Stage(f"build.{preset}", f"Build: {preset}", ("ci/build", preset),
                 quick=quick, full=full, machine=machine)


def _ctest(name, title, preset, quick=None, full=None, options=()):
    return Stage(
        f"{name}.{preset}", f"{title}: {preset}",
        ("ci/lib/run-ctest", preset, "--jobs", "{jobs}", "--junit",
         "{out}/ctest-" + f"{name}.{preset}" + ".xml", *options),
        quick=quick, full=full, needs=(f"build.{preset}",), figures="ctest")


def _all_tests(preset):
    return _ctest("tests", "Every test", preset, full=Budget(3600, 0, 400),
                  options=("--label-exclude", "models"))  # a stage of their own


def _stress(preset, title, quick=None, full=None, wrap=()):
    binary = f"build/{preset}/bin/hakmem-stress"
    name = "stress" if preset == "checked" and not wrap else f"stress.{wrap[0] if wrap else preset}"
    return Stage(
        name + ".{item}", title + ": {item}",
        (*wrap, binary, "{item}", "--threads", "{threads}", "--seed", "{seed}",
         "--seconds", "{work}", "--json", "{out}/" + name + ".{item}.json"),
        quick=quick, full=full, each=(binary, "--list"),
        needs=(f"build.{preset}",), figures="json")


def _larson(name, title, threads, quick=None, full=None, require="grow"):
    return Stage(
        f"larson.{name}", f"Larson at {title}",
        ("ci/lib/adaptive-trace", "--require", require, "--out", f"{{out}}/adaptive-{name}.json",
         "--", "build/release/bin/larson_hakmem", "{work}", "8", "128", "1024", "1", "12345",
         str(threads)),
        quick=quick, full=full, needs=("build.release",), figures="json")


# The hunter is the same in the checked build and in the hunt preset.
HUNT = ("build/checked/bin/hakmem-hunt",)
STABILITY = ("build/checked/bin/hakmem-stability", "--threads", "{threads}", "--seed", "{seed}",
             "--jobs", "{jobs}")
MEMCHECK = ("valgrind", "--quiet", "--error-exitcode=99", "--leak-check=no",
            "--trace-children=yes")

STAGES = (
    _build("release", Budget(300, 0, 20), Budget(900, 0, 20)),
    _build("checked", Budget(300, 0, 20), Budget(900, 0, 20)),
    _build("fuzz", Budget(300, 0, 10), Budget(900, 0, 10)),
    _build("hunt", full=Budget(900, 0, 15)),
    _build("asan", full=Budget(900, 0, 25)),
    _build("ubsan", full=Budget(900, 0, 25)),
    _build("tsan", full=Budget(900, 0, 25)),
    _build("msan", full=Budget(900, 0, 25)),

    Stage("check.sources", "Checks of the sources and the docs", ("ci/check", "sources"),
          quick=Budget(60, 0, 2), full=Budget(60, 0, 2)),
    Stage("check.builds", "Checks of the libraries", ("ci/check", "builds"),
          quick=Budget(60, 0, 3), full=Budget(60, 0, 3),
          needs=("build.release", "build.checked")),

    # Quick leaves out what its other stages do, and conformance in the checked
    # build, where every call walks the structures.
    _ctest("unit", "Unit and misuse tests", "checked", quick=Budget(90, 0, 20),
           options=("--label", "unit", "--label-exclude", "slow")),
    _ctest("conformance", "Conformance of the malloc family", "release", quick=Budget(90, 0, 20),
           options=("--label", "conformance")),
    *(_all_tests(preset) for preset in ("release", "checked", "asan", "ubsan", "tsan", "msan")),

    Stage("fuzz.{item}", "Fuzzing: {item}",
          ("ci/lib/run-fuzz", "{item}", "--seconds", "{work}", "--seed", "{seed}",
           "--out", "{out}"),
          quick=Budget(60, 2, 4), full=Budget(1200, 600, 605),
          each_glob="build/fuzz/bin/fuzz_*", needs=("build.fuzz",), figures="libfuzzer"),

    _stress("checked", "Stress, checked build", Budget(60, 0.5, 1), Budget(600, 60, 62)),
    _stress("release", "Stress, release build", full=Budget(600, 30, 32)),
    _stress("asan", "Stress under AddressSanitizer", full=Budget(900, 30, 35)),
    _stress("tsan", "Stress under ThreadSanitizer", full=Budget(900, 30, 35)),
    _stress("checked", "Stress under Memcheck", full=Budget(1800, 5, 60), wrap=MEMCHECK),

    _larson("4t", "four threads: caches grow", 4, Budget(60, 2, 2), Budget(120, 10, 10)),
    _larson("1t", "one thread: caches grow", 1, Budget(60, 2, 2), Budget(120, 10, 10)),
    _larson("both", "ten seconds at four threads: caches grow and shrink", 4,
            full=Budget(60, 10, 10), require="both"),

    Stage("hunt.{item}", "Race hunt: {item}",
          (*HUNT, "{item}", "--seed", "{seed}", "--seconds", "{work}",
           "--json", "{out}/hunt.{item}.json"),
          quick=Budget(60, 0.5, 1), full=Budget(900, 120, 121), machine="x86_64",
          each=(*HUNT, "--list"), pick=r"^  ([\w-]+) +\d+ threads (?!.*\[planted bug\])",
          needs=("build.checked",), figures="json"),
    Stage("control.hunt.{item}", "Planted race, to be found: {item}",
          (*HUNT, "{item}", "--seed", "{seed}", "--seconds", "{work}",
           "--json", "{out}/control.hunt.{item}.json"),
          quick=Budget(60, 20, 1), full=Budget(120, 60, 1), machine="x86_64",
          each=(*HUNT, "--list"), pick=r"^  ([\w-]+) +\d+ threads .*\[planted bug\]",
          needs=("build.checked",), figures="json", expect=1),

    Stage("models", "SPIN models: proven, and every planted bug refuted",
          ("models/run", "--json", "{out}/models.json"),
          full=Budget(900, 0, 20), figures="json"),

    Stage("control.bugbank", "Planted-bug control: each detector finds its bug",
          ("ci/bugbank", "--profile", "control", "--seed", "{seed}",
           "--json", "{out}/bugbank.json"),
          quick=Budget(90, 0, 25), full=Budget(7200, 0, 1800), figures="json"),

    Stage("runs.{item}", "300 independent runs: {item}",
          (*STABILITY, "--runs", "300", "--scenarios", "{item}", "--seconds-per-run", "0.2",
           "--out", "{out}/runs.{item}", "--json", "{out}/runs.{item}.json"),
          full=Budget(3600, 0, 60), each=("build/checked/bin/hakmem-stress", "--list"),
          needs=("build.checked",), figures="json"),
    Stage("stability", "Stability: independent runs at {threads} threads",
          (*STABILITY, "--runs", "{work}", "--out", "{out}/stability",
           "--json", "{out}/stability.json"),
          quick=Budget(60, 100, 10), full=Budget(14400, 3000, 600),
          needs=("build.checked",), figures="json"),

    Stage("apps", "Real programs preloaded with both libraries",
          ("ci/real-programs", "--out", "{out}/apps"),
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
