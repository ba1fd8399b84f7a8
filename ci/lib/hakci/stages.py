# SPDX-License-Identifier: MIT
"""The table of what ci/validate and ci/gate run: one row a stage, in order.

Every stage must run and pass: a program that was not built is a failure, never
a skip. Only a row with `machine` is absent on another machine; the result then
lists it as `absent` and says why.

Profiles: quick and full are ci/validate's, pull_request and nightly ci/gate's.
Nightly has every row of full, some of them shorter so that all of it ends in
a night, and the rows that have a budget for it.

Placeholders in commands: {threads} {seed} {jobs} {out} (the output folder),
{work} (seconds or runs, from the budget), {item} (see `each`).
"""

from dataclasses import dataclass

from .bugbank_detect import MEMCHECK


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
    pull_request: Budget = None
    nightly: Budget = None  # None: what `full` has
    each: tuple = ()  # a command that prints names: one stage for each of them
    pick: str = r"^\s*([a-z0-9][\w-]*)"  # which of its lines are names
    each_glob: str = ""  # or a pattern: one stage for each file that matches
    needs: tuple = ()  # stages that must have passed
    figures: str = ""  # how to read its log, see figures.py
    expect: int = 0  # the exit status that means success
    says: str = ""  # success only if this pattern is in the log, too
    machine: str = ""  # runs only there

    @property
    def group(self):
        return self.name.split(".")[0]


def _build(preset, targets=(), **budgets):
    only = ("--targets", ",".join(targets)) if targets else ()
    return Stage(f"build.{preset}", f"Build: {preset}", ("ci/build", *only, preset), **budgets)


def _ctest(name, title, preset, options=(), **more):
    return Stage(
        f"{name}.{preset}", f"{title}: {preset}",
        ("ci/lib/run-ctest", preset, "--jobs", "{jobs}", "--junit",
         "{out}/ctest-" + f"{name}.{preset}" + ".xml", *options),
        needs=(f"build.{preset}",), figures="ctest", **more)


def _all_tests(preset):
    return _ctest("tests", "Every test", preset, full=Budget(3600, 0, 400),
                  options=("--label-exclude", "models"))  # a stage of their own


def _stress(preset, title, wrap=(), **more):
    binary = f"build/{preset}/bin/hakmem-stress"
    name = "stress" if preset == "checked" and not wrap else f"stress.{wrap[0] if wrap else preset}"
    return Stage(
        name + ".{item}", title + ": {item}",
        (*wrap, binary, "{item}", "--threads", "{threads}", "--seed", "{seed}",
         "--seconds", "{work}", "--json", "{out}/" + name + ".{item}.json"),
        each=(binary, "--list"), needs=(f"build.{preset}",), figures="json", **more)


def _larson(name, title, threads, require="grow", **more):
    return Stage(
        f"larson.{name}", f"Larson at {title}",
        ("ci/lib/adaptive-trace", "--require", require, "--out", f"{{out}}/adaptive-{name}.json",
         "--", "build/release/bin/larson_hakmem", "{work}", "8", "128", "1024", "1", "12345",
         str(threads)),
        needs=("build.release",), figures="json", **more)


def _observe(scenario, **more):
    return Stage(
        f"observe.{scenario}", f"Stress, observed from inside: {scenario}",
        ("build/checked/bin/hakmem-stress", scenario, "--threads", "{threads}", "--seed", "{seed}",
         "--seconds", "{work}", "--observe", f"{{out}}/observe.{scenario}.json"),
        needs=("build.checked",), figures="json", **more)


# The hunter is the same in the checked build and in the hunt preset.
HUNT = ("build/checked/bin/hakmem-hunt",)
STABILITY = ("build/checked/bin/hakmem-stability", "--threads", "{threads}", "--seed", "{seed}",
             "--jobs", "{jobs}")
SANITIZERS = ("asan", "ubsan", "tsan", "msan")
UNIT = ("--label", "unit", "--label-exclude", "slow")

