# SPDX-License-Identifier: MIT
"""The bank's rows and its runner: every bug applies, every invariant and every
detector has one, and what is not found, found otherwise or not there fails."""

import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "ci/lib"))

# pylint: disable=wrong-import-position
from hakci import bugbank, bugbank_bugs, bugbank_build, bugbank_detect  # noqa: E402
from hakci import bugbank_report, common  # noqa: E402

BUGS = bugbank_bugs.load(ROOT / "tests/bugbank")
ROW = """bug a-bug
breaks something
seen own history 1
finder stress mixed
message invariant TC_COUNT broken
budget 5
in src/a.c within f
-    x = 1;
+    x = 2;
"""
SOURCE = "int f(int x);\nint g(void) {\n    x = 1;\n}\n\nint f(int x) {\n    x\n  = 1;\n    return x;\n}\n"


class Bank(unittest.TestCase):
    def test_every_bug_applies_to_the_sources_as_they_are(self):
        for bug in BUGS:
            with self.subTest(bug.id):
                for path, text in bugbank_bugs.planted(bug, ROOT).items():
                    self.assertNotEqual(text, (ROOT / path).read_text(encoding="utf-8"))

    def test_planting_writes_what_applies(self):
        bug = BUGS[0]
        with tempfile.TemporaryDirectory() as folder:
            bugbank_build.copy_sources(ROOT, folder)
            wanted = bugbank_bugs.planted(bug, ROOT)
            self.assertEqual(bugbank_bugs.plant(bug, folder), sorted(wanted))
            for path, text in wanted.items():
                self.assertEqual((Path(folder) / path).read_text(encoding="utf-8"), text)

    def test_what_is_left_out_of_a_link_command_is_in_one(self):
        text = (ROOT / "src/CMakeLists.txt").read_text(encoding="utf-8")
        left_out = [word for bug in BUGS for word in bug.without]
        self.assertGreater(len(left_out), 0)
        for word in left_out:
            self.assertIn(f" {word} ", text)

    def test_every_invariant_is_the_first_to_show_a_bug(self):
        text = (ROOT / "src/base/invariants.def").read_text(encoding="utf-8")
        catalogue = bugbank_report.CATALOGUE_ROW.findall(text)
        shown = {name for bug in BUGS
                 for name in re.findall(r"invariant (\w+) broken", " ".join(bug.messages))}
        self.assertGreater(len(catalogue), 40)
        self.assertEqual(set(catalogue) - shown, set(), "no planted bug")
        self.assertEqual(shown - set(catalogue), set(), "no such invariant")

    def test_all_twelve_of_the_projects_history_are_planted(self):
        seen = {int(match[1]) for bug in BUGS
                if (match := re.match(r"own history (\d+)$", bug.first("seen")))}
        self.assertEqual(seen, set(range(1, 13)))

    def test_every_row_names_a_detector_and_where_the_class_was_seen(self):
        for bug in BUGS:
            with self.subTest(bug.id):
                bugbank_detect.Finder(bug.finder)
                self.assertRegex(bug.first("seen"), r"^own history \d+$|https://github\.com/\S+")

    def test_the_gate_has_a_bug_for_each_detector(self):
        self.assertEqual({bug.detector for bug in BUGS if bug.in_gate},
                         set(bugbank_detect.DETECTORS))

    def test_the_control_needs_no_build_that_quick_does_not_have_time_for(self):
        self.assertEqual({bug.detector for bug in BUGS if bug.in_control},
                         {"unit", "misuse", "fuzz", "stress", "asan", "tsan", "valgrind"})


class Reading(unittest.TestCase):
    def test_a_row(self):
        bug, = bugbank_bugs.parse(ROW, "x.bugs")
        self.assertEqual((bug.id, bug.detector, bug.budget_s, bug.invariant, bug.in_control),
                         ("a-bug", "stress", 5, "TC_COUNT", False))

    def test_rows_that_cannot_be_used(self):
        for old, new in (("bug a-bug", "bug A bug"), ("seen own history 1\n", ""),
                         ("budget 5", "budget soon"), ("+    x = 2;", "+    x = 1;"),
                         ("finder stress", "founder stress"), ("in src/a.c", "in a.c")):
            with self.subTest(new), self.assertRaises(common.UsageError):
                bugbank_bugs.parse(ROW.replace(old, new), "x.bugs")

    def test_two_bugs_of_one_name(self):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "x.bugs").write_text(ROW + ROW, encoding="utf-8")
            with self.assertRaises(common.UsageError):
                bugbank_bugs.load(folder)

    def test_edit_is_made_in_the_function_whatever_the_white_space(self):
        edit = bugbank_bugs.parse(ROW, "x.bugs")[0].edits[0]
        changed = bugbank_bugs.apply_edit(SOURCE, edit)
        self.assertEqual(changed, SOURCE.replace("x\n  = 1;", "x = 2;"))

    def test_text_that_is_not_there_once_does_not_apply(self):
        edit = bugbank_bugs.parse(ROW, "x.bugs")[0].edits[0]
        for text, within in ((SOURCE, ""), (SOURCE.replace("1", "3"), "f"), (SOURCE, "h")):
            edit.within = within
            with self.assertRaisesRegex(bugbank_bugs.BugError, "does not apply"):
                bugbank_bugs.apply_edit(text, edit)


