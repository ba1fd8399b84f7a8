# SPDX-License-Identifier: MIT
"""ci/gate from end to end, with a table of stages made for the test: each kind
of failure makes it fail, and stands in each file that it writes."""

import copy
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import unittest
import xml.etree.ElementTree as xml

from sarif_rules import problems
from support import ROOT, CommandCase
from hakci import bugbank_detect, sarif, stages

TABLE = '''
from .real_stages import Budget, Stage, budget_of
STAGES = ({rows})


def of_profile(profile):
    rows = [(stage, budget_of(stage, profile)) for stage in STAGES]
    return [(stage, budget) for stage, budget in rows if budget is not None]
'''
PANIC = '''hakmem: invariant TC_REFILL_CLAMP broken (tcache)
  equation: count + refill <= capacity
  meaning: No refill past capacity: what is asked of the slab is clamped to the free slots.
  check: count + refill <= class->sizing.capacity at src/tcache/tcache.c:99
  value: count = 0 (0x0)
  value: refill = 1000 (0x3e8)
  thread 7, operation malloc(size 64)
  backtrace (addr2line -e FILE OFFSET names the lines):
    #0  ./program+0xc4ce
hakmem-stress: FAIL mixed threads=4 seed=9: killed by signal 6 (Aborted)
repeat with: bin/hakmem-stress mixed --threads 4 --seed 9 --seconds 1
'''
HUNTED = '''check failed: now <= 2: count 3, capacity 2 (overshoot.c:27)
 step | T1                     | T2                     | source
token: h1.overshoot.db59a67a.CgPNpsr59pLL7nYBBAIhLg
replay: hakmem-hunt --replay h1.overshoot.db59a67a.CgPNpsr59pLL7nYBBAIhLg
'''


class GateCase(CommandCase):
    def setUp(self):
        super().setUp()
        library = self.folder / "ci/lib"
        (library / "hakci/stages.py").rename(library / "hakci/real_stages.py")
        for name in ("src/base/invariants.def", "src/tcache/tcache.c", "src/check/guard.c",
                     "stress/hunt/textbook/overshoot.c"):
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.folder / name)

    @staticmethod
    def row(name, script, more="", budget="pull_request=Budget(20)"):
        return f"Stage('{name}', '{name}', ('sh', '-c', {script!r}), {budget}, {more})"

    def write_table(self, rows):
        table = TABLE.format(rows="".join(row + "," for row in rows))
        (self.folder / "ci/lib/hakci/stages.py").write_text(table)

    def gate(self, *rows, arguments=()):
        self.write_table(rows)
        done = self.run_ci("gate", "--out", self.folder / "o", *arguments)
        if (self.folder / "o/result.json").exists():
            self.result = json.loads((self.folder / "o/result.json").read_text())
            self.sarif = json.loads((self.folder / "o/result.sarif").read_text())
            self.junit = xml.parse(self.folder / "o/junit.xml").getroot()
            self.assertEqual(problems(self.sarif), [])
        return done

    def found(self):
        return self.sarif["runs"][0]["results"]

    def log_of(self, text):
        path = self.write("said.txt", text)
        return f"cat {path}; exit 1"


