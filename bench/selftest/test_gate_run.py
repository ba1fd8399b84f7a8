# SPDX-License-Identifier: MIT
"""The gate and the instruction counts on real runs: they pass what was
recorded, repeat, and fail on an allocator that is worse in every way."""

import json
import shutil
import unittest

from report.gate import ALLOWANCES
from selftest.common import OVERLAPPING, WASTEFUL, BenchTest


@unittest.skipUnless(shutil.which("valgrind"), "counting instructions needs valgrind")
class Gate(BenchTest):
    def gate(self, subject, *arguments):
        return self.ci_bench("--gate", "--subject", subject, "--ceilings",
                             self.folder / "ceilings.json", "--json", self.folder / "gate.json",
                             *arguments)

    def test_passes_what_was_recorded_and_fails_a_worse_allocator(self):
        recorded = self.gate("glibc", "--record")
        self.assertEqual(recorded.returncode, 0, recorded.stdout + recorded.stderr)
        again = self.gate("glibc")
        self.assertEqual(again.returncode, 0, again.stdout)
        self.assertIn("gate: passed", again.stdout)

        worse = self.gate(f"wasteful={WASTEFUL}")
        self.assertEqual(worse.returncode, 1, worse.stdout)
        for metric in ALLOWANCES:
            self.assertRegex(worse.stdout, rf"(?m)^GATE {metric} \S+: measured \S+ is above")
        result = json.loads((self.folder / "gate.json").read_text())
        self.assertGreater(len(result["breaches"]), 20)

        broken = self.gate(f"broken={OVERLAPPING}")
        self.assertEqual(broken.returncode, 1, broken.stdout)

    def test_instruction_counts_repeat(self):
        def counts():
            done = self.ci_bench("--instructions", "--out", self.folder, "--allocators",
                                 f"glibc,wasteful={WASTEFUL}")
            self.assertEqual(done.returncode, 0, done.stderr)
            return json.loads((self.folder / "report.json").read_text())["instructions"]
        first, second = counts(), counts()
        for shape, per in first.items():
            for name, value in per.items():
                self.assertAlmostEqual(value, second[shape][name], delta=0.2)
        # The wasteful one is glibc's with a loop of 100 turns before it.
        extra = first["pair-1"]["wasteful"] - first["pair-1"]["glibc"]
        self.assertGreater(extra, 300)
        self.assertLess(extra, 1000)


if __name__ == "__main__":
    unittest.main()
