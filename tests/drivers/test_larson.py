# SPDX-License-Identifier: MIT
"""larson_hakmem: its arguments, its result, its log."""
import json
import os
import re
import time
import unittest

from drivers import DriverTest, run

GOOD = [1, 8, 128, 1024, 1, 12345, 4]
THROUGHPUT = r"Throughput = +(\d+) operations per second, relative time: \d+\.\d{3} s\."


class Larson(DriverTest):
    def assert_usage(self, arguments, words, lines=1, **environment):
        # In checked builds the log's first line comes before main().
        super().assert_usage(arguments, words, lines, HAKMEM_ADAPTIVE_LOG="0")

    def test_wrong_arguments_give_a_usage_line(self):
        usage = (r"^usage: larson_hakmem SLEEP MIN MAX CHUNKS ROUNDS SEED THREADS "
                 r"\[--seed N\] \[--json FILE\] \(")
        for count in range(7):
            self.assert_usage(["larson_hakmem"] + GOOD[:count], usage + f"{count} arguments")
        self.assert_usage(["larson_hakmem"] + GOOD + [1], usage + "8 arguments")
        for place, name in enumerate(["SLEEP", "MIN", "MAX", "CHUNKS", "ROUNDS", "SEED", "THREADS"]):
            for wrong in ["x", "", "-1", "1x", "1.5", " 1", "99999999999999999999"]:
                arguments = GOOD[:place] + [wrong] + GOOD[place + 1:]
                self.assert_usage(["larson_hakmem"] + arguments, usage + f"{name} is '{wrong}'")

    def test_wrong_options_give_a_usage_line(self):
        for arguments, words in (
                (GOOD + ["--seed"], r"\(--seed needs a value\)"),
                (GOOD + ["--seed", "-1"], r"\(--seed is '-1'; it takes a number from 0 to"),
                (["--seed=1x"] + GOOD, r"\(--seed is '1x'; it takes a number from 0 to"),
                (GOOD + ["--json"], r"\(--json needs a value\)"),
                (GOOD + ["--json="], r"\(--json needs a value\)"),
                (GOOD + ["--jsonl", "x"], r"\(unknown option '--jsonl'\)"),
                (GOOD[:6] + ["--", 4], r"\(unknown option '--'\)"),
                (GOOD[:6] + ["--seed", 4], r"\(6 arguments given, 7 needed\)")):
            self.assert_usage(["larson_hakmem"] + arguments, words)

    def test_out_of_range_gives_a_usage_line(self):
        for place in (0, 1, 2, 3, 4, 6):
            arguments = GOOD[:place] + [0] + GOOD[place + 1:]
            self.assert_usage(["larson_hakmem"] + arguments, "it takes a number from 1 to")
        self.assert_usage(["larson_hakmem", 1, 129, 128, 1024, 1, 1, 4], "MIN is larger than MAX")
        self.assert_usage(["larson_hakmem", 1, 8, 128, 1024, 1, 1, 1025], "from 1 to 1024")

    def test_help(self):
        result = run(["larson_hakmem", "--help"])
        self.assert_exit(result, 0)
        for word in ("THREADS", "--seed N", "--json FILE"):
            self.assertIn(word, result.stdout)

    def test_runs_for_its_time_and_prints_the_throughput(self):
        for threads in (1, 4):
            result = run(["larson_hakmem"] + GOOD[:6] + [threads])
            self.assert_exit(result, 0)
            self.assertGreater(int(re.search(THROUGHPUT, result.stdout).group(1)), 1000)
            # One round: thread after thread, so many were made.
            made = re.search(r"operations by (\d+) threads in (\d+\.\d+) s", result.stdout)
            self.assertGreater(int(made.group(1)), 2 * threads)
            self.assertAlmostEqual(float(made.group(2)), 1.0, delta=0.5)

    def test_json_has_the_result_and_what_was_asked_for(self):
        result = run(["larson_hakmem", "--seed", 7] + GOOD[:3] +
                     [f"--json={self.path('larson.json')}"] + GOOD[3:])
        self.assert_exit(result, 0)
        written = self.json("larson.json")
        self.assertEqual(
            [written[key] for key in ("program", "sleep_seconds", "size_min_bytes",
                                      "size_max_bytes", "chunks", "rounds", "seed", "threads")],
            ["larson_hakmem", 1, 8, 128, 1024, 1, 7, 4])
        printed = re.search(r"(\d+) operations by (\d+) threads in (\S+) s", result.stdout)
        self.assertEqual(int(printed.group(1)), written["operations"])
        self.assertEqual(int(printed.group(2)), written["threads_started"])
        self.assertAlmostEqual(float(printed.group(3)), written["elapsed_seconds"], delta=0.001)
        self.assertAlmostEqual(written["operations_per_second"] * written["elapsed_seconds"],
                               written["operations"], delta=100)

    def test_file_that_cannot_be_written_is_one_line_and_leaves_nothing(self):
        folder = self.path("a folder")
        os.mkdir(folder)
        for path in ("/nonexistent/x", folder):
            before = sorted(os.listdir(os.path.dirname(folder)))
            started = time.monotonic()
            result = run(["larson_hakmem"] + GOOD + ["--json", path], HAKMEM_ADAPTIVE_LOG="0")
            self.assert_exit(result, 2)
            self.assertLess(time.monotonic() - started, 1)  # before the run, which takes one
            self.assertRegex(result.stderr, r"\Alarson_hakmem: .* cannot be written: .+\n\Z")
            self.assertEqual(sorted(os.listdir(os.path.dirname(folder))), before)

    def test_log_is_on_by_default_and_obeys_its_variable(self):
        line = re.compile(r"^\[TLS_CACHE\] (Grow|Shrink|Keep) class \d+", re.M)
        on = run(["larson_hakmem"] + GOOD, HAKMEM_ADAPTIVE_LOG=None)
        self.assertIn("[ADAPTIVE] Adaptive sizing initialized (initial_cap=64, min=16, max=2048)",
                      on.stderr)
        self.assertRegex(on.stderr, line)
        off = run(["larson_hakmem"] + GOOD, HAKMEM_ADAPTIVE_LOG="0")
        self.assert_exit(off, 0)
        self.assertEqual(off.stderr, "")

    def test_fixed_sizing_never_changes_a_cache(self):
        fixed = run(["larson_hakmem"] + GOOD, HAKMEM_ADAPTIVE_SIZING="0", HAKMEM_ADAPTIVE_LOG="1")
        self.assert_exit(fixed, 0)
        self.assertNotRegex(fixed.stderr, r"\[TLS_CACHE\] (Grow|Shrink)")


if __name__ == "__main__":
    unittest.main()
