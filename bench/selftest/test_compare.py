# SPDX-License-Identifier: MIT
"""ci/bench itself, end to end, on allocators that are good, bad and broken."""

import json
import os
import shutil
import subprocess
import unittest

from report.allocators import resolve
from report.measure import Failure
from report.program import Launch, run_once
from selftest.common import BIN, LAUNCHER, OVERLAPPING, ROOT, WASTEFUL, BenchTest


class Compare(BenchTest):
    def compare(self, *arguments):
        done = self.ci_bench("--out", self.folder, "--rounds", 3, "--seconds", "0.02",
                             "--no-programs", *arguments)
        return done, json.loads((self.folder / "report.json").read_text())

    def test_a_worse_allocator_looks_worse(self):
        done, report = self.compare("--workloads", "batch-fixed", "--threads", "1", "--subject",
                                    "wasteful", "--allocators", f"glibc,wasteful={WASTEFUL}")
        self.assertEqual(done.returncode, 0, done.stderr)
        cell = report["rows"]["batch-fixed/1"]["wasteful"]
        for metric in ("time", "peak_rss", "minor_faults"):
            self.assertGreater(cell[metric]["ratio"]["low"], 1.1, metric)
        self.assertEqual(report["rows"]["batch-fixed/1"]["glibc"]["time"]["ratio"]["median"], 1)
        self.assertIn("batch-fixed/1", done.stdout)
        self.assertTrue((self.folder / "report.html").read_text().endswith("</html>\n"))

    def test_a_broken_allocator_is_shown_and_the_rest_goes_on(self):
        done, report = self.compare("--workloads", "batch-fixed,pairs-1", "--threads", "1",
                                    "--allocators", f"glibc,broken={OVERLAPPING}")
        self.assertEqual(done.returncode, 1)
        self.assertIn("was overwritten", report["rows"]["batch-fixed/1"]["broken"]["failure"])
        self.assertRegex(done.stdout, r"FAILED batch-fixed/1 on broken: round 1: exit status 1")
        self.assertEqual(report["rows"]["pairs-1/1"]["glibc"]["time"]["value"]["count"], 3)

    def test_the_report_is_there_when_nobody_reads_what_is_printed(self):
        reader, writer = os.pipe()
        os.close(reader)
        try:
            done = subprocess.run(
                [ROOT / "ci/bench", "--bench-dir", BIN, "--out", self.folder, "--allocators",
                 "glibc", "--workloads", "pairs-1", "--threads", "1", "--rounds", "1", "--seconds",
                 "0.01"], stdout=writer, stderr=subprocess.PIPE, text=True, timeout=100,
                env={**os.environ, "HAKMEM_SKIP_SETUP": "1"})
        finally:
            os.close(writer)
        self.assertEqual(done.returncode, 141, done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        self.assertIn("pairs-1/1", (self.folder / "report.txt").read_text())

    def test_a_library_that_defines_no_malloc_is_no_result(self):
        library = "/usr/lib/x86_64-linux-gnu/libjansson.so.4"
        done, report = self.compare("--workloads", "pairs-1", "--threads", "1",
                                    "--allocators", f"glibc,none={library}")
        self.assertEqual(done.returncode, 1)
        self.assertIn("malloc came from", report["rows"]["pairs-1/1"]["none"]["failure"])

    def test_what_is_linked_in_is_measured_and_no_peer(self):
        done, report = self.compare("--workloads", "random-mixed", "--threads", "1",
                                    "--allocators", "glibc,hakmem,hakmem-static,hakmem-inline")
        self.assertEqual(done.returncode, 0, done.stderr)
        for name in ("hakmem-static", "hakmem-inline"):
            run = report["runs"]["random-mixed/1"][name]["0"]
            self.assertTrue(run["malloc_library"].endswith(name.replace("-", "-bench-")))
        self.assertIsNone(report["against_best"]["random-mixed/1"])

    def test_sizings_of_the_caches_are_measured_with_what_they_take(self):
        done, report = self.compare("--workloads", "batch-fixed", "--threads", "1",
                                    "--allocators", "glibc,hakmem-fixed-64,hakmem-fixed-2048")
        self.assertEqual(done.returncode, 0, done.stderr)
        cells = report["rows"]["batch-fixed/1"]
        self.assertNotIn("tls_caches", cells["glibc"])
        caches = [cells[f"hakmem-fixed-{slots}"]["tls_caches"]["value"]["median"]
                  for slots in (64, 2048)]
        self.assertGreater(caches[1], 8 * caches[0])
        self.assertRegex(done.stdout, r"TLS caches of all threads")
        self.assertIsNone(report["against_best"].get("batch-fixed/1"))

    def test_what_is_linked_in_cannot_run_other_programs(self):
        done = self.ci_bench("--out", self.folder, "--allocators", "glibc,hakmem-static",
                             "--programs")
        self.assertEqual(done.returncode, 2)
        self.assertIn("add --no-programs", done.stderr)


class RealPrograms(BenchTest):
    def launch(self, spec, *command):
        return run_once(Launch(LAUNCHER, resolve(spec), self.folder), list(command), 60)

    def test_peak_is_the_programs_own(self):
        # This interpreter is far larger than `true`: its size must not show.
        outcome = self.launch("glibc", "true")
        self.assertLess(outcome["peak_rss_bytes"], 8 << 20)
        self.assertGreater(outcome["minor_faults"], 0)

    def test_children_count(self):
        program = "x = 'a' * (64 << 20)"
        outcome = self.launch("glibc", "sh", "-c", f'/usr/bin/env python3 -c "{program}"; true')
        self.assertGreater(outcome["peak_rss_bytes"], 64 << 20)

    def test_a_crash_a_failure_and_a_missing_program_are_failures(self):
        self.assertEqual(self.launch("glibc", "sh", "-c", "kill -SEGV $$").reason,
                         "killed by SIGSEGV")
        self.assertIn("exit status", self.launch("glibc", "false").reason)
        self.assertIn("/nonexistent cannot be run", self.launch("glibc", "/nonexistent").reason)

    def test_a_library_that_does_not_load_is_a_failure(self):
        library = self.folder / "broken.so"
        library.write_text("not a library")
        outcome = self.launch(f"broken={library}", "true")
        self.assertIsInstance(outcome, Failure)


class Paths(BenchTest):
    """What the loader's list of libraries can and cannot name."""

    def setUp(self):
        super().setUp()
        self.library = self.folder / "a blank" / "libx.so"
        self.library.parent.mkdir()
        shutil.copy(WASTEFUL, self.library)

    def compare(self, library):
        return self.ci_bench("--out", self.folder / "o", "--allocators", f"glibc,x={library}",
                             "--workloads", "pairs-1", "--threads", "1", "--rounds", "1",
                             "--seconds", "0.01")

    def test_a_path_with_a_blank_is_refused_before_anything_is_measured(self):
        done = self.compare(self.library)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("at a blank or a colon; give one without, as through a symbolic", done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1)
        self.assertFalse((self.folder / "o").exists())

    def test_a_link_to_it_will_do(self):
        link = self.folder / "link.so"
        link.symlink_to(self.library)
        done = self.compare(link)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Usage(BenchTest):
    def test_a_strangers_folder_is_left_alone(self):
        report = self.folder / "report.txt"
        report.write_text("mine")
        done = self.ci_bench("--allocators", "glibc", "--out", self.folder)
        self.assertEqual(done.returncode, 2)
        self.assertIn("has other files in it", done.stderr)
        self.assertEqual([path.name for path in self.folder.iterdir()], ["report.txt"])
        self.assertEqual(report.read_text(), "mine")

    def test_errors_are_one_line_and_status_2(self):
        for arguments, message in (
                (("--allocators", "nope"), "no allocator 'nope'"),
                (("--allocators", "x=/nonexistent.so"), "no file /nonexistent.so"),
                (("--allocators", "glibc,glibc"), "named twice"),
                (("--allocators", "mimalloc", "--no-programs"), "isn't among the allocators"),
                (("--allocators", "glibc", "--workloads", "nope"), "no workload 'nope'"),
                (("--threads", "0"), "thread counts are from 1 to 64"),
                (("--rounds", "x"), "not a whole number"),
                (("--record",), "--record goes with --gate"),
                (("--ceilings", "/nonexistent"), "--ceilings goes with --gate"),
                (("--gate", "--record", "--ceilings", "/nonexistent/x"), "--ceilings /nonexistent/x"),
                (("--subject", "nope"), "the subject nope isn't among the allocators"),
                (("--instructions", "--subject", "hakmem"), "leave out --subject"),
                (("--allocators", "glibc", "--out", "/proc/x"), "--out /proc/x: No such file"),
                (("--instructions", "--allocators", "glibc", "--out", "/proc/x"), "--out /proc/x"),
                (("--json", "/nonexistent/x"), "there is no folder /nonexistent"),
                (("--gate", "--json", "/nonexistent/x"), "there is no folder /nonexistent"),
                (("--allocators", f"glibc,x={__file__}"), "cannot be preloaded: "),
                (("--gate", "--subject", "glibc", "--ceilings", "/nonexistent"),
                 "no /nonexistent; record"),
                (("--unknown",), "unrecognized arguments")):
            with self.subTest(arguments):
                done = self.ci_bench(*arguments)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(message, done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1)


if __name__ == "__main__":
    unittest.main()
