# SPDX-License-Identifier: MIT
"""models/run on small models of its own: it passes only when SPIN proves the protocol and refutes
every bug, and it says what is missing or wrong in one line."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

RUN = sys.argv[1]
ROOT = pathlib.Path(__file__).resolve().parents[2]

# Two threads raise a counter; the bug is to do it in two steps.
MODEL = """/* SPDX-License-Identifier: MIT */
/*
 * Two threads raise a counter.
 * {bugs}
 */
#ifndef MUTANT
#define MUTANT 0
#endif
byte count, finished;
active [2] proctype raise() {{
    byte seen;
    if
    :: {torn} -> seen = count; count = seen + 1
    :: else -> count++
    fi;
    finished++
}}
active proctype last() {{
    finished == 2;
    assert(count == {wanted})
}}
"""


class ModelsRun(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name) / "models"
        self.folder.mkdir()
        shutil.copy(RUN, self.folder / "run")
        (self.folder.parent / "ci").symlink_to(ROOT / "ci")

    def run_it(self, *arguments, path=None):
        environment = dict(os.environ, **({"PATH": path} if path is not None else {}))
        return subprocess.run([sys.executable, self.folder / "run", *arguments], text=True,
                              capture_output=True, timeout=100, env=environment, check=False)

    def model(self, name="counter", bugs="MUTANT 1: it is raised in two steps.",
              torn="MUTANT == 1", wanted=2):
        text = MODEL.format(bugs=bugs, torn=torn, wanted=wanted)
        (self.folder / f"{name}.pml").write_text(text)

    def usage_error(self, done, says):
        self.assertEqual(done.returncode, 2, done)
        self.assertIn(says, done.stderr)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)

    def test_proven_and_refuted_passes(self):
        self.model()
        done = self.run_it("--json", str(self.folder / "out.json"))
        self.assertEqual(done.returncode, 0, done)
        self.assertIn("ok   counter: the protocol: proven", done.stdout)
        self.assertIn("ok   counter: mutant 1 (it is raised in two steps): refuted", done.stdout)
        result = json.loads((self.folder / "out.json").read_text())
        self.assertEqual((result["proven"], result["refuted"], result["passed"]), (1, 1, True))
        self.assertGreater(result["states"], 5)

    def test_a_bug_that_spin_does_not_refute_fails(self):
        self.model(bugs="MUTANT 1: it is raised in two steps. MUTANT 2: one that nothing uses.")
        done = self.run_it("--json", str(self.folder / "out.json"))
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("FAIL counter: mutant 2 (one that nothing uses): proven", done.stdout)
        self.assertFalse(json.loads((self.folder / "out.json").read_text())["passed"])

    def test_a_protocol_that_spin_refutes_fails(self):
        for change in ({"torn": "true"}, {"wanted": 3}):
            self.model(**change)
            done = self.run_it()
            self.assertEqual(done.returncode, 1, done)
            self.assertIn("FAIL counter: the protocol: refuted", done.stdout)
            self.assertIn("assertion violated", done.stdout)

    def test_a_deadlock_is_refuted(self):
        self.model(torn="MUTANT == 1 -> false")
        done = self.run_it()
        self.assertEqual(done.returncode, 0, done)
        self.assertIn("refuted", done.stdout)
        self.assertIn("invalid end state", done.stdout)

    def test_a_search_that_was_cut_short_proves_nothing(self):
        text = (self.folder / "run").read_text()
        (self.folder / "run").write_text(text.replace("DEPTH_MAX = 100_000", "DEPTH_MAX = 4"))
        self.model()
        done = self.run_it()
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("FAIL counter: the protocol: incomplete", done.stdout)

    def test_one_of_several_models(self):
        self.model()
        self.model("broken", torn="true")
        self.assertEqual(self.run_it("counter").returncode, 0)
        self.assertEqual(self.run_it("broken").returncode, 1)
        self.assertEqual(self.run_it().returncode, 1)

    def test_errors_are_one_line_and_status_2(self):
        self.usage_error(self.run_it(), "there is no model in")
        self.model()
        self.usage_error(self.run_it("no-such"), "no model 'no-such'; there are counter")
        self.usage_error(self.run_it(path="/nonexistent"), "are missing; run ci/setup --for test")
        self.usage_error(self.run_it("--bogus"), "models/run: unrecognized arguments: --bogus")
        self.usage_error(self.run_it("--seconds", "x"), "'x' is not a whole number")
        unwritable = self.run_it("--json", "/no/such/dir/x")
        self.usage_error(unwritable, "/no/such/dir/x: there is no folder /no/such/dir")
        self.assertEqual(unwritable.stdout, "")  # nothing was checked for nothing
        self.model(bugs="No bug here.")
        self.usage_error(self.run_it(), "names no MUTANT in its head")
        self.model(torn="is this Promela?")
        self.usage_error(self.run_it(), "spin cannot read it")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
