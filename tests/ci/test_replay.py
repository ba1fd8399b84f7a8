# SPDX-License-Identifier: MIT
"""ci/replay, on small trees whose programs are scripts: what it makes of each
thing that a program can say, and whole bisects with git."""

import json
import re
import shutil
import subprocess
import unittest

from support import ROOT, Case
from hakci import common, replay_token

# A real token, of the textbook's overshoot: four deviations of threads.
TOKEN = "h1.overshoot.f2aa4bb6.CgfNpsr59pLL7nYEAAIEAwQCBAFGAA"
PROJECT = """cmake_minimum_required(VERSION 3.25)
project(small NONE)
file(GLOB programs ${CMAKE_SOURCE_DIR}/programs/*)
foreach(program IN LISTS programs)
  get_filename_component(name ${program} NAME)
  configure_file(${program} ${CMAKE_BINARY_DIR}/bin/${name} COPYONLY)
  add_custom_target(${name})
endforeach()
"""
# What a hunter of another build says; `replay` and `hunt` say what it finds.
HUNTER = """#!/bin/sh
replay={replay} hunt={hunt}
case $1 in
    --list) echo 'Scenarios:'; echo '  {scenario}  3 threads  a counter passes its bound' ;;
    --replay)
        case $2 in
            *.0000beef.*) ;;
            *) echo 'hakmem-hunt: the token is of build x and this is build 0000beef: replay it' >&2
               exit 2 ;;
        esac
        case $replay in
            fails) echo 'check failed: {says}'; exit 1 ;;
            passes) echo 'overshoot: nothing found in this schedule (9 steps)' ;;
            diverges) echo 'hakmem-hunt: the token does not fit' >&2; exit 2 ;;
        esac ;;
    *)
        echo "hunt $*"
        case $hunt in
            fails) echo 'check failed: {says}'; exit 1 ;;
            crashes) exit 139 ;;
            passes) case "$*" in *exhaustive*) echo 'complete: nothing found with at most' ;; esac ;;
            partly) ;;
        esac ;;
esac
"""


def hunter(replay="passes", hunt="passes", scenario="overshoot", says="now <= 2"):
    return HUNTER.format(replay=replay, hunt=hunt, scenario=scenario, says=says)


class TreeCase(Case):
    def setUp(self):
        super().setUp()
        self.write("CMakeLists.txt", PROJECT)
        presets = [{"name": name, "generator": "Ninja", "binaryDir": f"${{sourceDir}}/build/{name}"}
                   for name in ("hunt", "checked", "tsan", "fuzz")]
        self.write("CMakePresets.json", json.dumps({
            "version": 6, "configurePresets": presets}))
        self.git("init", "-q")

    def git(self, *arguments, check=True):
        done = subprocess.run(
            ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-c",
             "advice.detachedHead=false", *arguments],
            cwd=self.folder, capture_output=True, text=True, check=False)
        if check and done.returncode != 0:
            self.fail(done.stdout + done.stderr)
        return done.stdout + done.stderr

    def replay(self, *arguments):
        return subprocess.run([str(ROOT / "ci/replay"), *arguments], cwd=self.folder, text=True,
                              capture_output=True, timeout=60, check=False)

    def assert_verdict(self, done, status, *words):
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        for word in words:
            self.assertIn(word, done.stdout.strip().split("ci/replay: ")[-1])


