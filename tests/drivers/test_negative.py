# SPDX-License-Identifier: MIT
"""Negative controls: every verification of the stress scenarios is shown a malloc
that breaks just that promise, and must say so. The same malloc without a fault must
pass, so that it is the fault that was seen."""
import unittest

from drivers import BROKEN_MALLOC, DriverTest, run

DIFFERS = r"block 0x[0-9a-f]+ \(\d+ bytes, made by thread \d+\) differs at byte \d+ "
DIRTY = r"calloc of \d+ bytes gave 0x[0-9a-f]+ with 0x52 at byte 0, not zero"
DIFFERS_OR_DIRTY = f"{DIFFERS}|{DIRTY}"  # the next block may be one that is just made
SMALL = ["--operations", "3000"]

# scenario, how long, fault, what must be said
CONTROLS = [
    ("larson", SMALL, "overlap", DIFFERS + "when it was verified"),
    ("mixed", SMALL, "overlap", DIFFERS),
    ("remote", SMALL, "overlap", DIFFERS),
    ("expand", SMALL, "overlap", DIFFERS),
    ("shrink", SMALL, "overlap", DIFFERS),
    ("churn", SMALL, "overlap", DIFFERS),
    ("fork", ["--operations", "8"], "overlap", DIFFERS),
    ("realloc", ["--operations", "400"], "overlap", DIFFERS),
    ("aligned", ["--operations", "2000"], "alignment", r"is not aligned to \d+ bytes"),
    ("big", ["--operations", "100"], "overlap", DIFFERS),
    ("l25", ["--operations", "200"], "overlap", DIFFERS),
    ("tls_dtor", SMALL, "overlap", DIFFERS),
    ("dlopen", ["--operations", "200"], "overlap", "plugin: a block of a thread-local object"),
    ("affinity", SMALL, "overlap", DIFFERS),
    ("pause", SMALL, "overlap", DIFFERS),
    ("mixed", SMALL, "twice", DIFFERS),
    ("larson", SMALL, "twice", DIFFERS),
    ("shrink", SMALL, "twice", DIFFERS),
    ("mixed", SMALL, "calloc", r"calloc of \d+ bytes gave 0x[0-9a-f]+ with 0x43 at byte \d+, not zero"),
    ("realloc", ["--operations", "400"], "realloc", DIFFERS + "after realloc"),
    ("mixed", SMALL, "misalign", r"is not aligned to 16 bytes"),
    ("mixed", SMALL, "alignment", r"is not aligned to \d+ bytes"),
    ("mixed", SMALL, "usable", r"malloc_usable_size\(0x[0-9a-f]+\) is \d+, but \d+ bytes"),
    ("mixed", SMALL, "null", r"alloc of \d+ bytes gave NULL: Cannot allocate memory"),
    ("expand", SMALL, "ceiling", r"malloc of \d+ bytes gave NULL"),
    ("remote", SMALL, "remote", DIFFERS_OR_DIRTY),
    ("larson", SMALL, "remote", DIFFERS_OR_DIRTY),
    ("churn", SMALL, "remote", DIFFERS_OR_DIRTY),
    ("tls_dtor", SMALL, "dtor", DIFFERS),
    ("fork", ["--operations", "8", "--timeout", "2"], "fork-lock", r"a child of fork\(\) hangs"),
    ("fork", ["--operations", "8"], "fork-loss", DIFFERS),
    ("oom", ["--operations", "10"], "errno", r"gave NULL with errno 0, not ENOMEM"),
    ("oom", ["--operations", "10"], "lost", r"memory was lost|malloc of \d+ bytes still gives NULL"),
    ("oom", ["--operations", "10"], "none", r"the limit of \d+ never met|passed the address space"),
    ("mixed", SMALL, "crash", r"killed by signal 11"),
    ("mixed", SMALL + ["--timeout", "1"], "hang", r"hangs: no operation ended for 1 s"),
]


class NegativeControls(DriverTest):
    def run_with(self, scenario, length, fault):
        return run(["hakmem-stress", scenario, "--seed", 7, "--library", BROKEN_MALLOC,
                    "--json", self.path("result.json")] + length, BROKEN_MALLOC=fault)

    def test_each_fault_is_found(self):
        for scenario, length, fault, message in CONTROLS:
            with self.subTest(scenario=scenario, fault=fault):
                result = self.run_with(scenario, length, fault)
                self.assert_exit(result, 1)
                self.assertRegex(result.stderr, rf"FAIL {scenario} threads=4 seed=7: .*({message})")
                self.assertRegex(result.stderr, rf"repeat with: .*hakmem-stress {scenario} "
                                                rf"--threads 4 --seed 7 {length[0]} {length[1]} ")
                self.assertEqual(self.json("result.json")["verdict"], "fail")
                self.assertRegex(self.json("result.json")["message"], message)

    def test_without_fault_all_pass(self):
        seen = set()
        for scenario, length, _, _ in CONTROLS:
            if scenario != "oom" and scenario not in seen:
                seen.add(scenario)
                with self.subTest(scenario=scenario):
                    self.assert_exit(self.run_with(scenario, length, "none"), 0)
        self.assertEqual(len(seen), 15)

    def test_stability_counts_and_keeps_failures(self):
        result = run(["hakmem-stability", "--library", BROKEN_MALLOC, "--runs", 12, "--seed", 1,
                      "--scenarios", "mixed,churn", "--operations", 500, "--out",
                      self.path("out"), "--json", self.path("result.json")],
                     BROKEN_MALLOC="usable")
        self.assert_exit(result, 1)
        self.assertIn("0/12 passed: failure rate < 100.00 % (95 %)", result.stdout)
        self.assertIn("repeat with: ", result.stdout)
        self.assertEqual(self.json("result.json")["first_failure_report"],
                         self.path("out/first-failure.txt"))
        with open(self.path("out/first-failure.txt"), encoding="utf-8") as file:
            report = file.read()
        self.assertRegex(report, r"command: .*hakmem-stress (mixed|churn) --threads 4 --seed \d+")
        self.assertIn("exit status 1", report)
        self.assertIn("malloc_usable_size", report)
        self.assertIn("repeat with: ", report)


if __name__ == "__main__":
    unittest.main()
