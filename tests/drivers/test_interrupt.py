# SPDX-License-Identifier: MIT
"""SIGINT and SIGTERM: what was counted is printed and written, nothing goes on running."""
import os
import shutil
import signal
import subprocess
import time
import unittest

from drivers import HAS_WORKER, SANITIZER, DriverTest, program, run

STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143}

# Stands for hakmem-stress: the first three end, one of them with a failure; the
# others go on until they are ended, and note that they were.
STUB = """#!/bin/sh
case "$*" in
  *'--seed 1 '*) echo 'hakmem-stress: FAIL' >&2; exit 1 ;;
  *'--seed 2 '*|*'--seed 3 '*) exit 0 ;;
esac
trap 'echo ended >>{log}; exit 143' TERM INT
echo started >>{log}
for i in $(seq 1200); do sleep 0.05; done
"""


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def catches(pid, number):
    caught = next(line for line in read(f"/proc/{pid}/status").splitlines() if "SigCgt" in line)
    return int(caught.split()[1], 16) >> (number - 1) & 1


def programs_below(folder):
    """Processes whose program lies there."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{pid}/exe").startswith(folder + "/"):
                found.append(int(pid))
        except OSError:
            continue
    return found


class Interrupt(DriverTest):
    def start(self, *command):
        process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        return process

    def wait_until(self, condition, what):
        deadline = time.monotonic() + 60
        while not condition():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.02)

    def end(self, process, number):
        """One signal more than is needed: timeout(1) sends two."""
        process.send_signal(number)
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=30)
        self.assertEqual(process.returncode, STATUS[number], stdout + stderr)
        return stdout, stderr

    def stability(self, *more):
        os.makedirs(self.path("bin"), exist_ok=True)
        shutil.copy2(program("hakmem-stability"), self.path("bin/hakmem-stability"))
        with open(self.path("bin/hakmem-stress"), "w", encoding="utf-8") as file:
            file.write(STUB.format(log=self.path("log")))
        os.chmod(self.path("bin/hakmem-stress"), 0o755)
        return self.start(self.path("bin/hakmem-stability"), "--runs", 100, "--jobs", 2, "--seed",
                          1, "--out", self.path("out"), "--json", self.path("result.json"), *more)

    def log(self, word):
        if not os.path.exists(self.path("log")):
            return 0
        return read(self.path("log")).split().count(word)

    def test_stability_says_what_it_counted(self):
        for number in STATUS:
            with self.subTest(number):
                if os.path.exists(self.path("log")):
                    os.unlink(self.path("log"))
                process = self.stability()
                self.wait_until(lambda: self.log("started") == 2, "two runs that do not end")
                stdout, _ = self.end(process, number)
                self.assertIn("interrupted after 3 of 100 runs\n2/3 passed: failure rate < ", stdout)
                self.assertIn("first failure: " + self.path("out/first-failure.txt"), stdout)
                written = self.json("result.json")
                self.assertEqual((written["runs"], written["runs_asked_for"], written["passes"],
                                  written["interrupted"], written["verdict"]),
                                 (3, 100, 2, True, "fail"))
                self.assertEqual(self.log("ended"), 2)

    @unittest.skipUnless(HAS_WORKER, "hakmem is not part of this build")
    def test_stability_leaves_nobody_behind(self):
        """SIGTERM to it alone: its children, their workers and the workers' own."""
        os.mkdir(self.path("bin"))
        for name in "hakmem-stability", "hakmem-stress", "hakmem-stress-worker":
            shutil.copy2(program(name), self.path("bin"))
        folder = os.path.realpath(self.path("bin"))
        process = self.start(f"{folder}/hakmem-stability", "--runs", 100, "--jobs", 2,
                             "--scenarios", "mixed,fork", "--seconds-per-run", 100, "--json",
                             self.path("result.json"), "--out", self.path("out"))
        self.wait_until(lambda: len(programs_below(folder)) >= 5, "two workers")
        self.end(process, signal.SIGTERM)
        self.wait_until(lambda: programs_below(folder) == [], "no process left")
        written = self.json("result.json")
        self.assertEqual((written["runs"], written["interrupted"], written["verdict"],
                          written["failure_rate_bound"]), (0, True, "interrupted", 1.0))

    @unittest.skipUnless(HAS_WORKER, "hakmem is not part of this build")
    def test_stress(self):
        for number in STATUS:
            with self.subTest(number):
                process = self.start(program("hakmem-stress"), "mixed", "--seconds", 100, "--json",
                                     self.path("result.json"))
                self.wait_until(lambda: read(f"/proc/{process.pid}/task/{process.pid}/children"),
                                "a worker")
                stdout, stderr = self.end(process, number)
                self.assertEqual(stdout, "")
                self.assertRegex(stderr, r"\Ahakmem-stress: interrupted mixed .*nothing found so far\n\Z")
                written = self.json("result.json")
                self.assertEqual((written["interrupted"], written["verdict"]), (True, "interrupted"))

    @unittest.skipIf(SANITIZER, "the hunter is not part of this build")
    def test_hunt(self):
        for number in STATUS:
            with self.subTest(number):
                process = self.start(program("hakmem-hunt"), "overshoot-clamped", "--seconds", 100,
                                     "--json", self.path("result.json"))
                self.wait_until(lambda: catches(process.pid, number), "a handler")
                stdout, _ = self.end(process, number)
                self.assertRegex(stdout, r"overshoot-clamped: \d+ schedules")
                self.assertIn("\ninterrupted: nothing found so far\n", stdout)
                written = self.json("result.json")
                self.assertEqual((written["interrupted"], written["complete"], written["found"]),
                                 (True, False, False))

    @unittest.skipIf(SANITIZER, "the hunter is not part of this build")
    def test_a_run_that_ends_by_itself_was_not_interrupted(self):
        self.assert_exit(run(["hakmem-hunt", "overshoot-clamped", "--schedules", 10, "--json",
                              self.path("result.json")]), 0)
        self.assertIs(self.json("result.json")["interrupted"], False)


if __name__ == "__main__":
    unittest.main()