class Tokens(TreeCase):
    def outcome(self, status, *words, arguments=(), **said):
        self.program_text("hakmem-hunt", hunter(**said))
        self.assert_verdict(self.replay(TOKEN, *arguments), status, *words)

    def program_text(self, name, text):
        self.write(f"programs/{name}", text, 0o755)

    def test_the_schedule_fails_in_another_build(self):
        self.outcome(1, "REPRODUCED", "the token's schedule fails", replay="fails")

    def test_another_path_proves_nothing_and_is_hunted(self):
        for replay in ("diverges", "passes"):
            with self.subTest(replay):
                self.outcome(1, "REPRODUCED", "a hunt around the token", replay=replay,
                             hunt="fails")
                self.outcome(0, "not reproduced", "every schedule within the bounds",
                             replay=replay, hunt="passes")

    def test_a_search_that_is_cut_short_says_so(self):
        self.outcome(0, "not reproduced", "30 s of schedules and 30 s of schedules", hunt="partly")

    def test_a_scenario_that_is_not_there(self):
        self.outcome(125, "no scenario overshoot", scenario="another")

    def test_a_hunter_that_crashes(self):
        self.outcome(125, "the hunter ended with 139", hunt="crashes")

    def test_another_failure_hides_ours(self):
        self.outcome(125, "another failure", arguments=["--message", "capacity"], replay="fails",
                     hunt="fails")
        self.outcome(1, "REPRODUCED", arguments=["--message", "now <= \\d"], replay="fails")

    def test_what_it_hunts(self):
        self.program_text("hakmem-hunt", hunter())
        text = self.replay(TOKEN, "--seconds", "8").stdout
        # Four deviations of threads: beyond the exhaustive bound, so the portfolio too.
        self.assertIn("hunt overshoot --strategy exhaustive --preemptions 2 --stale 1 --seed "
                      "8565051095245820749 --seconds 4", text)
        self.assertIn("hunt overshoot --seed 1 --seconds 4", text)

    def test_a_tree_that_cannot_be_built(self):
        self.program_text("hakmem-hunt", hunter())
        self.write("CMakeLists.txt", PROJECT + 'message(FATAL_ERROR "the cause")\n')
        done = self.replay(TOKEN)
        self.assert_verdict(done, 125, "cannot be built")
        self.assertIn("the cause", done.stdout)

    def test_a_tree_without_the_hunter(self):
        self.program_text("another", "#!/bin/sh\n")
        self.assert_verdict(self.replay(TOKEN), 125, "cannot be built")

    def test_what_an_older_build_left_is_no_reason(self):
        self.program_text("hakmem-hunt", hunter(replay="fails"))
        poisoned = PROJECT + "if(EXISTS ${CMAKE_BINARY_DIR}/x)\nmessage(FATAL_ERROR x)\nendif()\n"
        self.write("CMakeLists.txt", poisoned)
        self.write("build/replay/hunt/x", "")
        self.assert_verdict(self.replay(TOKEN), 1, "REPRODUCED")


class Others(TreeCase):
    def test_a_stress_command(self):
        runs = self.folder / "runs"
        self.write("programs/hakmem-stress-worker", "#!/bin/sh\n", 0o755)
        script = ("#!/bin/sh\n[ \"$1\" = --list ] && echo '  mixed  every call' && exit 0\n"
                  f"echo \"$*\" >>{runs}\nstatus=0\n"
                  f"[ $(wc -l <{runs}) -ge FAIL_AT ] && echo 'invariant X broken' && status=1\n"
                  "[ \"$2\" = --unknown ] && status=2\nexit $status\n")
        command = "build/tsan/bin/hakmem-stress mixed --threads 2 --seed 9 --seconds 0.1"
        for fail_at, arguments, status, words, count in (
                (3, [command], 1, ["run 3 failed"], 3),
                (99, [command, "--runs", "4"], 0, ["4 runs passed", "52.7 % of runs"], 4),
                (1, [*command.split()], 1, ["run 1 failed"], 1),
                (1, [command, "--message", "Y broken"], 125, ["another failure"], 1),
                (99, ["hakmem-stress none"], 125, ["no scenario none"], 0),
                (99, ["hakmem-stress mixed --unknown"], 125, ["does not take the command"], 1)):
            with self.subTest(arguments):
                runs.write_text("")
                self.write("programs/hakmem-stress", script.replace("FAIL_AT", str(fail_at)), 0o755)
                self.assert_verdict(self.replay(*arguments), status, *words)
                self.assertEqual(runs.read_text().count("\n"), count)
        self.assertTrue((self.folder / "build/replay/tsan/bin/hakmem-stress").exists())
        self.assertTrue((self.folder / "build/replay/checked/bin/hakmem-stress").exists())

    def test_an_input_of_a_fuzzer(self):
        self.write("programs/fuzz_api", "#!/bin/sh\n! grep -q bad \"$2\" || exit 77\n", 0o755)
        bad = self.write("fuzz_api-crash-1", "bad")
        good = self.write("other", "good")
        self.assert_verdict(self.replay(str(bad)), 1, "the input fails")
        self.assert_verdict(self.replay("build/fuzz/bin/fuzz_api", str(bad)), 1)
        self.assert_verdict(self.replay(str(good), "--target", "fuzz_api"), 0, "the input passes")
        self.assert_verdict(self.replay(str(bad), "--target", "fuzz_none"), 125, "cannot be built")

    def test_usage(self):
        self.write("some-file", "")
        for arguments, words in (
                (["nonsense"], ["'nonsense' is not a token"]), ([TOKEN[:-3]], ["damaged"]),
                ([TOKEN[:-1] + "B"], ["damaged"]), ([TOKEN.replace("Cgf", "Cgg")], ["damaged"]),
                (["hakmem-stress --threads 4"], ["names no scenario"]),
                (["some-file"], ["which fuzzer"]), (["fuzz_api", "none"], ["no input"]),
                ([TOKEN, "--runs", "0"], ["--runs"]), ([TOKEN, "--none"], ["--none"]),
                (["a", "b"], ["is no token"]), ([], ["required"])):
            with self.subTest(arguments):
                self.assert_usage_error(self.replay(*arguments), *words)
        self.assertFalse((self.folder / "build").exists())