class Verdicts(GateCase):
    def test_all_pass(self):
        done = self.gate(self.row("a", "true"), arguments=["--seed", "7"])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("repeat: ci/gate --profile pull-request --threads 4 --seed 7", done.stdout)
        self.assertEqual(self.found(), [])
        self.assertEqual(self.junit.get("name"), "ci/gate")
        self.assertTrue((self.folder / "o/summary.md").read_text().startswith("# hakmem: PASS"))
        self.assertGreater((self.folder / "o/report.html").stat().st_size, 1000)

    def test_each_kind_of_failure(self):
        for name, row, reason in (
                ("a status", self.row("a", "exit 3"), "exit status 3"),
                ("a signal", self.row("a", "kill -ABRT $$"), "killed by SIGABRT"),
                ("the limit", self.row("a", "sleep 60", budget="pull_request=Budget(1)"),
                 "still running after 1 s"),
                ("nothing proven", self.row("a", "true", "figures='ctest'"), "no summary"),
                ("something unsaid", self.row("a", "echo PAST", "says=r'^PASS'"), "matches ^PASS"),
                ("a bug not found", self.row("control.a", "true", "expect=1"), "not 1"),
                ("not built", self.row("a", "true", "each_glob='build/none/*'"), "nothing was built"),
                ("what it needs", self.row("b", "true", "needs=('a',)"), "a did not pass")):
            with self.subTest(name):
                done = self.gate(row)
                self.assertEqual(done.returncode, 1, done.stdout)
                self.assertIn(reason, self.result["stages"][0]["reason"])
                self.assertIn("# hakmem: FAIL", (self.folder / "o/summary.md").read_text())
                self.assertIsNotNone(self.junit.find("testsuite/testcase/failure"))
                self.assertEqual(len(self.found()), 1)
                self.assertIn(reason, self.found()[0]["message"]["text"])

    def test_why_a_command_could_not_do_its_work(self):
        why = "ci/bugbank: the preset asan cannot be built: no room; run ci/build asan"
        self.gate(self.row("control.a", f"echo begins; echo '{why}' >&2; exit 2"),
                  self.row("control.b", "echo 'x: no complaint'; exit 1"))
        self.assertEqual([stage["reason"] for stage in self.result["stages"]],
                         [f"exit status 2: {why}", "exit status 1"])
        self.assertEqual([found["message"]["text"].count("exit status") for found in self.found()],
                         [1, 1])
        self.assertEqual(self.found()[0]["message"]["text"].count(why), 1)

    def test_nobody_reads_on(self):
        self.write_table([self.row("a", "sleep 0.2"), self.row("b", "true")])
        with subprocess.Popen([self.folder / "ci/gate", "--out", self.folder / "o"], text=True,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              env={**os.environ, "HAKMEM_SKIP_SETUP": "1"}) as process:
            process.stderr.readline()
        self.assertEqual(process.returncode, 130)
        result = json.loads((self.folder / "o/result.json").read_text())
        self.assertEqual((result["verdict"], [stage["name"] for stage in result["stages"]]),
                         ("interrupted", ["a"]))

    def test_one_bad_stage_among_good_ones(self):
        self.assertEqual(self.gate(self.row("a", "true"), self.row("b", "false"),
                                   self.row("c", "true")).returncode, 1)
        self.assertEqual([stage["status"] for stage in self.result["stages"]],
                         ["pass", "fail", "pass"])

    def test_a_part(self):
        rows = [self.row("a", "true"), self.row("b", "true", "needs=('a',)"), self.row("c", "false")]
        done = self.gate(*rows, arguments=["--only", "^b"])
        self.assertEqual(done.returncode, 0)
        self.assertEqual([stage["name"] for stage in self.result["stages"]], ["a", "b"])
        self.assertEqual(self.result["only"], "^b")
        self.assertIn("--only '^b'", done.stdout)

    def test_profiles(self):
        rows = [self.row("a", "true"), self.row("b", "false", budget="nightly=Budget(20)"),
                self.row("c", "false", budget="full=Budget(20)"),
                self.row("d", "false", budget="quick=Budget(20)")]
        self.assertEqual(self.gate(*rows).returncode, 0)
        self.assertEqual(self.gate(*rows, arguments=["--profile", "nightly"]).returncode, 1)
        self.assertEqual([stage["name"] for stage in self.result["stages"]], ["b", "c"])

    def test_told_to_end(self):
        self.write_table([self.row("a", "true"), self.row("b", "sleep 60")])
        process = subprocess.Popen([self.folder / "ci/gate", "--out", self.folder / "o"],
                                   stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                   env={**os.environ, "HAKMEM_SKIP_SETUP": "1"})
        for _ in range(600):
            if (self.folder / "o/logs/b.log").exists():
                break
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=120)
        self.assertEqual(process.returncode, 130)
        log = json.loads((self.folder / "o/result.sarif").read_text())
        self.assertEqual(problems(log), [])
        self.assertFalse(log["runs"][0]["invocations"][0]["executionSuccessful"])

    def test_usage(self):
        self.write_table([self.row("a", "true")])
        for arguments, words in ((["--profile", "weekly"], ["weekly"]), (["--only", "("], ["'('"]),
                                 (["--only", "none"], ["matches no stage"]), (["x"], ["x"]),
                                 (["--threads", "0"], ["1 to 256"])):
            with self.subTest(arguments):
                self.assert_usage_error(self.run_ci("gate", *arguments), *words)
        listed = self.run_ci("gate", "--list")
        self.assertEqual((listed.returncode, listed.stdout.count("\n")), (0, 1))


