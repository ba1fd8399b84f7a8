# SPDX-License-Identifier: MIT
"""What every ci/ command owes: an error is one line with exit status 2, told
before the work and not after it; no file is lost or half-written."""

import argparse
import os
import stat
import subprocess
import sys
import threading
import unittest

from support import ROOT, Case

from hakci import bugbank_build, common

NO_FILE = "/nonexistent/x"  # its folder is missing
TOOLS = ("sh", "dirname", "git", "nproc", "tr", "env", "cat")


class Files(Case):
    def names(self):
        return sorted(path.name for path in self.folder.iterdir())

    def test_a_pipe_is_written_to_and_stays_one(self):
        path = self.folder / "pipe"
        os.mkfifo(path)
        said = []
        reader = threading.Thread(target=lambda: said.append(path.read_text()))
        reader.start()
        common.write_json(path, [1])
        reader.join(20)
        self.assertEqual(said, ["[\n  1\n]\n"])
        self.assertTrue(stat.S_ISFIFO(path.stat().st_mode))
        self.assertEqual(self.names(), ["pipe"])

    def test_a_link_is_followed_and_stays_one(self):
        target = self.write("there/target", "old")
        link = self.folder / "link"
        link.symlink_to(target)
        common.write_atomically(link, "new")
        self.assertEqual((target.read_text(), link.is_symlink()), ("new", True))
        self.assertEqual([path.name for path in target.parent.iterdir()], ["target"])

    def test_standard_output_keeps_what_was_printed(self):
        # A name of it that nobody can replace, should this fail.
        with open(self.folder / "all", "w", encoding="utf-8") as file:
            subprocess.run([ROOT / "ci/lib/matrix", "--compilers", "--json", "/proc/self/fd/1"],
                           stdout=file, check=False, timeout=60)
        self.assertRegex((self.folder / "all").read_text(), r"(?s)^found: .*absent: .*\n}\n$")

    def test_an_error_names_the_file_that_was_given(self):
        for path in (NO_FILE, self.folder):
            with self.assertRaises(OSError) as caught:
                common.write_atomically(path, "text")
            self.assertEqual(caught.exception.filename, str(path))
        self.assertEqual(self.names(), [])

    def test_what_cannot_be_written_is_known_beforehand(self):
        dangling = self.folder / "link"
        dangling.symlink_to(NO_FILE)
        file = self.write("file", "")
        for path, words in ((NO_FILE, "there is no folder /nonexistent"), (self.folder, "a folder"),
                            (dangling, "there is no folder /nonexistent"),
                            ("/proc/x", "cannot be made"), (file / "x", "cannot be made")):
            self.assertIn(words, common.why_unwritable(path))
            with self.assertRaises(argparse.ArgumentTypeError):
                common.output_file(str(path))
        for path in (file, self.folder / "new"):
            self.assertEqual(common.why_unwritable(path), "")
        self.assertEqual(self.names(), ["file", "link"])

    def test_a_folder_that_is_somebody_elses(self):
        self.write("notes.txt", "mine")
        with self.assertRaisesRegex(common.UsageError, "other files"):
            common.own_folder(self.folder, "result.json")
        for path, words in (("/proc/x", "can be written to"), (self.folder / "notes.txt", "a file")):
            with self.assertRaisesRegex(common.UsageError, words):
                common.make_folder("--out", path)
        self.write("result.json", "{}")
        self.assertEqual(common.own_folder(self.folder, "result.json"), self.folder.resolve())

    def test_half_a_configuration_is_none(self):
        self.write("build.ninja", "include CMakeFiles/rules.ninja")
        self.write("CMakeCache.txt", "CMAKE_C_COMPILER:UNINITIALIZED=nosuch\n")
        self.assertIn("--fresh", common.configure("asan", self.folder))
        self.write("CMakeFiles/rules.ninja", "")
        self.assertNotIn("--fresh", common.configure("asan", self.folder))


