# SPDX-License-Identifier: MIT
"""hakmem-stability: its command line, its bound, its progress, its result file."""
import os
import pty
import re
import subprocess
import unittest

from drivers import HAS_WORKER, DriverTest, program, run

RUNS = 20


class Stability(DriverTest):
    def test_usage_errors_are_one_line(self):
        for arguments, words in [
                (["extra"], "'extra' is one too many"),
                (["--runs", "0"], "--runs is '0'"),
                (["--runs", "many"], "--runs is 'many'"),
                (["--jobs", "0"], "--jobs is '0'"),
                (["--threads", "0"], "--threads is '0'"),
                (["--scenarios", "mixed,nosuch"], "no scenario 'nosuch'"),
                (["--scenarios", ""], "no scenario ''"),
                (["--seconds-per-run", "0"], "--seconds-per-run is '0'"),
                (["--seconds-per-run", "1", "--operations", "1"], "exclude each other"),
                (["--library", "/nonexistent.so"], "no library '/nonexistent.so'"),
                (["--out", "/proc/nosuch/out"], "--out /proc/nosuch/out: ")]:
            with self.subTest(arguments=arguments):
                self.assert_usage(["hakmem-stability"] + arguments, words)

    def test_help(self):
        result = run(["hakmem-stability", "--help"])
        self.assert_exit(result, 0)
        self.assertIn("--scenarios", result.stdout)


@unittest.skipUnless(HAS_WORKER, "hakmem is not part of this build")
class OnHakmem(DriverTest):
    def arguments(self, *more):
        return ["hakmem-stability", "--runs", RUNS, "--seed", 11, "--seconds-per-run", "0.01",
                "--out", self.path("out")] + list(more)

    def test_smoke(self):
        result = run(self.arguments("--json", self.path("result.json")), timeout=600)
        self.assert_exit(result, 0)
        self.assertIn("20/20 passed: failure rate < 13.91 % (95 %)", result.stdout)
        written = self.json("result.json")
        self.assertEqual((written["runs"], written["passes"], written["verdict"]),
                         (RUNS, RUNS, "pass"))
        self.assertAlmostEqual(written["failure_rate_bound"], 0.139108, places=6)
        self.assertEqual(sum(s["runs"] for s in written["scenarios"]), RUNS)
        self.assertEqual(os.listdir(self.path("out")), [])

    def test_bar_on_a_terminal(self):
        master, slave = pty.openpty()
        arguments = self.arguments("--scenarios", "mixed,churn", "--seconds-per-run", "0.05")
        command = [program(arguments[0])] + [str(a) for a in arguments[1:]]
        with subprocess.Popen(command, stderr=slave, stdout=subprocess.DEVNULL) as process:
            os.close(slave)
            shown = b""
            try:
                while block := os.read(master, 65536):
                    shown += block
            except OSError:
                pass  # the terminal closed with the program
            self.assertEqual(process.wait(), 0)
        os.close(master)
        self.assertTrue(re.search(rb"\[#*\.*\] \d+/20, 0 failed, 0:\d\d left", shown), shown)


if __name__ == "__main__":
    unittest.main()
