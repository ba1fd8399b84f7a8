# SPDX-License-Identifier: MIT
"""ci/check-clusterfuzz, on small targets, good ones and bad ones, and build.sh,
on compilers that note what they are asked."""

import re
import shutil
import subprocess
import unittest
import zipfile

from support import ROOT, Case

from hakci import clusterfuzz_build

# Enough edges and enough accesses for the sanitizer's calls to be counted.
CODE = """
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
static volatile int table[2000];
%(extra)s
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    int *heap = malloc(sizeof(int) * 600);
    %(first)s
    for (size_t i = 0; i < size; i++) {
        switch (data[i]) {
%(cases)s
        }
    }
    free(heap);
    return 0;
}
"""
CASES = "\n".join(f"case {i}: if (table[{i}] == {i}) heap[(data[i] * {i} + size) % 600] = "
                  f"(int)(heap[table[{i} + 256] % 600] << (table[{i}] % 31)); break;"
                  for i in range(250))


@unittest.skipUnless(shutil.which("clang"), "the fuzzers need clang")
class Judge(Case):
    def build(self, name="fuzz_good", sanitizer="address", first="", extra="", coverage=True,
              link=()):
        """A target in folder/out with all that belongs to it."""
        out = self.folder / "out"
        source = self.write(f"{name}.c", CODE % {"first": first, "cases": CASES, "extra": extra})
        flags = clusterfuzz_build.SANITIZER_FLAGS[sanitizer].split()
        if coverage:
            flags.append(clusterfuzz_build.LIBFUZZER_COVERAGE)
        out.mkdir(exist_ok=True)
        for command in (["clang", "-O1", "-w", *flags, "-c", source, "-o", self.folder / "o.o"],
                        ["clang++", *flags, "-fsanitize=fuzzer", self.folder / "o.o", *link,
                         "-o", out / name]):
            subprocess.run(command, check=True, cwd=self.folder)
        with zipfile.ZipFile(out / f"{name}_seed_corpus.zip", "w") as file:
            file.writestr("one", b"\\x01\\x02")
        self.write(f"out/{name}.dict", 'word="\\x01"\n')
        self.write(f"out/{name}.options", f"[libfuzzer]\nmax_len = 64\ndict = {name}.dict\n")
        return out

    def judge(self, out, sanitizer="address"):
        return self.run_ci("check-clusterfuzz", "--judge", out, "--sanitizer", sanitizer,
                           timeout=120)

    def assert_bad(self, done, *words):
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        bad = [line for line in done.stdout.split("\n") if "BAD" in line]
        self.assertEqual(len(bad), 1, done.stdout)
        for word in words:
            self.assertIn(word, bad[0])

    def test_a_good_target_of_each_sanitizer(self):
        for sanitizer in clusterfuzz_build.SANITIZERS:
            with self.subTest(sanitizer=sanitizer):
                done = self.judge(self.build(sanitizer=sanitizer, first="heap = memset_(heap);",
                                             extra=ZEROED), sanitizer)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertIn(f"{sanitizer}: fuzz_good: ok", done.stdout)

    def test_what_belongs_to_a_target(self):
        out = self.build()
        seeds, options = out / "fuzz_good_seed_corpus.zip", out / "fuzz_good.options"
        kept = seeds.read_bytes()
        seeds.unlink()
        self.assert_bad(self.judge(out), "has no fuzz_good_seed_corpus.zip")
        seeds.write_bytes(kept[:40])
        self.assert_bad(self.judge(out), "does not open")
        with zipfile.ZipFile(seeds, "w"):
            pass
        self.assert_bad(self.judge(out), "is empty")
        seeds.write_bytes(kept)
        self.write("out/fuzz_good.dict", "no quotes\n")
        self.assert_bad(self.judge(out), "options or dictionary")
        self.write("out/fuzz_good.dict", 'word="x"\n')
        options.write_text("[libfuzzer]\nno_such = 1\ndict = fuzz_good.dict\n")
        self.assert_bad(self.judge(out), "unrecognized flag")
        options.write_text("[libfuzzer]\ndict = other.dict\n")
        self.assert_bad(self.judge(out), "names the dictionary other.dict")
        options.unlink()
        self.assert_bad(self.judge(out), "has no fuzz_good.options")

    def test_a_target_that_crashes_at_once(self):
        done = self.judge(self.build(first="abort();"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("fuzz_good: BAD: does not start and end 4 runs", done.stdout)

    def test_a_target_that_fails_on_its_seeds(self):
        out = self.build(first="if (size == 3 && data[0] == 9 && data[1] == 9) abort();")
        with zipfile.ZipFile(out / "fuzz_good_seed_corpus.zip", "w") as file:
            file.writestr("bad", bytes([9, 9, 1]))
        self.assert_bad(self.judge(out), "fails on its own seed corpus")

    def test_a_target_without_instrumentation(self):
        done = self.judge(self.build(coverage=False))
        self.assertEqual(done.returncode, 1)
        self.assertIn("fuzz_good: BAD: has no coverage instrumentation", done.stdout)

    def test_the_wrong_sanitizer(self):
        done = self.judge(self.build(sanitizer="undefined"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("does not have address in it", done.stdout)
        self.assertIn("has another sanitizer in it", done.stdout)

    def test_a_library_that_is_not_there(self):
        self.write("own.c", "int own(void) { return 3; }\n")
        subprocess.run(["clang", "-shared", "-fPIC", "own.c", "-o", "libown.so"], check=True,
                       cwd=self.folder)
        out = self.build(first="table[0] = own();", extra="int own(void);",
                         link=["-L.", "-lown", f"-Wl,-rpath,{self.folder}"])
        self.assert_bad(self.judge(out), "needs libown.so")
        (self.folder / "libown.so").unlink()
        self.assertIn("misses the library libown.so", self.judge(out).stdout)

    def test_no_target_at_all(self):
        (self.folder / "out").mkdir()
        self.assert_bad(self.judge(self.folder / "out"), "no fuzz target")

    def test_usage(self):
        self.assert_usage_error(self.run_ci("check-clusterfuzz", "--sanitizer", "thread"),
                                "no such sanitizer")
        self.assert_usage_error(self.run_ci("check-clusterfuzz", "--judge", self.folder / "none",
                                            "--sanitizer", "address"), "--judge takes a folder")


ZEROED = """
static int *memset_(int *heap) {
    for (int i = 0; i < 600; i++) { heap[i] = 0; }
    return heap;
}
"""


class BuildSh(Case):
    """build.sh takes everything from its variables: a cmake that only notes what it
    is asked, and "builds" one program."""

    CMAKE = r"""
for word in "$@"; do printf '%s\n' "$word" >>"$WORK/asked"; done
if [ "$1" = --build ]; then mkdir -p "$2/bin" && printf x >"$2/bin/fuzz_api" && chmod +x "$2/bin/fuzz_api"; fi
"""

    def run_build(self, **more):
        self.program("bin/cmake", self.CMAKE)
        for name in ("src", "out", "work"):
            (self.folder / name).mkdir(exist_ok=True)
        if not (self.folder / "src/hakmem").exists():
            (self.folder / "src/hakmem").symlink_to(ROOT)
        variables = clusterfuzz_build.environment(self.folder, "address")
        variables.update(PATH=f"{self.folder}/bin:{variables['PATH']}", CC="their-cc",
                         CXX="their-cxx", CFLAGS="-a -b", CXXFLAGS="-c", **more)
        return subprocess.run([ROOT / clusterfuzz_build.BUILD_SH], env=variables, check=False,
                              capture_output=True, text=True, timeout=60), variables

    def test_their_variables_and_what_lies_beside_a_target(self):
        done, _ = self.run_build()
        self.assertEqual(done.returncode, 0, done.stderr)
        asked = (self.folder / "work/asked").read_text().split("\n")
        for word in ("-DCMAKE_C_COMPILER=their-cc", "-DCMAKE_CXX_COMPILER=their-cxx",
                     "-DCMAKE_C_FLAGS=-a -b", "-DCMAKE_CXX_FLAGS=-c", "-DHAKMEM_FUZZ=ON"):
            self.assertIn(word, asked)
        names = sorted(path.name for path in (self.folder / "out").iterdir())
        self.assertEqual(names, ["fuzz_api", "fuzz_api.dict", "fuzz_api.options",
                                 "fuzz_api_seed_corpus.zip"])
        with zipfile.ZipFile(self.folder / "out/fuzz_api_seed_corpus.zip") as file:
            self.assertIn("tour", file.namelist())
        self.assertIn("dict = fuzz_api.dict", (self.folder / "out/fuzz_api.options").read_text())

    def test_a_missing_variable_or_a_failing_build_fails_it(self):
        _, variables = self.run_build()
        for name in ("SANITIZER", "LIB_FUZZING_ENGINE", "CFLAGS", "OUT"):
            without = {key: value for key, value in variables.items() if key != name}
            done = subprocess.run([ROOT / clusterfuzz_build.BUILD_SH], env=without, check=False,
                                  capture_output=True, text=True, timeout=60)
            self.assertNotEqual(done.returncode, 0, name)
            self.assertIn(name, done.stderr)
        self.CMAKE = "exit 3"
        self.assertEqual(self.run_build()[0].returncode, 3)


class Workflows(Case):
    """The four modes, each with sanitizers that the project names."""

    def test_modes_and_sanitizers(self):
        text = "".join(path.read_text() for path in (ROOT / ".github/workflows").glob("fuzz-*.yml"))
        self.assertEqual(sorted(re.findall(r"^ *mode: ([\w-]+)", text, re.M)),
                         ["batch", "code-change", "coverage", "prune"])
        project = (ROOT / ".clusterfuzzlite/project.yaml").read_text()
        for name in re.findall(r"sanitizer: \[([\w, ]+)\]", text):
            for sanitizer in name.split(", "):
                self.assertIn(f"- {sanitizer}\n", project)


if __name__ == "__main__":
    unittest.main()