class Linking(unittest.TestCase):
    def test_words_are_left_out(self):
        words = ["cc", "-Wl,-z,now", "-o", "x"]
        self.assertEqual(bugbank_build._leave_out(words, ["-Wl,-z,now"], "x"), ["cc", "-o", "x"])
        with self.assertRaisesRegex(bugbank_build.BuildError, "not linked with -Wl,-z,no"):
            bugbank_build._leave_out(words, ["-Wl,-z,nodelete"], "x")


class Judging(unittest.TestCase):
    REPORT = "noise\nhakmem: invariant TC_COUNT broken (tcache)\n"
    WANTED = ["invariant TC_COUNT broken"]

    def verdict(self, status, text, messages=None, finder="stress mixed"):
        outcome = bugbank_detect.Outcome(status, text, 1.0)
        return bugbank_detect.Finder(finder.split()).judge(
            outcome, self.WANTED if messages is None else messages)[0]

    def test_verdicts(self):
        self.assertEqual(self.verdict(1, self.REPORT), "found")
        self.assertEqual(self.verdict(0, self.REPORT), "not found")
        self.assertEqual(self.verdict(1, "hakmem: invariant TC_CLASS broken\n"), "wrong message")
        self.assertEqual(self.verdict(1, self.REPORT, [*self.WANTED, "thread 7"]), "wrong message")
        self.assertEqual(self.verdict(1, self.REPORT, ["thread 7 || TC_COUNT broken"]), "found")
        self.assertEqual(self.verdict(1, self.REPORT, ["thread 7 || x"]), "wrong message")
        self.assertEqual(self.verdict(2, self.REPORT), "wrong status")
        self.assertEqual(self.verdict(-9, self.REPORT), "wrong status")
        self.assertEqual(self.verdict(None, self.REPORT), "stopped")
        self.assertEqual(self.verdict(None, "", [bugbank_detect.HANGS]), "found")
        self.assertEqual(self.verdict(77, self.REPORT, finder="fuzz api"), "found")

    def test_one_seed_that_misses_is_a_failure(self):
        runs = [{"verdict": "found"}, {"verdict": "not found"}]
        self.assertEqual(bugbank.verdict_of({"runs": runs}, "found"), (False, "not found"))
        self.assertEqual(bugbank.verdict_of({"runs": [], "error": "does not apply"}, "found"),
                         (False, "does not apply"))

    def test_what_a_program_starts_ends_with_it(self):
        with tempfile.TemporaryDirectory() as folder:
            status, text = bugbank_detect.run_limited(
                ["sh", "-c", "echo begun; sleep 60 & wait"], Path(folder), 0.5)
        self.assertEqual((status, text), (None, "begun\n"))


class CommandLine(unittest.TestCase):
    def run_it(self, *arguments):
        return subprocess.run([str(ROOT / "ci/bugbank"), *arguments], capture_output=True,
                              text=True, check=False, timeout=60)

    def test_usage(self):
        for arguments, says in (
                (["--bug", "no-such-bug"], "no bug named no-such-bug"),
                (["--profile", "quick"], "quick"),
                (["--json", "/no/such/folder/x.json"], "there is no folder /no/such/folder"),
                (["--mutate", "README.md"], "not a file below src/"),
                (["--mutate", "src/tcache/tcache.c", "--lines", "9-1"], "--lines"),
                (["--publish"], "--publish goes with --matrix"),
                (["--publish", "--matrix", "--profile", "gate"], "--publish goes with"),
                (["--matrix", "--matrix-seconds", "soon"], "soon"),
                (["--matrix", "--matrix-seconds", "0"], "number of seconds")):
            done = self.run_it(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn(says, done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)

    def test_list_has_every_bug(self):
        self.assertEqual([line.split()[0] for line in self.run_it("--list").stdout.splitlines()],
                         [bug.id for bug in BUGS])


if __name__ == "__main__":
    unittest.main()
