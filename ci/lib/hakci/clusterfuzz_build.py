# SPDX-License-Identifier: MIT
"""Runs .clusterfuzzlite/build.sh the way ClusterFuzz does: from an environment
that holds its variables and nothing else. The flags are those that its image
for building sets, without its own C++ library, which is not installed here."""

import shutil
import subprocess

from . import common

BUILD_SH = ".clusterfuzzlite/build.sh"
LIMIT_S = 1800
SANITIZERS = ("address", "undefined", "memory")
COMMON_FLAGS = ("-O1 -fno-omit-frame-pointer -gline-tables-only "
                "-DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION")
_UB = ("array-bounds,bool,builtin,enum,integer-divide-by-zero,null,object-size,return,"
       "returns-nonnull-attribute,shift,signed-integer-overflow,unsigned-integer-overflow,"
       "unreachable,vla-bound")
SANITIZER_FLAGS = {
    "address": "-fsanitize=address -fsanitize-address-use-after-scope",
    "undefined": f"-fsanitize={_UB} -fno-sanitize-recover={_UB.replace('unsigned-integer-overflow,', '')}",
    "memory": "-fsanitize=memory -fsanitize-memory-track-origins",
}
LIBFUZZER_COVERAGE = "-fsanitize=fuzzer-no-link"
PATH = "/usr/local/bin:/usr/bin:/bin"


def environment(folder, sanitizer, engine="libfuzzer"):
    """The variables of a build into `folder`, all of them."""
    if engine == "libfuzzer":
        compilers, link, coverage = ("clang", "clang++"), "-fsanitize=fuzzer", LIBFUZZER_COVERAGE
    else:
        compilers, link, coverage = ("afl-clang-fast", "afl-clang-fast++"), \
            "/usr/lib/afl/libAFLDriver.a", ""
    flags = " ".join((COMMON_FLAGS, SANITIZER_FLAGS[sanitizer], coverage)).strip()
    return {"PATH": PATH, "CC": compilers[0], "CXX": compilers[1], "CFLAGS": flags,
            "CXXFLAGS": flags, "LIB_FUZZING_ENGINE": link, "SANITIZER": sanitizer,
            "FUZZING_ENGINE": engine, "ARCHITECTURE": "x86_64",
            "UBSAN_OPTIONS": "silence_unsigned_overflow=1",
            "SRC": str(folder / "src"), "OUT": str(folder / "out"), "WORK": str(folder / "work")}


def demand_tools(*names):
    missing = [name for name in names if shutil.which(name, path=PATH) is None]
    if missing:
        raise common.UsageError(f"no {', no '.join(missing)}; run ci/setup --for full")


def build(folder, sanitizer, jobs, engine="libfuzzer", **more):
    """Builds every target into `folder`/out; returns that folder, or None if
    build.sh failed. `more` joins the environment."""
    variables = environment(folder, sanitizer, engine)
    demand_tools(variables["CC"], variables["CXX"], "cmake", "ninja", "python3")
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("src", "out", "work"):
        (folder / name).mkdir(parents=True)
    (folder / "src/hakmem").symlink_to(common.ROOT)
    log = folder / "build.log"
    with open(log, "wb") as file:
        status = subprocess.run([str(common.ROOT / BUILD_SH)], cwd=folder / "src", check=False,
                                env={**variables, "CMAKE_BUILD_PARALLEL_LEVEL": str(jobs), **more},
                                stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
                                timeout=LIMIT_S).returncode
    if status != 0:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        print("\n".join(lines[-30:]))
        print(f"{BUILD_SH} ended with status {status}; whole log: {log}", flush=True)
        return None
    return folder / "out"
