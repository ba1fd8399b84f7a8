# SPDX-License-Identifier: MIT
"""fuzz_hunt without libFuzzer (replay_hunt): its feedback climbs where random schedules fall off,
it finds every planted race, what it finds replays by file and by token, and any bytes are an input."""
import glob
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import unittest

REPLAY, OTHER, MUTANTS = sys.argv[1:4]
BIN = pathlib.Path(REPLAY).parent
CLIMB = 60000  # schedules for eight rungs; about 5,000 is usual


def run(*arguments, hunter=None, scenario=None):
    environment = dict(os.environ)
    for name, value in ("HAKMEM_HUNT", hunter), ("HAKMEM_HUNT_SCENARIO", scenario):
        environment.pop(name, None)
        if value is not None:
            environment[name] = str(value)
    return subprocess.run([str(word) for word in (REPLAY, *arguments)], capture_output=True,
                          text=True, timeout=200, env=environment, check=False)


def token_of(output):
    return re.search(r"^token: (\S+)$", output, re.M).group(1)


class Fuzz(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def usage_error(self, done, says):
        self.assertEqual(done.returncode, 2, done)
        self.assertIn(says, done.stderr)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)

    def test_feedback_climbs_where_random_does_not(self):
        for seed in 1, 2, 3:
            done = run(f"--fuzz={seed}", CLIMB, hunter=OTHER, scenario="ladder")
            self.assertEqual(done.returncode, 1, done)
            self.assertIn("both threads reached the last rung", done.stdout)
        blind = subprocess.run([OTHER, "ladder", "--strategy", "random", "--schedules", str(CLIMB)],
                               capture_output=True, text=True, timeout=100, check=False)
        self.assertEqual(blind.returncode, 0, blind)

    def test_every_planted_race(self):
        mutants = sorted(glob.glob(os.path.join(MUTANTS, "*.mutant")))
        self.assertGreaterEqual(len(mutants), 14)
        for path in mutants:
            hunter = BIN / f"hunt-mutant-{pathlib.Path(path).stem}"
            scenario = re.search(r"^scenario: (.*)$", pathlib.Path(path).read_text(), re.M).group(1)
            done = run("--fuzz=1", 20000, hunter=hunter, scenario=scenario)
            self.assertEqual(done.returncode, 1, (path, done))
            self.assertIn(f"token: h1.{scenario}.", done.stdout)

    def test_what_was_found_replays(self):
        found = run("--fuzz=2", CLIMB, "--write", self.folder, hunter=OTHER, scenario="ladder")
        token = token_of(found.stdout)
        files = list(self.folder.glob("found-*"))
        self.assertEqual(len(files), 1)
        for _ in range(20):
            again = run(files[0], hunter=OTHER, scenario="ladder")
            self.assertEqual((again.returncode, token_of(again.stdout)), (1, token))
        replayed = subprocess.run([OTHER, "--replay", token], capture_output=True, text=True,
                                  timeout=100, check=False)
        self.assertEqual(replayed.returncode, 1, replayed)
        self.assertIn("both threads reached the last rung", replayed.stdout)
        self.assertIn("scenario ladder", run("--list", files[0], hunter=OTHER,
                                             scenario="ladder").stdout)

    def test_same_seed_same_schedules(self):
        outputs = {run("--fuzz=7", 3000).stdout for _ in range(3)}
        self.assertEqual(len(outputs), 1, outputs)

    def test_any_bytes_are_an_input(self):
        bytes_of = random.Random(1)
        for number in range(300):
            size = bytes_of.choice((0, 1, 14, 15, 40, 200, 5000))
            (self.folder / f"{number}").write_bytes(bytes_of.randbytes(size))
        out = self.folder.parent / (self.folder.name + ".json")
        self.addCleanup(lambda: out.unlink(missing_ok=True))
        done = run("--count", "--json", out, self.folder)
        self.assertEqual(done.returncode, 0, done)
        self.assertIn("300 inputs", done.stdout)
        result = json.loads(out.read_text())
        self.assertEqual((result["inputs"], result["found"], result["passed"]), (300, 0, True))
        self.assertEqual(run("--list", self.folder).stdout.count("scenario "), 300)

    def test_errors_are_one_line_and_status_2(self):
        self.usage_error(run(), "name files or folders")
        self.usage_error(run("--fuzz=x", 1), "--fuzz takes a number")
        self.usage_error(run("--fuzz=1", "many"), "the number of schedules takes a number")
        self.usage_error(run("--fuzz=1", 1, 2), "takes the number of schedules and nothing else")
        self.usage_error(run("/no/such/file"), "cannot read /no/such/file")
        self.usage_error(run("--fuzz=1", 1, scenario="no-such"), "no scenario 'no-such'")
        self.usage_error(run("--fuzz=1", 1, hunter="/no/such"), "cannot run the hunter /no/such")
        self.usage_error(run("--fuzz=1", 1, hunter="/bin/true"), "does not start as a hunter")
        self.usage_error(run("--fuzz=1", 5, "--write", "/no/such/dir"), "cannot write")
        self.usage_error(run("--fuzz=1", 1, "--json", "/no/such/dir/x"), "cannot be written")
        self.usage_error(run("--bogus"), "unknown option '--bogus'")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
