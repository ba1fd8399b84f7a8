# SPDX-License-Identifier: MIT
"""The matrix of bugs and detectors, and the page that it is published on."""

import json
import re
import sys
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "ci/lib"))

# pylint: disable=wrong-import-position
from hakci import bugbank_build, bugbank_bugs, bugbank_detect, bugbank_matrix  # noqa: E402
from hakci import bugbank_publish, bugbank_report, common  # noqa: E402

BUGS = bugbank_bugs.load(ROOT / "tests/bugbank")
RUN = {"date": "2026-01-02", "machine": "m", "seed": 1, "seeds": 2, "matrix_seconds": 0.4,
       "elapsed_s": 9.0}


def runs(*verdicts):
    return [{"seed": seed, "verdict": verdict, "message": "m", "seconds": seed / 2,
             "executions": 10 * seed} for seed, verdict in enumerate(verdicts, 1)]


def result(*names, said="invariant TC_COUNT broken"):
    """A run's result with these bugs."""
    return {**RUN, "controls": [{"finder": "stress mixed", "runs": runs("not found")}],
            "bugs": [{"id": name, "breaks": "b", "seen": "own history 1", "detector": "stress",
                      "finder": "stress mixed", "found": True, "verdict": "found",
                      "message": said, "runs": runs("found", "found")} for name in names],
            "first_killers": {"TC_COUNT": list(names), "TC_CLASS": []},
            "matrix": {name: {"tsan": {"finder": "tsan mixed", "runs": [[True, 0.5, None],
                                                                        [False, 2, None]]}}
                       for name in names}}


class Choice(unittest.TestCase):
    def test_every_detector_looks_at_every_bug(self):
        for bug in (bug for bug in BUGS if bug.edits):
            with self.subTest(bug.id):
                words = bugbank_matrix.words_for(bug)
                own = bugbank_matrix.column_of(bug.detector)
                self.assertEqual(set(words) | {own}, set(bugbank_matrix.COLUMNS) | {own})
                self.assertNotIn(own, words)
                self.assertTrue(all(line[0] == name for name, line in words.items()))
                for finder in map(bugbank_detect.Finder, words.values()):
                    self.assertNotIn("{", finder.program)

    def test_the_scenario_is_the_responsible_ones(self):
        bug, = (bug for bug in BUGS if bug.finder == ["stress", "pause"])
        self.assertEqual(bugbank_matrix.words_for(bug)["tsan"], ["tsan", "pause"])

    def test_every_folder_of_the_sources_has_its_words(self):
        self.assertEqual(set(bugbank_matrix.OF_FOLDER),
                         {path.name for path in (ROOT / "src").iterdir() if path.is_dir()})

    def test_they_name_what_there_is(self):
        scenarios = {path.stem for path in (ROOT / "stress/scenarios").glob("*.c")}
        fuzz = (ROOT / "fuzz/CMakeLists.txt").read_text(encoding="utf-8")
        targets = re.findall(r"^hak_add_fuzz_target\((\w+)", fuzz, re.M)
        hunts = "".join(path.read_text(encoding="utf-8")
                        for path in (ROOT / "stress/hunt").rglob("*.c"))
        for _unit, target, scenario, hunt in bugbank_matrix.OF_FOLDER.values():
            self.assertIn(scenario, scenarios)
            self.assertIn(target, targets)
            self.assertIn(f'"{hunt}"', hunts)
        for _part, scenario, hunt in bugbank_matrix.OF_FUNCTION:
            self.assertIn(scenario, scenarios)
            self.assertIn(f'"{hunt}"', hunts)


class FakeFinder:
    """Finds with odd seeds; a program of the build `p`."""
    detector = SimpleNamespace(preset="p")
    arguments = ()

    def __init__(self, name, build=None):
        self.words, self.key, self.problem, self.asked = [name], name, build, []

    def build(self, *_):
        if self.problem:
            raise self.problem("log")

    def run(self, _folder, seed, seconds):
        self.asked.append((seed, seconds))
        return bugbank_detect.Outcome(seed % 2, "", 0.25, 100 * seed)


class Cells(unittest.TestCase):
    BENCH = SimpleNamespace(presets={"p": None})

    def cell(self, finder, seeds=(1, 2, 3)):
        return bugbank_matrix._cell(self.BENCH, finder, None, [], {}, list(seeds), 0.4)

    def test_each_seed_runs(self):
        finder = FakeFinder("stress")
        cell = self.cell(finder)
        self.assertEqual(finder.asked, [(1, 0.4), (2, 0.4), (3, 0.4)])
        self.assertEqual(cell["runs"], [[True, 0.25, 100], [False, 0.25, 200], [True, 0.25, 300]])

    def test_what_has_no_seed_runs_once(self):
        self.assertEqual(len(self.cell(FakeFinder("unit"))["runs"]), 1)

    def test_what_cannot_be_asked_says_so(self):
        for problem, text in ((bugbank_build.NotInProgram, "–"), (bugbank_build.BuildError, "?")):
            self.assertEqual(bugbank_matrix.text_of(self.cell(FakeFinder("hunt", problem))), text)

    def test_text(self):
        for found, text in (([[True, 0.21, 358]] * 3, "3/3 0.21 s @358"),
                            ([[False, 9, 7]] * 3, "0/3"),
                            ([[True, 0.2, None], [False, 9, 8], [True, 4, None]], "2/3 4 s")):
            self.assertEqual(bugbank_matrix.text_of({"runs": found}), text)