class Findings(GateCase):
    def test_a_broken_invariant_is_the_rule(self):
        self.assertEqual(self.gate(self.row("stress.mixed", self.log_of(PANIC))).returncode, 1)
        result, = self.found()
        self.assertEqual(result["ruleId"], "TC_REFILL_CLAMP")
        rule = self.sarif["runs"][0]["tool"]["driver"]["rules"][result["ruleIndex"]]
        self.assertEqual(rule["fullDescription"]["text"], "count + refill <= capacity")
        self.assertIn("No refill past capacity", rule["help"]["text"])
        place = result["locations"][0]["physicalLocation"]
        self.assertEqual((place["artifactLocation"]["uri"], place["region"]["startLine"]),
                         ("src/tcache/tcache.c", 99))
        self.assertEqual(result["properties"]["seed"], "9")
        self.assertIn("hakmem-stress mixed --threads 4 --seed 9", result["properties"]["repeatWith"])
        self.assertIn("refill = 1000", result["message"]["text"])
        catalogue = result["relatedLocations"][0]["physicalLocation"]
        line = (ROOT / "src/base/invariants.def").read_text().split("\n")[
            catalogue["region"]["startLine"] - 1]
        self.assertIn("HAK_INVARIANT(TC_REFILL_CLAMP", line)

    def test_a_hunt_has_its_token(self):
        self.gate(self.row("hunt.overshoot", self.log_of(HUNTED)))
        result, = self.found()
        self.assertEqual(result["ruleId"], "hunt/check-failed")
        self.assertEqual(result["properties"]["replayToken"],
                         "h1.overshoot.db59a67a.CgPNpsr59pLL7nYBBAIhLg")
        place = result["locations"][0]["physicalLocation"]
        self.assertEqual((place["artifactLocation"]["uri"], place["region"]["startLine"]),
                         ("stress/hunt/textbook/overshoot.c", 27))

    def test_the_first_failure_of_a_stability_run(self):
        kept = self.write("kept/first-failure.txt", PANIC)
        self.gate(self.row("stability", f"echo 'first failure: {kept}'; exit 1"))
        self.assertEqual([result["ruleId"] for result in self.found()], ["TC_REFILL_CLAMP"])

    def test_what_each_tool_says(self):
        source = f"{self.folder}/src/tcache/tcache.c"
        for said, rule, line in (
                ("==1==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x6 at pc 0x7\n"
                 f"    #0 0x7f in memcpy (/usr/lib/libasan.so+0x1)\n    #1 0x1 in f {source}:12:3\n",
                 "AddressSanitizer/heap-buffer-overflow", 12),
                (f"WARNING: ThreadSanitizer: data race (pid=1)\n    #0 f {source}:13 (p+0x1)\n",
                 "ThreadSanitizer/data-race", 13),
                ("==1==WARNING: MemorySanitizer: use-of-uninitialized-value\n"
                 f"    #0 0x1 in f {source}:14:3\n",
                 "MemorySanitizer/use-of-uninitialized-value", 14),
                (f"{source}:15:9: runtime error: shift exponent 64 is too large\n",
                 "UndefinedBehaviorSanitizer", 15),
                ("==5== Conditional jump or move depends on uninitialised value(s)\n"
                 "==5==    at 0x1: f (tcache.c:16)\n", "Memcheck", 16),
                ("fuzz_api: MODEL: zeroing: byte 3 is 0x5, not 0\n", "model", None),
                ("[----] src/tcache/tcache.c:17: Assertion Failed\n", "test", 17),
                ("GATE instructions pair-1: measured 99 is above the ceiling 36\n",
                 "performance", None),
                (f"{source}:18:2: error: expected ';'\n", "build", 18),
                ("hakmem: double free\n  block 0x1\n", "misuse", None),
                ("  src/tcache/tcache.c:19: includes a higher layer\n", "check", 19),
                ("\t  7 - unit.tcache (Failed)\n", "test", None)):
            with self.subTest(rule):
                self.gate(self.row("stress.x", self.log_of(said)))
                result, = self.found()
                self.assertEqual(result["ruleId"], rule)
                place = result["locations"][0]["physicalLocation"]
                if line:
                    self.assertEqual((place["artifactLocation"]["uri"],
                                      place["region"]["startLine"]), ("src/tcache/tcache.c", line))
                else:
                    self.assertEqual(place["artifactLocation"]["uri"], "ci/lib/hakci/stages.py")

    def test_what_a_control_planted_is_no_finding(self):
        self.gate(self.row("control.a", "cat " + str(self.write("said.txt", PANIC)) + "; exit 1",
                           "expect=1"))
        self.assertEqual(self.found(), [])
        self.gate(self.row("control.bank", self.log_of(
            "FAIL  [1/2] some-bug (stress mixed): not found\n      | hakmem: invariant TC_COUNT "
            "broken (tcache)\n")))
        result, = self.found()
        self.assertEqual(result["ruleId"], "control")
        self.assertIn("some-bug (stress mixed): not found", result["message"]["text"])

    def test_the_same_report_twice_is_one_result(self):
        self.gate(self.row("a", self.log_of(PANIC + PANIC)))
        self.assertEqual(len(self.found()), 1)


