# SPDX-License-Identifier: MIT
"""Running one stage: its end, its limit, its log, its figures."""

import os
import tempfile
import time
import unittest

from support import Case
from hakci import figures, runner
from hakci.stages import Budget, Stage


class RunCommand(Case):
    def run_command(self, script, limit_s=20, expect=0):
        self.log = self.folder / "a.log"
        return runner.run_command(["sh", "-c", script], self.log, limit_s, expect)

    def test_success(self):
        self.assertEqual(self.run_command("echo out; echo err >&2"), ("pass", 0, ""))
        self.assertEqual(self.log.read_text(), "$ sh -c echo out; echo err >&2\nout\nerr\n")

    def test_failure(self):
        self.assertEqual(self.run_command("exit 3"), ("fail", 3, "exit status 3"))

    def test_an_expected_status_is_needed(self):
        self.assertEqual(self.run_command("exit 1", expect=1), ("pass", 1, ""))
        self.assertEqual(self.run_command("exit 0", expect=1)[0], "fail")
        self.assertEqual(self.run_command("exit 2", expect=1), ("fail", 2, "exit status 2, not 1"))

    def test_a_signal(self):
        self.assertEqual(self.run_command("kill -ABRT $$"), ("fail", -6, "killed by SIGABRT"))

    def test_no_such_program(self):
        status, _, reason = runner.run_command(["/none/x"], self.folder / "a.log", 5)
        self.assertEqual((status, reason), ("fail", "cannot run /none/x: No such file or directory"))

    def test_the_limit_ends_all_that_was_started(self):
        start = time.monotonic()
        status, _, reason = self.run_command(
            f"sleep 60 & echo $! >{self.folder}/pid; trap '' TERM; wait; sleep 60", limit_s=1)
        self.assertEqual((status, reason), ("timeout", "still running after 1 s, its limit"))
        self.assertLess(time.monotonic() - start, 20)
        pid = int((self.folder / "pid").read_text())
        for _ in range(50):
            if not os.path.exists(f"/proc/{pid}") or "Z" in open(f"/proc/{pid}/stat").read():
                return
            time.sleep(0.1)
        self.fail(f"process {pid} outlived its stage")


class RunStage(Case):
    def run_stage(self, script, **options):
        stage = Stage("stress.{item}", "Stress: {item}", ("sh", "-c", script), **options)
        return runner.run_stage(stage, "mixed", Budget(20, 7), {"seed": 9, "out": self.folder},
                                self.folder)

    def test_placeholders(self):
        entry = self.run_stage("test {item}-{work}-{seed} = mixed-7-9")
        self.assertEqual((entry["status"], entry["name"], entry["group"], entry["tail"]),
                         ("pass", "stress.mixed", "stress", ""))

    def test_the_tail_of_a_failure(self):
        entry = self.run_stage("seq 100; exit 1")
        self.assertEqual(entry["tail"].split("\n")[-1], "100")
        self.assertEqual(len(entry["tail"].split("\n")), 30)

    def test_success_without_what_it_must_say_is_a_failure(self):
        entry = self.run_stage("echo PASS", says=r"(?m)^PASS$")
        self.assertEqual(entry["status"], "pass")
        entry = self.run_stage("echo it did not PASS", says=r"(?m)^PASS$")
        self.assertEqual(entry["status"], "fail")
        self.assertIn("nothing that matches", entry["reason"])

    def test_success_without_the_json_it_promised_is_a_failure(self):
        stage = Stage("a", "A", ("true", "--json", "{out}/a.json"), figures="json")
        entry = runner.run_stage(stage, "", Budget(20), {"out": self.folder}, self.folder)
        self.assertEqual((entry["status"], entry["reason"]), ("fail", "it did not write a.json"))


class Figures(unittest.TestCase):
    def test_ctest(self):
        text = "100% tests passed, 0 tests failed out of 12\n"
        self.assertEqual(figures.read_ctest(text, []), ({"tests": 12, "failed": 0}, ""))
        self.assertIn("no test", figures.read_ctest(text.replace("12", "0"), [])[1])
        self.assertIn("no summary", figures.read_ctest("No tests were found!!!", [])[1])

    @staticmethod
    def seven_failed():
        with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
            cases = "".join(
                f'<testcase name="t{n}"><failure/><system-out>{"x&#10;" * 40}end{n}</system-out>'
                "</testcase>" for n in range(7))
            file.write(f'<testsuite><testcase name="good"/>{cases}</testsuite>')
            file.flush()
            return figures.failed_tests(["ctest", "--junit", file.name])

    def test_failed_tests_with_the_end_of_their_output(self):
        text = self.seven_failed()
        self.assertIn("7 of 8 tests failed", text)
        self.assertIn("--- t4\nx\n", text)
        self.assertIn("end4", text)

    def test_a_failed_test_names_what_was_found_above_its_end(self):
        with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
            file.write('<testsuite><testcase name="a"><failure/><system-out>hakmem: invariant '
                       f'TC_COUNT broken (tcache)&#10;{"x&#10;" * 40}</system-out></testcase>'
                       '</testsuite>')
            file.flush()
            text = figures.failed_tests(["ctest", "--junit", file.name])
        self.assertIn("--- a: hakmem: invariant TC_COUNT broken (tcache)\nx\n", text)

    def test_failed_tests_that_are_too_many(self):
        text = self.seven_failed()
        self.assertTrue(text.endswith("--- and t5, t6"), text)
        self.assertEqual(figures.failed_tests(["ctest", "--junit", "/none"]), "")

    def test_libfuzzer(self):
        text = ("#2 INITED cov: 5 ft: 6 corp: 1/1b\n#100 DONE cov: 31 ft: 60 corp: 9/2b\n"
                "stat::number_of_executed_units: 100\nstat::average_exec_per_sec:     50\n")
        found, complaint = figures.read_libfuzzer(text, [])
        self.assertEqual((found["executions"], found["edges_covered"], complaint), (100, 31, ""))
        self.assertIn("no input", figures.read_libfuzzer("DONE", [])[1])

    def test_json_values(self):
        self.assertEqual(figures.flatten({"a": 1, "b": {"c": 2.5, "d": {}}, "e": [1], "f": True,
                                          "g": "text", "h": None}),
                         {"a": 1, "b.c": 2.5, "g": "text"})


if __name__ == "__main__":
    unittest.main()