STAGES = (
    # Quick builds what its own stages run, and what the docs name.
    _build("release", ("src/all", "runner/all", "tests/conformance/all", "larson_hakmem",
                       "hakmem-stress", "hakmem-bench", "unit_tcache"), quick=Budget(300, 0, 15)),
    _build("checked", ("src/all", "tools/all", "runner/all", "stress/all", "tests/unit/all",
                       "tests/misuse/all"), quick=Budget(300, 0, 20)),
    *(_build(preset, full=Budget(900, 0, 20), pull_request=Budget(1200, 0, 30))
      for preset in ("release", "checked")),
    _build("fuzz", quick=Budget(300, 0, 10), full=Budget(900, 0, 10),
           pull_request=Budget(1200, 0, 15)),
    _build("hunt", full=Budget(900, 0, 15)),
    *(_build(preset, full=Budget(900, 0, 25), pull_request=Budget(1200, 0, 30))
      for preset in SANITIZERS),
    Stage("matrix", "Compilers found for the build matrix, and those of its range absent",
          ("ci/lib/matrix", "--compilers", "--json", "{out}/compilers.json"),
          pull_request=Budget(60, 0, 1), nightly=Budget(60, 0, 1), figures="json"),
    Stage("matrix.{item}", "Build and unit tests: {item}",
          ("ci/lib/matrix", "{item}", "--jobs", "{jobs}", "--junit", "{out}/ctest-matrix.{item}.xml"),
          pull_request=Budget(1200, 0, 40), nightly=Budget(900, 0, 40),
          each=("ci/lib/matrix", "--list"), figures="ctest"),

    Stage("check.sources", "Checks of the sources and the docs", ("ci/check", "sources"),
          quick=Budget(60, 0, 2), full=Budget(60, 0, 2), pull_request=Budget(60, 0, 2)),
    Stage("check.builds", "Checks of the libraries", ("ci/check", "builds"),
          quick=Budget(60, 0, 3), full=Budget(60, 0, 3), pull_request=Budget(60, 0, 3),
          needs=("build.release", "build.checked")),

    # Quick leaves out what its other stages do, the longest tests, and conformance
    # in the checked build, where every call walks the structures.
    _ctest("unit", "Unit and misuse tests", "checked",
           ("--label", "unit", "--label-exclude", "slow|long"), quick=Budget(90, 0, 15)),
    _ctest("unit", "Unit and misuse tests", "checked", UNIT, pull_request=Budget(300, 0, 20)),
    _ctest("conformance", "Conformance of the malloc family", "release",
           ("--label", "conformance", "--label-exclude", "long"), quick=Budget(90, 0, 12)),
    _ctest("conformance", "Conformance of the malloc family", "release",
           ("--label", "conformance"), pull_request=Budget(300, 0, 20)),
    # A pull request's part of what `tests.*` runs whole at night. Criterion does
    # not run under the thread and memory sanitizers.
    *(_ctest("unit", "Unit and misuse tests", preset, UNIT, pull_request=Budget(600, 0, 40))
      for preset in ("asan", "ubsan")),
    *(_ctest("corpus", "Every input of the fuzzers' corpus", preset,
             ("--name", "^fuzz_(corpus|rationed)[.]"),
             pull_request=Budget(300, 0, 20), nightly=Budget(900, 0, 20))
      for preset in ("checked", "asan", "msan")),
    *(_all_tests(preset) for preset in ("release", "checked", *SANITIZERS)),

    Stage("fuzz.{item}", "Fuzzing: {item}",
          ("ci/lib/run-fuzz", "{item}", "--seconds", "{work}", "--seed", "{seed}",
           "--out", "{out}"),
          quick=Budget(60, 1, 3), full=Budget(1200, 600, 605),
          nightly=Budget(900, 300, 305), pull_request=Budget(60, 2, 4),
          each_glob="build/fuzz/bin/fuzz_*", needs=("build.fuzz",), figures="libfuzzer"),

    Stage("control.fuzz", "Planted-bug control: each fuzz target finds the project's history",
          ("ci/bugbank", "--also", "--seed", "{seed}", "--json", "{out}/bugbank-fuzz.json"),
          full=Budget(3600, 0, 120), figures="json"),
    Stage("fuzz-afl", "Fuzzing with AFL++: every target",
          ("ci/fuzz-afl", "--seconds", "{work}", "--jobs", "{jobs}", "--out", "{out}/fuzz-afl",
           "--json", "{out}/fuzz-afl.json"),
          full=Budget(1800, 60, 480), figures="json"),

    Stage("coverage", "Coverage of each fuzz target's component, against its floor",
          ("ci/fuzz-coverage", "--build", "build/fuzz-coverage", "--json",
           "{out}/fuzz-coverage.json"),
          full=Budget(1800, 0, 300), figures="json"),

    Stage("clusterfuzz", "Fuzz targets as ClusterFuzz builds them",
          ("ci/check-clusterfuzz", "--jobs", "{jobs}", "--json", "{out}/clusterfuzz.json"),
          full=Budget(1800, 0, 120), figures="json"),

    _stress("checked", "Stress, checked build", quick=Budget(60, 0.5, 1),
            full=Budget(600, 60, 62), pull_request=Budget(60, 1, 2)),
    _stress("release", "Stress, release build", full=Budget(600, 30, 32)),
    *(_stress(preset, f"Stress under {title}", pull_request=Budget(120, 0.3, 2),
              full=Budget(900, 30, 35))
      for preset, title in (("asan", "AddressSanitizer"), ("tsan", "ThreadSanitizer"))),
    *(_stress(preset, f"Stress under {title}", pull_request=Budget(120, 0.3, 2),
              nightly=Budget(900, 10, 12))
      for preset, title in (("ubsan", "UndefinedBehaviorSanitizer"), ("msan", "MemorySanitizer"))),
    # Not oom: Valgrind cannot live in a limited address space.
    _stress("checked", "Stress under Memcheck", MEMCHECK, full=Budget(1800, 5, 60),
            pull_request=Budget(300, 0.1, 8), pick=r"^\s*(?!oom\b)([a-z0-9][\w-]*)"),

    # What the report draws: memory over time, and the SuperSlab map at its fullest.
    *(_observe(scenario, quick=Budget(60, 1, 2), full=Budget(120, 20, 21),
               pull_request=Budget(60, 1, 2)) for scenario in ("expand", "larson")),

    _larson("4t", "four threads: caches grow", 4, quick=Budget(60, 2, 2), full=Budget(120, 10, 10),
            pull_request=Budget(60, 2, 2)),
    _larson("1t", "one thread: caches grow", 1, quick=Budget(60, 2, 2), full=Budget(120, 10, 10),
            pull_request=Budget(60, 2, 2)),
    _larson("both", "ten seconds at four threads: caches grow and shrink", 4, "both",
            full=Budget(60, 10, 10)),

    Stage("adaptive.cycle", "Caches grow under load, and shrink when it ends",
          ("ci/lib/adaptive-trace", "--require", "both", "--out", "{out}/adaptive-cycle.json",
           "--", "build/checked/bin/hakmem-stress", "shrink", "--threads", "1", "--seed", "3",
           "--seconds", "{work}"),
          quick=Budget(60, 6, 6), full=Budget(60, 12, 12), pull_request=Budget(60, 7, 7),
          needs=("build.checked",), figures="json"),

    _ctest("hunt-gate", "Race hunt: every schedule within the bounds", "checked",
           ("--name", "^hunt[.]gate[.]"), pull_request=Budget(300, 0, 40),
           nightly=Budget(900, 0, 40), machine="x86_64"),
    Stage("hunt.{item}", "Race hunt: {item}",
          (*HUNT, "{item}", "--seed", "{seed}", "--seconds", "{work}",
           "--json", "{out}/hunt.{item}.json"),
          quick=Budget(60, 0.5, 1), full=Budget(900, 120, 121),
          nightly=Budget(900, 60, 61), pull_request=Budget(60, 1, 2),
          machine="x86_64",
          each=(*HUNT, "--list"), pick=r"^  ([\w-]+) +\d+ threads (?!.*\[planted bug\])",
          needs=("build.checked",), figures="json"),
    Stage("control.hunt.{item}", "Planted race, to be found: {item}",
          (*HUNT, "{item}", "--seed", "{seed}", "--seconds", "{work}",
           "--json", "{out}/control.hunt.{item}.json"),
          quick=Budget(60, 20, 1), full=Budget(120, 60, 1), pull_request=Budget(60, 20, 1),
          machine="x86_64",
          each=(*HUNT, "--list"), pick=r"^  ([\w-]+) +\d+ threads .*\[planted bug\]",
          needs=("build.checked",), figures="json", expect=1, says=r"(?m)^replay: hakmem-hunt "),

    Stage("models", "SPIN models: proven, and every planted bug refuted",
          ("models/run", "--json", "{out}/models.json"),
          full=Budget(900, 0, 20), pull_request=Budget(300, 0, 20), figures="json"),

    Stage("control.bugbank", "Planted-bug control: each detector finds its bug",
          ("ci/bugbank", "--profile", "control", "--seed", "{seed}",
           "--json", "{out}/bugbank.json"),
          quick=Budget(90, 0, 25), figures="json"),
    # Every row of the bank: it has what the short controls have.
    Stage("control.bugbank", "Planted-bug control: the whole bank, each bug by its detector",
          ("ci/bugbank", "--seed", "{seed}", "--json", "{out}/bugbank.json"),
          full=Budget(3600, 0, 300), figures="json", says=r"(?m)^PASS: "),
    # It needs each detector's own build.
    Stage("control.detectors", "Planted-bug control: a bug for every detector of the gate",
          ("ci/bugbank", "--profile", "gate", "--seed", "{seed}",
           "--json", "{out}/detectors.json"),
          pull_request=Budget(600, 0, 60), figures="json", says=r"(?m)^PASS: "),

    Stage("runs.{item}", "300 independent runs: {item}",
          (*STABILITY, "--runs", "300", "--scenarios", "{item}", "--seconds-per-run", "0.2",
           "--out", "{out}/runs.{item}", "--json", "{out}/runs.{item}.json"),
          full=Budget(3600, 0, 60), each=("build/checked/bin/hakmem-stress", "--list"),
          needs=("build.checked",), figures="json"),
    Stage("stability", "Stability: independent runs at {threads} threads",
          (*STABILITY, "--runs", "{work}", "--out", "{out}/stability",
           "--json", "{out}/stability.json"),
          quick=Budget(60, 100, 10), full=Budget(14400, 3000, 600),
          pull_request=Budget(300, 300, 40), needs=("build.checked",), figures="json",
          says=r"(?m)^(\d+)/\1 passed: failure rate < "),
    Stage("stability.tsan", "Stability under ThreadSanitizer: {threads} threads",
          ("build/tsan/bin/hakmem-stability", *STABILITY[1:], "--runs", "{work}",
           "--out", "{out}/stability.tsan", "--json", "{out}/stability.tsan.json"),
          nightly=Budget(7200, 300, 120), needs=("build.tsan",), figures="json",
          says=r"(?m)^(\d+)/\1 passed: failure rate < "),
    # Ceilings belong to an architecture, and these were recorded on x86-64.
    Stage("performance", "Performance gate: counts against the recorded ceilings",
          ("ci/bench", "--gate", "--out", "{out}/bench", "--json", "{out}/performance.json"),
          pull_request=Budget(600, 0, 120), nightly=Budget(900, 0, 120), machine="x86_64",
          needs=("build.release",), figures="json", says=r"(?m)^gate: passed"),

    Stage("docs", "Every command that README and the docs show", ("ci/readme-commands",),
          full=Budget(3600, 0, 600), says=r"(?m)^PASS: "),

    Stage("apps", "Real programs preloaded with both libraries",
          ("ci/real-programs", "--out", "{out}/apps"),
          full=Budget(3600, 0, 900),
          needs=("build.release", "build.checked")),
    Stage("apps.limited", "Real programs under a limited address space",
          ("ci/real-programs", "--limited", "--out", "{out}/apps-limited"),
          full=Budget(3600, 0, 300),
          needs=("build.release", "build.checked")),
)


def budget_of(stage, profile):
    if profile == "nightly":
        return stage.nightly or stage.full
    return getattr(stage, profile.replace("-", "_"))


def of_profile(profile):
    """The rows of a profile, each with its budget."""
    rows = [(stage, budget_of(stage, profile)) for stage in STAGES]
    return [(stage, budget) for stage, budget in rows if budget is not None]
