# SPDX-License-Identifier: MIT
"""ci/real-programs, with a table of two small programs and preloaded
libraries made here: a harmless one, and ones that break the program."""

import json
import shutil
import subprocess
import unittest

from support import CommandCase

TABLE = '''
from dataclasses import dataclass


@dataclass(frozen=True)
class Program:
    name: str
    tools: tuple
    script: str
    limited_stack_kib: int = 8192


PROGRAMS = (Program("list", ("ls",), "touch b a; ls >compare"),
            Program("memory", ("sh",), "awk 'BEGIN { print 1 }' >compare; ulimit -v >>compare"))
'''


@unittest.skipUnless(shutil.which("gcc"), "gcc makes the libraries")
class Programs(CommandCase):
    def setUp(self):
        super().setUp()
        self.table(TABLE)

    def table(self, text):
        (self.folder / "ci/lib/hakci/programs_table.py").write_text(text)

    def library(self, text, name="libx.so"):
        source = self.write("x.c", text)
        path = self.folder / name
        subprocess.run(["gcc", "-w", "-shared", "-fPIC", source, "-o", path], check=True)
        return path

    def programs(self, library, *arguments):
        done = self.run_ci("real-programs", "--library", library, "--out", self.folder / "o",
                           *arguments)
        path = self.folder / "o/result.json"
        self.runs = json.loads(path.read_text())["runs"] if path.exists() else []
        return done

    def test_a_harmless_library(self):
        done = self.programs(self.library("int x;"))
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("PASS: 4 runs passed, 0 did not", done.stdout)

    def test_under_a_limited_address_space(self):
        self.table(TABLE.replace("ulimit -v >>compare", "test $(ulimit -v) = 1000000"))
        library = self.library("int x;")
        self.assertEqual(self.programs(library, "--limited").returncode, 0)
        self.assertEqual(self.programs(library).returncode, 1)

    def test_a_library_that_kills_the_program(self):
        done = self.programs(self.library(
            "#include <stdlib.h>\nextern char *program_invocation_short_name;\n"
            "__attribute__((constructor)) static void f(void)"
            "{ if (program_invocation_short_name[0] == 'l') abort(); }"), "--program", "list")
        self.assertEqual(done.returncode, 1)
        self.assertIn("list on libx.so: FAILED", done.stdout)
        self.assertEqual([run["passed"] for run in self.runs], [True, False])

    def test_a_library_that_changes_the_output(self):
        done = self.programs(self.library("int strcoll(const char *a, const char *b)"
                                          "{ return *b - *a; }"), "--program", "list")
        self.assertEqual(done.returncode, 1)
        self.assertIn("its output differs", done.stdout)

    def test_a_control_that_fails_is_a_failure(self):
        self.table(TABLE.replace("touch b a; ls >compare", "echo broken; exit 4"))
        done = self.programs(self.library("int x;"), "--program", "list")
        self.assertEqual(done.returncode, 1)
        self.assertIn("list on the C library's malloc: FAILED: exit status 4", done.stdout)
        self.assertEqual(len(self.runs), 1)

    def test_what_cannot_be_preloaded(self):
        self.assert_usage_error(self.programs(self.write("text", "no library")),
                                "cannot be preloaded")
        self.assert_usage_error(self.programs("/none/x.so"), "is not there")

    def test_a_path_that_cannot_be_preloaded(self):
        library = self.library("int x;")
        (self.folder / "a blank").mkdir()
        library.rename(self.folder / "a blank/libx.so")
        done = self.programs(self.folder / "a blank/libx.so")
        self.assert_usage_error(done, "a blank/libx.so cannot be preloaded", "symbolic link")
        library.symlink_to(self.folder / "a blank/libx.so")
        self.assertEqual(self.programs(library, "--program", "list").returncode, 0)

    def test_usage(self):
        library = self.library("int x;")
        self.assert_usage_error(self.programs(library, "--program", "none"), "no program 'none'")
        self.table(TABLE.replace('("ls",)', '("no-such-tool",)'))
        self.assert_usage_error(self.programs(library), "no-such-tool", "ci/setup")


if __name__ == "__main__":
    unittest.main()
