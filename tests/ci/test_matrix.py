# SPDX-License-Identifier: MIT
"""The build matrix: which compilers are found, what is built twice; and the
rows of the performance gate that the planted-bug control measures."""

import json
import os
import unittest

from support import ROOT, CommandCase
from hakci import bench_rows

COMPILERS = ("gcc-12", "g++-12", "gcc-13", "clang-14", "clang++-14", "gcc-11", "g++-11")


class Matrix(CommandCase):
    def setUp(self):
        super().setUp()
        for name in COMPILERS:
            self.program(f"bin/{name}", "exit 0")
        for name in ("cmake", "ninja", "ctest"):
            self.program(f"bin/{name}", "exit 0")

    def matrix(self, *arguments):
        # The tools that the scripts need, and no other compiler.
        for tool in ("python3", "dirname", "sh"):
            path = self.folder / "bin" / tool
            if not path.exists():
                path.symlink_to(os.path.realpath(f"/usr/bin/{tool}"))
        return self.run_ci("lib/matrix", *arguments,
                           environment={"PATH": str(self.folder / "bin")})

    def test_versions_with_both_compilers(self):
        # gcc-13 has no g++-13, and gcc-11 is older than what is promised.
        self.assertEqual(self.matrix("--list").stdout.split(),
                         ["gcc-12-release", "gcc-12-checked", "clang-14-release",
                          "clang-14-checked"])

    def test_it_says_which_are_absent(self):
        path = self.folder / "compilers.json"
        done = self.matrix("--compilers", "--json", str(path))
        self.assertEqual((done.returncode, done.stdout), (0,
            "found: gcc-12 clang-14\n"
            "absent: gcc-13 gcc-14 clang-15 clang-16 clang-17 clang-18 clang-19\n"))
        self.assertEqual(json.loads(path.read_text())["found"], "gcc-12 clang-14")
        for name in ("gcc-12", "clang-14"):
            (self.folder / "bin" / name).unlink()
        self.assertEqual(self.matrix("--compilers").returncode, 1)

    def test_what_is_built_anyway_is_left_out(self):
        self.write("build/checked/CMakeCache.txt",
                   f"CMAKE_C_COMPILER:STRING={self.folder}/bin/gcc-12\n")
        self.assertEqual(self.matrix("--list").stdout.split(),
                         ["gcc-12-release", "clang-14-release", "clang-14-checked"])

    def test_unless_nothing_would_be_left(self):
        for name in ("clang-14", "clang++-14"):
            (self.folder / "bin" / name).unlink()
        for preset in ("release", "checked"):
            self.write(f"build/{preset}/CMakeCache.txt",
                       f"CMAKE_C_COMPILER:FILEPATH={self.folder}/bin/gcc-12\n")
        self.assertEqual(self.matrix("--list").stdout.split(),
                         ["gcc-12-release", "gcc-12-checked"])

    def test_a_build_that_fails(self):
        self.program("bin/cmake", "echo the cause; exit 1")
        done = self.matrix("gcc-12-checked")
        self.assertEqual(done.returncode, 1)
        self.assertIn("the cause", done.stdout)
        self.assertIn("the build with gcc-12-checked failed", done.stdout)

    def test_a_test_that_fails(self):
        self.program("bin/cmake", "exit 0")
        self.program("bin/ctest", "exit 8")
        self.assertEqual(self.matrix("gcc-12-checked").returncode, 1)
        self.program("bin/ctest", "exit 0")
        self.assertEqual(self.matrix("gcc-12-checked").returncode, 0)

    def test_usage(self):
        self.assert_usage_error(self.matrix("gcc-13-checked"), "gcc-13-checked", "gcc-12-checked")
        self.assert_usage_error(self.matrix(), "name a cell", "gcc-12-checked")


class BenchRows(unittest.TestCase):
    def test_all_of_instructions_and_one_row_of_memory(self):
        ceilings = json.loads((ROOT / "bench/ceilings.json").read_text())
        kept = bench_rows.only(ceilings, "idle/1")
        self.assertEqual(kept["instructions"], ceilings["instructions"])
        self.assertEqual(list(kept["minor_faults"]), ["idle/1"])
        self.assertEqual(kept["time_ratio"], {})
        self.assertEqual((kept["version"], kept["architecture"]),
                         (ceilings["version"], ceilings["architecture"]))


if __name__ == "__main__":
    unittest.main()
