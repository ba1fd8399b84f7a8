# SPDX-License-Identifier: MIT
"""Every workload runs, reports sensibly, and notices a broken allocator."""

import unittest

from report.rows import list_workloads
from selftest.common import BENCH, OVERLAPPING, BenchTest

TINY = ("--seconds", "0.001")


class Smoke(BenchTest):
    def check(self, result, name, threads):
        self.assertEqual((result["workload"], result["threads"]), (name, threads))
        self.assertGreater(result["operations"], 0)
        self.assertGreater(result["seconds"], 0)
        self.assertAlmostEqual(result["operations_per_second"],
                               result["operations"] / result["seconds"],
                               delta=1e-6 * result["operations_per_second"])
        self.assertGreater(result["minor_faults"], 0)
        self.assertGreater(result["start_rss_bytes"], 0)
        self.assertGreaterEqual(result["peak_rss_bytes"], result["end_rss_bytes"])
        self.assertIn("libc", result["malloc_library"])

    def test_every_workload_at_every_thread_count(self):
        workloads = list_workloads(BENCH)
        self.assertGreater(len(workloads), 20)
        for workload in workloads:
            for threads in (1, 2, 4):
                if workload.takes(threads):
                    with self.subTest(workload.name, threads=threads):
                        result = self.bench(workload.name, "--threads", threads, *TINY)
                        self.check(result, workload.name, threads)
                        if workload.kind == "memory":
                            self.assertGreater(result["full_rss_bytes"], 0)

    def test_return_rows_measure_what_they_say(self):
        everything = self.bench("return-all", "--threads", 2, *TINY)
        self.assertEqual(everything["kept_bytes"], 0)
        self.assertGreater(everything["live_bytes"], 240 << 20)
        self.assertGreater(everything["full_rss_bytes"], everything["live_bytes"])
        most = self.bench("return-most", "--threads", 2, *TINY)
        self.assertAlmostEqual(most["kept_bytes"] / most["live_bytes"], 0.1, delta=0.01)


class Budget(BenchTest):
    def test_operations_are_exact(self):
        for name, threads in (("pairs-1", 1), ("pairs-64", 4), ("random-mixed", 4),
                              ("larson-starts", 2), ("producer-consumer", 4),
                              ("many-to-many", 2), ("server", 2), ("thread-start", 4)):
            with self.subTest(name):
                result = self.bench(name, "--threads", threads, "--operations", 5003)
                self.assertEqual(result["operations"], 5003)

    def test_a_seed_repeats_and_another_differs(self):
        # One thread, so faults and RSS follow from the sizes drawn alone.
        def faults(seed):
            return self.bench("batch-varied", "--operations", 4096, "--seed", seed)["minor_faults"]
        self.assertAlmostEqual(faults(5), faults(5), delta=8)
        self.assertGreater(len({faults(seed) // 4 for seed in range(6)}), 1)

    def test_seconds_bound_the_run(self):
        result = self.bench("pairs-1", "--seconds", "0.2")
        self.assertGreaterEqual(result["seconds"], 0.2)
        self.assertLess(result["seconds"], 5)


class BrokenAllocator(BenchTest):
    def run_broken(self, how):
        return self.run_program(BENCH, "batch-fixed", "--operations", "100000",
                                LD_PRELOAD=OVERLAPPING, HAK_BENCH_BREAK=how)

    def test_a_block_handed_out_twice(self):
        done = self.run_broken("overlap")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"^hakmem-bench: block 0x\w+ of 64 bytes was overwritten")

    def test_null(self):
        done = self.run_broken("null")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, "hakmem-bench: malloc(64) returned NULL\n")


class Usage(BenchTest):
    def test_errors_are_one_line_and_status_2(self):
        for arguments, message in (
                (("nope",), "no workload 'nope'"),
                ((), "name a workload"),
                (("pairs-1", "--threads", "0"), "--threads takes a number from 1 to 64"),
                (("pairs-1", "--threads", "4x"), "--threads takes a number"),
                (("pairs-1", "--seconds", "-1"), "--seconds takes a time"),
                (("pairs-1", "--operations", "0"), "--operations takes a number"),
                (("pairs-1", "--seconds", "1", "--operations", "1"), "exclude each other"),
                (("producer-consumer", "--threads", "3"), "a multiple of 2"),
                (("pairs-1", "pairs-64"), "one workload at a time")):
            with self.subTest(arguments):
                done = self.run_program(BENCH, *arguments)
                self.assertEqual(done.returncode, 2)
                self.assertIn(message, done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1)

    def test_a_report_that_cannot_be_written(self):
        done = self.run_program(BENCH, "idle", "--seconds", "1000", "--json", "/nonexistent/x.json")
        self.assertEqual(done.returncode, 2)
        self.assertIn("'/nonexistent/x.json' cannot be written", done.stderr)


if __name__ == "__main__":
    unittest.main()
