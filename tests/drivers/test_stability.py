# SPDX-License-Identifier: MIT
"""hakmem-stability: its command line, its bound, its progress, its result file."""
import os
import pty
import re
import shutil
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
                (["--out", "/proc/nosuch/out"], "--out /proc/nosuch/out: "),
                (["--out", "/proc/version"], "--out /proc/version: it is there and no folder"),
                (["--json", "/nonexistent/x"], "--json '/nonexistent/x' cannot be written")]:
            with self.subTest(arguments=arguments):
                self.assert_usage(["hakmem-stability"] + arguments, words)

    def test_help(self):
        result = run(["hakmem-stability", "--help"])
        self.assert_exit(result, 0)
        self.assertIn("--scenarios", result.stdout)


# Stands beside a copy of hakmem-stability: notes each call, and fails once only,
# for one seed, with a report such as the checked build's.
FLAKY = """#!/bin/sh
echo "$*" >>{calls}
case "$*" in *'--seed 105 '*) ;; *) exit 0 ;; esac
[ -e {calls}.failed ] && exit 0
touch {calls}.failed
echo 'hakmem: invariant SS_CHAIN broken (superslab)' >&2
echo '  last events of all threads, newest first' >&2
kill -ABRT $$
"""


class OnScript(DriverTest):
    """What it makes of a program that fails once: counted, kept, not repeated."""

    def setUp(self):
        super().setUp()
        os.mkdir(self.path("bin"))
        shutil.copy2(program("hakmem-stability"), self.path("bin/hakmem-stability"))
        with open(self.path("bin/hakmem-stress"), "w", encoding="utf-8") as file:
            file.write(FLAKY.format(calls=self.path("calls")))
        os.chmod(self.path("bin/hakmem-stress"), 0o755)

    def test_one_failure_of_300_is_kept_and_never_retried(self):
        done = subprocess.run(
            [self.path("bin/hakmem-stability"), "--runs", "300", "--seed", "100", "--out",
             self.path("out"), "--json", self.path("result.json")],
            capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        # 1 of 300 by decimal arithmetic: 1.5714554891584 %.
        self.assertIn("299/300 passed: failure rate < 1.58 % (95 %)", done.stdout)
        self.assertAlmostEqual(self.json("result.json")["failure_rate_bound"], 0.015714554891584,
                               places=12)
        with open(self.path("calls"), encoding="utf-8") as file:
            seeds = sorted(int(re.search(r"--seed (\d+)", line)[1]) for line in file)
        self.assertEqual(seeds, list(range(100, 400)))
        with open(self.path("out/first-failure.txt"), encoding="utf-8") as file:
            kept = file.read()
        for words in ("run 5\n", "--seed 105 ", "signal 6", "invariant SS_CHAIN broken",
                      "last events of all threads"):
            self.assertIn(words, kept)
        self.assertIn(f"first failure: {self.path('out/first-failure.txt')}", done.stdout)


@unittest.skipUnless(HAS_WORKER, "hakmem is not part of this build")
class OnHakmem(DriverTest):
    def arguments(self, *more):
        return ["hakmem-stability", "--runs", RUNS, "--seed", 11, "--seconds-per-run", "0.01",
                "--out", self.path("out")] + list(more)

    def test_smoke(self):
        result = run(self.arguments("--json", self.path("result.json")), timeout=600)
        self.assert_exit(result, 0)
        self.assertIn("20/20 passed: failure rate < 13.92 % (95 %)", result.stdout)
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
