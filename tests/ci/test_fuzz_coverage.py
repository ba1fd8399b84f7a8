# SPDX-License-Identifier: MIT
"""ci/fuzz-coverage: what it counts, what it leaves out, and when that is wrong."""

import importlib.machinery
import importlib.util
import json
import unittest

from support import ROOT, Case

LOADER = importlib.machinery.SourceFileLoader("fuzz_coverage", str(ROOT / "ci/fuzz-coverage"))
coverage = importlib.util.module_from_spec(importlib.util.spec_from_loader("fuzz_coverage", LOADER))
LOADER.exec_module(coverage)

SOURCE = """int f(int x) {
    if (x < 0) {
        stop();
    }
    return x;
}
"""


class Coverage(Case):
    def setUp(self):
        super().setUp()
        self.write("src/a.c", SOURCE)
        root, coverage.ROOT = coverage.ROOT, str(self.folder)
        self.addCleanup(setattr, coverage, "ROOT", root)

    def files(self, stop_count=0):
        """f() ran 5 times; stop() `stop_count` times."""
        lines = {1: 5, 2: 5, 3: stop_count, 4: stop_count, 5: 5, 6: 5}
        branches = {(2, 9, True): stop_count, (2, 9, False): 5}
        return {"src/a.c": (lines, branches)}

    def test_what_ran_is_counted(self):
        self.assertEqual(coverage.summarise(self.files(), ["src/a.c"]),
                         {"lines": 66.7, "branches": 50.0})
        self.assertEqual(coverage.summarise(self.files(1), ["src/"])["branches"], 100.0)

    def test_instances_of_one_function_are_added_up(self):
        root = str(self.folder)
        lcov = f"SF:{root}/src/a.c\nDA:1,0\nDA:1,4\nend_of_record\n"
        self.assertEqual(coverage.read_lines(lcov), {"src/a.c": {1: 4}})
        branches = [[2, 9, 2, 14, 0, 3, 0, 0, 4], [2, 9, 2, 14, 2, 0, 0, 0, 4]]
        report = {"data": [{"files": [{"filename": f"{root}/src/a.c", "branches": branches}]}]}
        self.assertEqual(coverage.read_branches(report),
                         {"src/a.c": {(2, 9, True): 2, (2, 9, False): 3}})

    def test_the_guard_is_measured_where_there_is_one(self):
        program, calls = coverage.replays("guard", "/build/fc")
        self.assertEqual(program, "/build/fc-checked/bin/replay_api")
        self.assertEqual([call[-1] for call in calls],
                         [str(self.folder / "fuzz/corpus/api"), "100"])
        program, calls = coverage.replays("l25", "/build/fc")
        self.assertEqual(program, "/build/fc/bin/replay_l25")
        self.assertEqual([call[-1] for call in calls],
                         [str(self.folder / "fuzz/corpus/l25"), "2000"])

    def test_every_component_has_floors_and_files(self):
        with open(ROOT / "fuzz/coverage-floors.json", encoding="utf-8") as file:
            self.assertEqual(sorted(json.load(file)), sorted(coverage.COMPONENTS))
        for prefixes in coverage.COMPONENTS.values():
            for prefix in prefixes:
                self.assertTrue((ROOT / prefix).exists(), prefix)

    def test_named_lines_are_left_out(self):
        files = self.files()
        entry = {"file": "src/a.c", "from": "if (x < 0) {", "to": "}", "why": "ends the program"}
        self.assertEqual(coverage.leave_out(files, "a", [entry]), [])
        self.assertEqual(coverage.summarise(files, ["src/"]), {"lines": 100.0, "branches": 100.0})

    def test_a_line_that_is_reached_after_all_is_a_problem(self):
        entry = {"file": "src/a.c", "from": "if (x < 0) {", "to": "}", "why": "-"}
        self.assert_problem(coverage.leave_out(self.files(1), "a", [entry]), "was reached by a")

    def test_a_line_that_is_gone_is_a_problem(self):
        entry = {"file": "src/a.c", "from": "if (x > 0) {", "why": "-"}
        self.assert_problem(coverage.leave_out(self.files(), "a", [entry]), "not there exactly once")

    def test_floors_only_rise(self):
        floors, kept = {"a": {"lines": 90.0, "branches": 80.0}}, coverage.FLOORS
        coverage.FLOORS = str(self.folder / "floors.json")
        self.addCleanup(setattr, coverage, "FLOORS", kept)
        coverage.raise_floors(floors, {"a": {"lines": 95.0, "branches": 70.0}})
        self.assertEqual(json.loads((self.folder / "floors.json").read_text()),
                         {"a": {"lines": 95.0, "branches": 80.0}})

    def test_the_list_names_targets_and_reasons(self):
        entries = json.loads((ROOT / "fuzz/coverage-unreachable.json").read_text())
        self.assertLessEqual(set(entries), set(coverage.COMPONENTS))
        for entry in sum(entries.values(), []):
            self.assertGreater(len(entry["why"]), 20, entry)


if __name__ == "__main__":
    unittest.main()
