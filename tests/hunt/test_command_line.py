# SPDX-License-Identifier: MIT
"""hakmem-hunt as a person or a script uses it: exit statuses, one-line errors, tokens, files."""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

HUNT, OTHER, COMPILER, INCLUDE = sys.argv[1:5]


def run(*arguments, program=HUNT):
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60)


def token_of(output):
    return re.search(r"^token: (\S+)$", output, re.M).group(1)


class CommandLine(unittest.TestCase):
    def usage_error(self, *arguments, says):
        done = run(*arguments)
        self.assertEqual(done.returncode, 2, done)
        self.assertIn(says, done.stderr)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        self.assertEqual(done.stdout, "")

    def test_errors_are_one_line_and_status_2(self):
        self.usage_error("no-such", says="no scenario 'no-such'")
        self.usage_error(says="give one of SCENARIO")
        self.usage_error("overshoot", "lost-wakeup", says="one scenario at a time")
        self.usage_error("overshoot", "--seed", "x", says="--seed takes")
        self.usage_error("overshoot", "--seconds", "0", says="--seconds takes")
        self.usage_error("overshoot", "--preemptions", "999", says="--preemptions takes")
        self.usage_error("overshoot", "--strategy", "luck", says="no strategy 'luck'")
        self.usage_error("overshoot", "--executor", "gpu", says="no such executor")
        self.usage_error("--serve", "x", says="--serve takes two open file descriptors")
        self.usage_error("overshoot", "--bogus", says="unknown option '--bogus'")
        self.usage_error("overshoot", "--json", "/no/such/dir/x", says="--json '/no/such/dir/x' cannot be")
        self.usage_error("overshoot", "--emit-test", "/no/such/dir/x.c", says="--emit-test '/no/such/dir/x.c'")

    def test_what_is_wrong_is_wrong_beside_list(self):
        self.usage_error("--list", "--strategy", "luck", says="no strategy 'luck'")
        self.usage_error("--list", "--schedules", "0", says="--schedules takes a whole number from 1")
        self.usage_error("--list", "--executor", "gpu", says="no such executor")

    def test_bad_tokens(self):
        token = token_of(run("overshoot").stdout)
        head, choices = token.rsplit(".", 1)
        flipped = choices[:-3] + ("A" if choices[-3] != "A" else "B") + choices[-2:]
        self.usage_error("--replay", "nonsense", says="is not a token")
        self.usage_error("--replay", "", says="is not a token")
        self.usage_error("--replay", token + ".x", says="is not a token")
        self.usage_error("--replay", "h1.no-such.00000000.AAAA", says="scenario 'no-such' is not in this program")
        self.usage_error("--replay", head + "." + choices[:-2], says="damaged")
        self.usage_error("--replay", head + "." + flipped, says="damaged")
        self.usage_error("--replay", head + ".", says="damaged")
        self.usage_error("--replay", head + ".@@@@", says="damaged")

    def test_token_of_another_build(self):
        token = token_of(run("overshoot", program=OTHER).stdout)
        self.usage_error("--replay", token, says="the token is of build")

    def test_found_is_status_1_and_replays_alike_20_times(self):
        for executor in "auto", "baton":
            found = run("lock-order", "--minimise", "--executor", executor)
            self.assertEqual(found.returncode, 1, found)
            token = token_of(found.stdout)
            self.assertRegex(token, r"^[A-Za-z0-9._-]+$")
            replays = {run("--replay", token).stdout for _ in range(20)}
            self.assertEqual(len(replays), 1)
            self.assertEqual(run("--replay", token).returncode, 1)
            self.assertIn("held by T", replays.pop())

    def test_table_marks_the_step_and_names_lines(self):
        out = run("treiber-aba", "--minimise", "--no-stale-loads").stdout
        self.assertRegex(out, r"(?m)^> +\d+ \|.*treiber_aba\.c:\d+  <-- breaks here$")
        self.assertRegex(out, r"(?m)^ step \| T1 +\| T2 +\| source$")
        self.assertIn("2 context switches (1 of them preemptions)", out)

    def test_every_table_marks_one_step(self):
        planted = re.findall(r"^  ([\w-]+) .*\[planted bug\]$", run("--list").stdout, re.M)
        self.assertGreaterEqual(len(planted), 8)
        for name in planted:
            out = run(name, "--minimise").stdout
            rows = re.findall(r"^([ >]) +\d+ \|.*?(  <-- breaks here)?$", out, re.M)
            marked = [row for row in rows if row != (" ", "")]
            self.assertEqual(marked, [(">", "  <-- breaks here")], out)
            self.assertIn("No schedule with as few stale loads and fewer context switches", out)

    def test_nothing_found_is_status_0(self):
        done = run("overshoot-clamped", "--strategy", "exhaustive")
        self.assertEqual(done.returncode, 0, done)
        self.assertIn("complete: nothing found with at most 2 preemptions", done.stdout)

    def test_same_seed_same_token(self):
        tokens = {token_of(run("treiber-aba", "--seed", "7").stdout) for _ in range(3)}
        self.assertEqual(len(tokens), 1)

    def test_list_and_help(self):
        self.assertIn("treiber-aba", run("--list").stdout)
        self.assertIn("surw", run("--list").stdout)
        self.assertEqual(run("--help").returncode, 0)

    def test_json(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "out.json")
            self.assertEqual(run("overshoot", "--minimise", "--json", path).returncode, 1)
            with open(path) as file:
                result = json.load(file)
            self.assertTrue(result["found"] and result["fewest_switches_proven"])
            self.assertEqual(result["finding"]["context_switches"], 2)
            self.assertEqual(run("--replay", result["token"]).returncode, 1)
            self.assertEqual(os.listdir(folder), ["out.json"])

    def test_emitted_test_compiles(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "test_overshoot.c")
            self.assertEqual(run("overshoot", "--minimise", "--emit-test", path).returncode, 1)
            done = subprocess.run([COMPILER, "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-I", INCLUDE, path],
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(os.listdir(folder), ["test_overshoot.c"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
