# SPDX-License-Identifier: MIT
"""ci/fuzz-afl on small targets: one that crashes, one that does not, and what
afl-fuzz's figures must show."""

import subprocess
import unittest

from support import Case

from hakci import clusterfuzz_build, fuzz_afl

CODE = """
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    volatile int count = 0;
    if (size > 2 && data[0] == 'a') { count++; if (data[1] != 'b') { count++; %s } }
    return 0;
}
"""
STATS = {"execs_done": "100", "edges_found": "4", "target_mode": "persistent shmem_testcase",
         "saved_crashes": "0", "saved_hangs": "0"}


class Afl(Case):
    def fuzz(self, fault):
        self.write("target.c", CODE % fault)
        self.write("corpus/tour", "abcd")
        target = self.folder / "fuzz_small"
        variables = clusterfuzz_build.environment(self.folder, "address", "afl")
        subprocess.run([variables["CC"], "-fsanitize=address", "-c", "target.c"], check=True,
                       cwd=self.folder, env={**variables, "AFL_QUIET": "1"})
        subprocess.run([variables["CXX"], "-fsanitize=address", "target.o",
                        variables["LIB_FUZZING_ENGINE"], "-o", target], check=True,
                       cwd=self.folder, env={**variables, "AFL_QUIET": "1"})
        return fuzz_afl.fuzz(target, self.folder / "corpus", self.folder / "run", 3, 1)

    def test_nothing_is_found_where_nothing_is(self):
        figures, problems = self.fuzz("")
        self.assertEqual(problems, [])
        self.assertGreater(figures["execs_done"], 100)

    def test_a_crash_is_found_and_kept(self):
        _, problems = self.fuzz("abort();")
        self.assertEqual(len(problems), 1, problems)
        self.assertIn("crashes found", problems[0])
        fuzz_afl.keep_failures(self.folder / "fuzz_small", self.folder / "run",
                               self.folder / "failures")
        self.assertTrue(list((self.folder / "failures").glob("fuzz_small-crashes-*")))

    def test_a_target_that_cannot_begin(self):
        self.write("corpus/tour", "x")
        target = self.program("fuzz_small", "exit 0")
        _, problems = fuzz_afl.fuzz(target, self.folder / "corpus", self.folder / "run", 2, 1)
        self.assertIn("did not begin", problems[0])

    def test_figures_that_show_nothing_are_problems(self):
        self.assertEqual(list(fuzz_afl.problems_of(0, STATS)), [])
        for name, value, words in (("execs_done", "0", "no input"), ("edges_found", "0", "no edge"),
                                   ("target_mode", "default", "persistent"),
                                   ("saved_hangs", "2", "2 hangs found")):
            self.assert_problem(fuzz_afl.problems_of(0, {**STATS, name: value}), words)

    def test_usage(self):
        self.assert_usage_error(self.run_ci("fuzz-afl", "--seconds", "0"), "whole number")


if __name__ == "__main__":
    unittest.main()