class Bisect(TreeCase):
    """g0 g1 g2 (cannot be built) g4 (the culprit) b6, and git finds the culprit."""

    def commit(self, subject, program=None, project=PROJECT):
        if program:
            self.write("programs/hakmem-hunt", program, 0o755)
        self.write("CMakeLists.txt", project)
        self.write("subject", subject)
        self.git("add", "-A")
        self.git("commit", "-qm", subject)

    def history(self):
        self.write(".gitignore", "build/\n__pycache__/\n")
        self.commit("g0", hunter(scenario="older"))
        self.commit("g1", hunter())
        self.commit("g2", hunter(replay="diverges"))
        self.commit("unbuildable", project=PROJECT + "message(FATAL_ERROR x)\n")
        self.commit("g4", hunter())
        self.commit("culprit", hunter(replay="diverges", hunt="fails"))
        self.commit("b6", hunter(replay="fails"))

    def bisect(self, *command):
        self.git("bisect", "start", "HEAD", "HEAD~6")
        output = self.git("bisect", "run", *command, check=False)
        return output, self.git("bisect", "log", check=False)

    def test_it_finds_the_culprit(self):
        shutil.copytree(ROOT / "ci", self.folder / "ci",
                        ignore=shutil.ignore_patterns("__pycache__"))
        self.history()
        output, log = self.bisect("ci/replay", TOKEN)
        self.assertRegex(output, r"[0-9a-f]{40} is the first bad commit")
        subject = self.git("log", "-1", "--format=%s", "bisect/bad").strip()
        self.assertEqual(subject, "culprit", output)
        self.assertIn("git bisect skip", log)

    def test_a_copy_bisects_commits_that_have_no_such_command(self):
        self.history()
        output, _ = self.bisect(str(ROOT / "ci/replay"), TOKEN)
        self.assertIn("is the first bad commit", output)
        self.assertEqual(self.git("log", "-1", "--format=%s", "bisect/bad").strip(), "culprit")

    def test_a_mistyped_token_stops_the_bisect_and_blames_nobody(self):
        self.history()
        output, log = self.bisect(str(ROOT / "ci/replay"), TOKEN[:-3])
        self.assertNotIn("first bad commit", output)
        self.assertIn("the bisect stops here", output)
        self.assertEqual(len(re.findall(r"(?m)^git bisect (good|bad)", log)), 0, log)
        self.assertEqual(self.replay("nonsense").returncode, 255)
        self.git("bisect", "reset")
        self.assertEqual(self.replay("nonsense").returncode, 2)


class ReadingTokens(unittest.TestCase):
    def test_a_token(self):
        token = replay_token.parse(TOKEN)
        self.assertEqual((token.scenario, token.build, token.thread_deviations,
                          token.stale_loads), ("overshoot", "f2aa4bb6", 4, 0))
        self.assertEqual(token.for_build("0000beef"), TOKEN.replace("f2aa4bb6", "0000beef"))

    def test_every_damage_is_seen(self):
        for place in range(len(TOKEN.rsplit(".", 1)[0]) + 1, len(TOKEN)):
            other = "A" if TOKEN[place] != "A" else "B"
            with self.assertRaises(common.UsageError):
                replay_token.parse(TOKEN[:place] + other + TOKEN[place + 1:])


if __name__ == "__main__":
    unittest.main()
