# SPDX-License-Identifier: MIT
"""The gate and the instruction counts on real runs: they pass what was
recorded, repeat, and fail on an allocator that is worse in every way."""

import json
import shutil
import unittest

from report.gate import ALLOWANCES
from selftest.common import WASTEFUL, BenchTest

# The mechanism is the same for every row; a row of each kind keeps the test
# short. One thread: how glibc's arenas trim with several differs from run to run.
ROWS = "idle,random-mixed/1,return-all/1"
WORSE_ROWS = {"instructions": "pair-1", "minor_faults": "random-mixed/1",
              "peak_rss_bytes": "random-mixed/1", "time_ratio": "random-mixed/1"}


@unittest.skipUnless(shutil.which("valgrind"), "counting instructions needs valgrind")
class Gate(BenchTest):
    def gate(self, subject, *arguments):
        return self.ci_bench("--gate", "--subject", subject, "--ceilings", self.ceilings,
                             "--workloads", ROWS, *arguments)

    def assert_breached(self, done, metric, row):
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertRegex(done.stdout, rf"(?m)^GATE {metric} {row}: measured \S+ is above")

    def test_passes_what_was_recorded_and_fails_what_is_worse(self):
        self.ceilings = self.folder / "ceilings.json"
        recorded = self.gate("glibc", "--record")
        self.assertEqual(recorded.returncode, 0, recorded.stdout + recorded.stderr)
        again = self.gate("glibc")
        self.assertEqual(again.returncode, 0, again.stdout + again.stderr)
        self.assertIn("gate: passed", again.stdout)

        worse = self.gate(f"wasteful={WASTEFUL}")
        for metric, row in WORSE_ROWS.items():
            self.assert_breached(worse, metric, row)

        # And each metric's own ceiling counts, down to the last row.
        ceilings = json.loads(self.ceilings.read_text())
        for metric in ALLOWANCES:
            ceilings[metric] = {row: value / 10 for row, value in ceilings[metric].items()}
        self.ceilings.write_text(json.dumps(ceilings))
        lowered = self.gate("glibc")
        for metric in ALLOWANCES:
            for row in ceilings[metric]:
                self.assert_breached(lowered, metric, row)

    def test_instruction_counts_repeat(self):
        def counts():
            done = self.ci_bench("--instructions", "--out", self.folder, "--allocators",
                                 f"glibc,wasteful={WASTEFUL}")
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
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
