# SPDX-License-Identifier: MIT
"""The gate's decisions: it passes only what it has looked at and found low."""

import json
import tempfile
import unittest
from pathlib import Path

from hakci.common import UsageError
from report import gate


def ceilings(**metrics):
    return gate.empty_ceilings() | metrics


class Compare(unittest.TestCase):
    def test_at_the_ceiling_passes(self):
        self.assertEqual(gate.compare({"instructions": {"pair-1": 40.0}},
                                      ceilings(instructions={"pair-1": 40.0})), [])

    def test_above_fails_and_says_row_figure_and_ceiling(self):
        breaches = gate.compare({"instructions": {"pair-1": 40.1}},
                                ceilings(instructions={"pair-1": 40.0}))
        self.assertEqual([str(b) for b in breaches],
                         ["instructions pair-1: measured 40.1 is above the ceiling 40"])

    def test_every_metric_can_fail(self):
        for metric in gate.ALLOWANCES:
            with self.subTest(metric):
                breaches = gate.compare({metric: {"a/1": 11}}, ceilings(**{metric: {"a/1": 10}}))
                self.assertEqual([(b.metric, b.row) for b in breaches], [(metric, "a/1")])

    def test_all_breaches_are_reported(self):
        breaches = gate.compare({"minor_faults": {"a/1": 9, "b/4": 1, "c/1": 9}},
                                ceilings(minor_faults={"a/1": 1, "b/4": 1, "c/1": 1}))
        self.assertEqual([b.row for b in breaches], ["a/1", "c/1"])

    def test_a_failed_measurement_fails(self):
        breaches = gate.compare({"minor_faults": {"a/1": "killed by SIGSEGV"}},
                                ceilings(minor_faults={"a/1": 5}))
        self.assertIn("not measured: killed by SIGSEGV", str(breaches[0]))

    def test_a_row_without_a_ceiling_fails(self):
        breaches = gate.compare({"time_ratio": {"new/1": 0.5}}, ceilings())
        self.assertIn("no ceiling recorded", str(breaches[0]))

    def test_a_ceiling_without_a_row_fails(self):
        breaches = gate.compare({}, ceilings(time_ratio={"renamed/1": 0.5}))
        self.assertIn("no longer measured", str(breaches[0]))


class Record(unittest.TestCase):
    def test_what_is_recorded_passes(self):
        measured = {metric: {"a/1": 100} for metric in gate.ALLOWANCES}
        recorded = gate.record(measured, gate.empty_ceilings())
        self.assertEqual(gate.compare(measured, recorded), [])

    def test_twice_as_much_fails_everywhere(self):
        measured = {metric: {"a/1": 10e6} for metric in gate.ALLOWANCES}
        recorded = gate.record(measured, gate.empty_ceilings())
        doubled = {metric: {"a/1": 20e6} for metric in gate.ALLOWANCES}
        self.assertEqual(len(gate.compare(doubled, recorded)), len(gate.ALLOWANCES))

    def test_lowers_and_never_raises(self):
        old = ceilings(instructions={"pair-1": 40.0, "pair-64": 40.0})
        recorded = gate.record({"instructions": {"pair-1": 30.0, "pair-64": 90.0}}, old)
        self.assertEqual(recorded["instructions"], {"pair-1": 30.5, "pair-64": 40.0})

    def test_rows_no_longer_measured_are_dropped(self):
        recorded = gate.record({}, ceilings(instructions={"gone": 1}))
        self.assertEqual(recorded["instructions"], {})

    def test_nothing_is_recorded_when_a_run_failed(self):
        with self.assertRaisesRegex(UsageError, "minor_faults a/1 not measured: crash"):
            gate.record({"minor_faults": {"a/1": "crash"}}, gate.empty_ceilings())


class Load(unittest.TestCase):
    def load(self, text):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "ceilings.json"
            path.write_text(text)
            return gate.load(path)

    def test_what_was_saved(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "ceilings.json"
            gate.save(path, ceilings(instructions={"pair-1": 40.5}))
            self.assertEqual(gate.load(path)["instructions"], {"pair-1": 40.5})

    def test_absent(self):
        with self.assertRaisesRegex(UsageError, "--gate --record"):
            gate.load(Path("/nonexistent/ceilings.json"))

    def test_not_json(self):
        with self.assertRaisesRegex(UsageError, "isn't JSON"):
            self.load("{")

    def test_another_version_or_machine(self):
        with self.assertRaisesRegex(UsageError, "version"):
            self.load("[]")
        with self.assertRaisesRegex(UsageError, "recorded on"):
            self.load(json.dumps(gate.empty_ceilings() | {"architecture": "vax"}))

    def test_a_ceiling_that_is_no_number(self):
        for value in ("40", None, True, -1):
            with self.subTest(value), self.assertRaisesRegex(UsageError, "not a number"):
                self.load(json.dumps(ceilings(instructions={"pair-1": value})))


if __name__ == "__main__":
    unittest.main()
