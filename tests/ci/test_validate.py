# SPDX-License-Identifier: MIT
"""ci/validate from end to end, with a table of stages made for the test."""

import json
import os
import signal
import subprocess
import time
import unittest

from support import CommandCase

TABLE = '''
from .real_stages import Budget, Stage
STAGES = ({rows})


def of_profile(profile):
    rows = [(stage, getattr(stage, profile)) for stage in STAGES]
    return [(stage, budget) for stage, budget in rows if budget is not None]
'''


class Validate(CommandCase):
    def setUp(self):
        super().setUp()
        library = self.folder / "ci/lib"
        (library / "hakci/stages.py").rename(library / "hakci/real_stages.py")

    def validate(self, *rows, arguments=(), timeout=60):
        table = TABLE.format(rows="".join(row + "," for row in rows))
        (self.folder / "ci/lib/hakci/stages.py").write_text(table)
        done = self.run_ci("validate", "--out", self.folder / "o", *arguments, timeout=timeout)
        path = self.folder / "o/result.json"
        self.result = json.loads(path.read_text()) if path.exists() else None
        return done

    @staticmethod
    def row(name, script, more="", quick="Budget(20)"):
        return f"Stage('{name}', '{name}', ('sh', '-c', {script!r}), quick={quick}, {more})"

    def statuses(self):
        return {stage["name"]: stage["status"] for stage in self.result["stages"]}

    def test_all_pass(self):
        done = self.validate(self.row("a", "true"), self.row("b", "true", "needs=('a',)"),
                             arguments=["--seed", "7"])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("PASS: 2 stages passed, 0 did not", done.stdout)
        self.assertIn("repeat: ci/validate --quick --threads 4 --seed 7", done.stdout)
        self.assertEqual((self.result["verdict"], self.result["seed"]), ("pass", 7))
        for name in ("junit.xml", "summary.md", "report.html"):
            self.assertGreater((self.folder / "o" / name).stat().st_size, 100)

    def test_plain_lines_where_there_is_no_terminal(self):
        done = self.validate(self.row("a", "true"))
        self.assertNotIn("\x1b", done.stderr)
        self.assertNotIn("\r", done.stderr)

    def test_a_failure_and_what_needed_it(self):
        done = self.validate(self.row("a", "echo the cause; exit 1"),
                             self.row("b", "true", "needs=('a',)"), self.row("c", "true"))
        self.assertEqual(done.returncode, 1)
        self.assertEqual(self.statuses(), {"a": "fail", "b": "not_run", "c": "pass"})
        self.assertIn("the cause", done.stderr)
        self.assertIn("FAIL: 1 stage passed, 2 did not", done.stdout)

    def test_a_stage_past_its_limit(self):
        done = self.validate(self.row("a", "sleep 60", quick="Budget(1)"))
        self.assertEqual((done.returncode, self.statuses()), (1, {"a": "timeout"}))

    def test_one_stage_for_each_item(self):
        self.validate(self.row("a.{item}", "test {item} != two",
                               "each=('printf', 'one  first\\ntwo  second\\n')"),
                      self.row("b", "true", "needs=('a.{item}',)"))
        self.assertEqual(self.statuses(), {"a.one": "pass", "a.two": "fail", "b": "not_run"})

    def test_no_items_is_no_success(self):
        self.validate(self.row("a.{item}", "true", "each=('true',)"),
                      self.row("b.{item}", "true", "each=('/none/program', '--list')"),
                      self.row("c.{item}", "true", "each_glob='build/none_*'"))
        self.assertEqual(set(self.statuses().values()), {"not_run"})
        self.assertEqual(self.result["verdict"], "fail")

    def test_what_is_for_another_machine(self):
        done = self.validate(self.row("a", "true"), self.row("b", "false", "machine='pdp11'"))
        self.assertEqual(self.statuses(), {"a": "pass", "b": "absent"})
        self.assertEqual(done.returncode, 0)
        self.assertIn("1 absent", done.stdout)

    def test_nothing_run_is_no_success(self):
        self.assertEqual(self.validate(self.row("b", "true", "machine='pdp11'")).returncode, 1)

    def test_told_to_end(self):
        table = TABLE.format(rows=self.row("a", "true") + "," + self.row("b", "sleep 60") + ",")
        (self.folder / "ci/lib/hakci/stages.py").write_text(table)
        out = self.folder / "o"
        process = subprocess.Popen([self.folder / "ci/validate", "--out", out],
                                   stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                   env={**os.environ, "HAKMEM_SKIP_SETUP": "1"})
        for _ in range(200):
            if (out / "logs/b.log").exists():
                break
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 130)
        self.assertIn("INTERRUPTED: 1 stage passed", output)
        self.assertEqual(json.loads((out / "result.json").read_text())["verdict"], "interrupted")


class Usage(CommandCase):
    def test_arguments(self):
        for arguments, words in (
                (["--none"], ["--none"]), (["--threads", "0"], ["1 to 256"]),
                (["--threads", "four"], ["'four'"]), (["--seed", "-1"], ["--seed"]),
                (["--quick", "--full"], ["not allowed"]), (["--out"], ["--out"]),
                (["extra"], ["extra"])):
            self.assert_usage_error(self.run_ci("validate", *arguments), *words)

    def test_out_folders(self):
        file = self.write("file", "")
        self.assert_usage_error(self.run_ci("validate", "--out", file), "is a file")
        self.write("mine/thesis.txt", "")
        self.assert_usage_error(self.run_ci("validate", "--out", self.folder / "mine"),
                                "other files")
        self.assertEqual([path.name for path in (self.folder / "mine").iterdir()], ["thesis.txt"])

    def test_help(self):
        done = self.run_ci("validate", "--help")
        self.assertEqual(done.returncode, 0)
        for word in ("--quick", "--full", "--threads", "--seed", "--out"):
            self.assertIn(word, done.stdout)


if __name__ == "__main__":
    unittest.main()