class Catalogue(unittest.TestCase):
    def test_every_invariant_is_a_rule(self):
        text = (ROOT / "src/base/invariants.def").read_text()
        rules, lines = sarif.catalogue()
        self.assertEqual(set(rules), set(re.findall(r"(?m)^HAK_INVARIANT\((\w+),", text)))
        self.assertGreater(len(rules), 40)
        self.assertEqual(len(set(lines.values())), len(rules))

    def test_every_stage_has_a_line_in_the_table(self):
        for stage in stages.STAGES:
            self.assertGreater(sarif.stage_line(stage.group), 20, stage.name)


class TheTable(unittest.TestCase):
    """What the profiles run of the bug bank."""

    @staticmethod
    def bank_runs(profile):
        return [set(stage.command[1:]) & {"--profile", "control", "gate", "--also"}
                for stage, _ in stages.of_profile(profile) if stage.command[0] == "ci/bugbank"]

    def test_full_and_nightly_plant_the_whole_bank(self):
        for profile in ("full", "nightly"):
            self.assertEqual(self.bank_runs(profile), [{"--also"}, set()], profile)

    def test_the_short_profiles_plant_a_bug_for_each_detector(self):
        self.assertEqual(self.bank_runs("quick"), [{"--profile", "control"}])
        self.assertEqual(self.bank_runs("pull-request"), [{"--profile", "gate"}])

    def test_what_the_whole_bank_builds_is_built_before_it(self):
        presets = {detector.preset for detector in bugbank_detect.DETECTORS.values()}
        for profile in ("full", "nightly"):
            names = [stage.name for stage, _ in stages.of_profile(profile)]
            before = names[:names.index("control.bugbank")]
            self.assertEqual({f"build.{preset}" for preset in presets} - set(before), set())


class TheSarifRules(unittest.TestCase):
    """The checker of these tests can fail."""

    def test_it_finds_what_is_wrong(self):
        place = {"physicalLocation": {"artifactLocation": {"uri": "a.c", "uriBaseId": "B"},
                                      "region": {"startLine": 1}}}
        good = {"version": "2.1.0", "runs": [{
            "tool": {"driver": {"name": "x", "rules": [
                {"id": "R", "shortDescription": {"text": "t"}, "help": {"text": "t"}}]}},
            "originalUriBaseIds": {"B": {}},
            "results": [{"ruleId": "R", "ruleIndex": 0, "message": {"text": "m"},
                         "locations": [place]}]}]}
        self.assertEqual(problems(good), [])

        def run(log):
            return log["runs"][0]

        for break_it in (
                lambda log: log.pop("version"), lambda log: log.update(version="2.0.0"),
                lambda log: log.update(extra=1), lambda log: run(log).pop("tool"),
                lambda log: run(log)["tool"]["driver"].pop("name"),
                lambda log: run(log)["results"][0].update(ruleIndex=1),
                lambda log: run(log)["results"][0].update(ruleIndex="0"),
                lambda log: run(log)["results"][0].update(level="fatal"),
                lambda log: run(log)["results"][0].pop("message"),
                lambda log: run(log)["results"][0].update(locations=[]),
                lambda log: run(log)["results"][0].update(locations={}),
                lambda log: run(log)["tool"]["driver"]["rules"].append({"id": "R"}),
                lambda log: run(log)["results"][0]["locations"][0]["physicalLocation"]["region"]
                .update(startLine=0),
                lambda log: run(log)["results"][0]["locations"][0]["physicalLocation"]
                ["artifactLocation"].update(uri="/abs/a.c"),
                lambda log: run(log)["results"][0]["locations"][0]["physicalLocation"]
                ["artifactLocation"].update(uriBaseId="C")):
            log = copy.deepcopy(good)
            break_it(log)
            self.assertNotEqual(problems(log), [])


if __name__ == "__main__":
    sys.exit(unittest.main())