class Page(unittest.TestCase):
    """docs/BUGBANK.md and published.json are of the bank as it is."""
    RENEW = "run: ci/bugbank --seeds 3 --matrix --publish --bug "

    @classmethod
    def setUpClass(cls):
        cls.page = (ROOT / bugbank_publish.PAGE).read_text(encoding="utf-8")
        cls.rows = bugbank_publish.load()["bugs"]

    def test_it_is_made_of_the_result(self):
        self.assertEqual(self.page, bugbank_report.markdown(bugbank_publish.load()),
                         "run: ci/bugbank --page")

    def test_the_matrix_has_a_row_for_each_bug(self):
        _, found, matrix = self.page.partition(f"\n{bugbank_report.MATRIX}\n")
        self.assertTrue(found)
        names = re.findall(r"^\| `([a-z0-9-]+)` \|(?: [^|]* \|){8}$", matrix, re.M)
        self.assertEqual(names, [bug.id for bug in BUGS], self.RENEW + "each that is missing")

    def test_the_rows_say_what_the_bank_says(self):
        for bug, row in zip(BUGS, self.rows):
            self.assertEqual([row["id"], row["breaks"], row["seen"], row["finder"]],
                             [bug.id, bug.first("breaks"), bug.first("seen"),
                              bugbank_detect.Finder(bug.finder).key], self.RENEW + bug.id)

    def test_every_detector_ran_with_every_seed(self):
        for bug, row in zip(BUGS, self.rows):
            seeds = row["run"]["seeds"]
            self.assertGreaterEqual(seeds, 3)
            self.assertTrue(row["found"], bug.id)
            self.assertEqual(len(row["cell"]["runs"]), seeds)
            self.assertEqual(set(row["others"]), set(bugbank_matrix.words_for(bug)),
                             self.RENEW + bug.id)
            for name, cell in row["others"].items():
                wanted = 0 if "error" in cell else \
                    1 if name in bugbank_matrix.WITHOUT_SEED else seeds
                self.assertEqual(len(cell["runs"]), wanted, f"{bug.id}: {name}")


class Publishing(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = Path(scratch.name)
        for name in (bugbank_publish.RESULT, bugbank_publish.PAGE):
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)

    def publish(self, value, is_whole, bank):
        bugbank_publish.publish(value, is_whole, bank, self.root)
        return (self.root / bugbank_publish.PAGE).read_text(encoding="utf-8")

    def test_the_page_has_a_row_for_each_bug(self):
        page = self.publish(result("one", "two"), True, ["one", "two"])
        self.assertEqual(page.count("\n| `one` | "), 2)
        self.assertIn("| `two` |  |  | **2/2 1 s @20** |  | 1/2 0.5 s |  |  |  |\n", page)
        self.assertIn("| `TC_COUNT` | `one`, `two` |\n", page)
        self.assertIn("| `TC_CLASS` | **no planted bug** |\n", page)
        self.assertIn("2 of them on 2026-01-02: 2 seeds, from 1; 9 s in all (m).", page)

    def test_a_part_renews_its_rows_and_leaves_the_others(self):
        self.publish(result("one", "two", "gone"), True, ["one", "two", "gone"])
        page = self.publish(result("new", "two", said="other words"), False, ["new", "one", "two"])
        rows = re.findall(r"^\| `(\w+)` \| b \|.* \| (.*) \| 0.5 to 1 \| 10 to 20 \|$", page, re.M)
        self.assertEqual(rows, [("new", "other words"), ("one", "invariant TC_COUNT broken"),
                                ("two", "other words")])
        self.assertIn("Planted: 3;", page)

    def test_the_builder_s_folders_stay_at_home(self):
        said = "/home/me/build/bug.x/src/base/lock.c:7:3: runtime error: a/src/b"
        page = self.publish(result("one", said=said), True, ["one"])
        self.assertIn("| src/base/lock.c:7:3: runtime error: a/src/b |", page)

    def test_each_bug_is_a_line(self):
        self.publish(result("one", "two"), True, ["one", "two"])
        text = (self.root / bugbank_publish.RESULT).read_text(encoding="utf-8")
        self.assertEqual([line[:12] for line in text.splitlines()[1:3]],
                         ['{"id": "one"', '{"id": "two"'])
        self.assertEqual(len(json.loads(text)["bugs"]), 2)

    def test_what_is_no_result(self):
        for text, says in ((None, "writes it"), ("{", "is not JSON"), ('{"bugs": [{}]}', "is no")):
            if text is not None:
                (self.root / bugbank_publish.RESULT).write_text(text, encoding="utf-8")
            with self.assertRaisesRegex(common.UsageError, says):
                bugbank_publish.write_page(self.root)


if __name__ == "__main__":
    unittest.main()