class BeforeTheWork(Case):
    def refuses(self, *words, says):
        done = self.run_ci(*words, environment={"HAKMEM_SKIP_SETUP": "1"})
        self.assert_usage_error(done, says)
        self.assertEqual(done.stdout, "")

    def test_an_output_that_cannot_be_written(self):
        mark = self.folder / "mark"
        missing = "there is no folder /nonexistent"
        for words in (("fuzz-coverage",), ("lib/matrix", "--compilers"), ("fuzz-afl",),
                      ("check-clusterfuzz", "--judge", self.folder, "--sanitizer", "address"),
                      ("bugbank",), ("../models/run",)):
            self.refuses(*words, "--json", NO_FILE, says=missing)
        self.refuses("lib/adaptive-trace", "--out", NO_FILE, "--", "touch", mark, says=missing)
        self.refuses("lib/run-ctest", "release", "--junit", NO_FILE, says=missing)
        self.assertFalse(mark.exists())

    def test_a_folder_that_cannot_be_made(self):
        for words in (("fuzz-afl", "--out", self.folder / "o", "--work"),
                      ("bugbank", "--profile", "control", "--work"), ("fuzz-coverage", "--build"),
                      ("fuzz-afl", "--out"), ("validate", "--out"), ("test", "--out")):
            self.refuses(*words, "/proc/x", says=f"{words[-1]} /proc/x: No such file")

    def test_a_tree_that_is_not_there(self):
        for command in ("check", "readme-commands"):
            self.refuses(command, "--root", "/nonexistent", says="there is no such folder")
        self.refuses("check", "spdx", "--root", self.folder, says="has no file in it")

    def test_names_that_nothing_has(self):
        out = self.folder / "o"
        self.refuses("fuzz-afl", "--out", out, "--target", "api", "--target", "nosuch",
                     says="--target fuzz_nosuch: no such target; there are fuzz_adaptive, ")
        self.assertFalse(out.exists())
        self.refuses("lib/matrix", says="name a cell")
        self.refuses("lib/matrix", "--json", self.folder / "x", says="--json goes with --compilers")
        self.refuses("fuzz-coverage", "--nosuch", says="ci/fuzz-coverage: unrecognized")

    def test_patterns_that_are_none(self):
        for option in ("--label", "--label-exclude", "--name"):
            self.refuses("lib/run-ctest", "release", option, "[",
                         says=f"{option} '[' is not a regular expression")
        self.refuses("test", "--out", self.folder / "o", "--filter", "[", says="--filter '['")
        common.demand_regex("--filter", "^(a|b)[.;]")


class MissingTools(Case):
    def setUp(self):
        super().setUp()
        (self.folder / "bin").mkdir()
        (self.folder / "bin/python3").symlink_to(sys.executable)
        for tool in TOOLS:
            (self.folder / "bin" / tool).symlink_to(
                os.path.realpath(common.output_of("sh", "-c", f"command -v {tool}")))
        self.environment = {"PATH": str(self.folder / "bin"), "HAKMEM_SKIP_SETUP": "1"}

    def test_one_line_says_which(self):
        out = self.folder / "o"
        library = self.write("lib/libhakmem.so", "").parents[1]
        for words, tools in ((("bench", "--quick", "--out", out), "cmake, ninja are missing"),
                             (("bugbank", "--profile", "control"), "cmake, ninja are missing"),
                             (("check", "exports-release", "--release", library), "nm is missing"),
                             (("check", "release-clean"), "nm, strings are missing"),
                             (("lib/run-ctest", "checked"), "ctest, cmake are missing"),
                             (("fuzz-coverage",), "is missing"),
                             (("build", "release"), "cmake is missing"),
                             (("test", "--out", out), "cmake, ninja, ctest are missing"),
                             (("validate", "--out", out), "cmake, ninja, ctest are missing"),
                             (("gate", "--out", out), "cmake, ninja, ctest are missing")):
            done = self.run_ci(*words, environment=self.environment)
            self.assert_usage_error(done, f"{tools}; run ci/setup")
            self.assertEqual(done.stdout, "")

    def test_a_stage_that_builds_nothing_needs_no_compiler(self):
        done = self.run_ci("gate", "--only", "^check.sources$", "--out", self.folder / "o",
                           environment=self.environment)
        self.assertIn("Checks of the sources and the docs ... ", done.stderr)
        self.assertNotIn("missing; run ci/setup", done.stderr)

    def test_a_program_that_nobody_asked_for_before(self):
        for start, says in ((lambda: subprocess.run(["none"], check=False), "cannot run none: No "),
                            (lambda: os.close(-1), "the system refused: Bad file"),
                            (lambda: open("/none/file", encoding="utf-8"), "/none/file: No such")):
            try:
                start()
            except OSError as error:
                self.assertTrue(common.describe(error).startswith(says), common.describe(error))
            else:
                self.fail("it began")

    def test_a_build_that_cannot_begin_is_no_traceback(self):
        with self.assertRaisesRegex(common.UsageError, "the preset none cannot be built"):
            bugbank_build.Preset(self.folder, "none", ["all"], 1)


class Streams(Case):
    def run_to(self, stdout, *words):
        done = subprocess.run([ROOT / "ci" / words[0], *words[1:]], stdout=stdout,
                              stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        return done.returncode, done.stderr

    def test_nobody_reads_on(self):
        for words in (("bugbank", "--list"), ("check", "spdx"), ("gate", "--list"),
                      ("lib/adaptive-trace", "--out", self.folder / "x", "--", "yes")):
            reader, writer = os.pipe()
            os.close(reader)
            try:
                self.assertEqual(self.run_to(writer, *words), (141, ""))
            finally:
                os.close(writer)

    def test_no_room(self):
        for words in (("bugbank", "--list"), ("check", "spdx"), ("gate", "--list")):
            with open("/dev/full", "w", encoding="utf-8") as full:
                self.assertEqual(self.run_to(full, *words), (
                    2, f"ci/{words[0]}: cannot write the output: No space left on device; send it "
                    "elsewhere\n"))


if __name__ == "__main__":
    unittest.main()
