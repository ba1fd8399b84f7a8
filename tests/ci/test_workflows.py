# SPDX-License-Identifier: MIT
"""The workflows in .github/ and the examples of docs/GATING.md: they parse,
call the gate, and call no command or option that is not there. What the host's
own checker (actionlint) knows of its syntax is not repeated here."""

import re
import subprocess
import sys
import unittest

import yaml

from support import ROOT
from hakci import tree

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
OURS = ("pull-request.yml", "nightly.yml", "release.yml")
COMPILERS = {f"gcc-{n}" for n in (12, 13, 14)} | {f"clang-{n}" for n in range(14, 20)}
COMPILERS_OF_DEBIAN_12 = {"gcc-12", "clang-14", "clang-15", "clang-16", "clang-19"}
CALL = re.compile(r"(?:^|[;&|\s(])((?:ci|\.ci)/[\w-]+)((?: +(?:'[^']*'|[^\s;&|)]+))*)", re.MULTILINE)


def load(name):
    return yaml.safe_load((ROOT / ".github/workflows" / name).read_text(encoding="utf-8"))


def fences(language):
    text = (ROOT / "docs/GATING.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


def calls(text):
    """(command, its words) of each ci/ command in a script."""
    return [(name, re.findall(r"'[^']*'|\S+", words)) for name, words in CALL.findall(text)]


def scripts(workflow):
    return [step["run"] for job in workflow["jobs"].values() for step in job["steps"]
            if "run" in step]


def help_of(command, seen={}):
    if command not in seen:
        seen[command] = subprocess.run([str(ROOT / command), "--help"], capture_output=True,
                                       text=True, check=True, timeout=30).stdout
    return seen[command]


def problems_of_call(command, words):
    """Commands that are not there, and options that they do not name."""
    if not (ROOT / command).is_file():
        return [f"{command} is not there"]
    options = [word.split("=")[0] for word in words if word.startswith("--")]
    return [f"{command} has no {option}" for option in options
            if not re.search(rf"{re.escape(option)}\b", help_of(command))]


class Workflows(unittest.TestCase):
    def test_they_are_there_and_parse(self):
        self.assertTrue(set(OURS) <= {path.name for path in WORKFLOWS})
        for path in WORKFLOWS:
            with self.subTest(path.name):
                workflow = load(path.name)
                self.assertIn(True, workflow)  # `on:`, which YAML 1.1 reads as true
                # Jobs may ask for more, one by one.
                self.assertIn(workflow["permissions"], ({"contents": "read"}, "read-all"))
                for name, job in workflow["jobs"].items():
                    self.assertIn("timeout-minutes" if len(job["steps"]) > 3 else "steps", job, name)

    def test_every_command_and_option_is_there(self):
        for path in WORKFLOWS:
            for script in scripts(load(path.name)):
                for command, words in calls(script):
                    with self.subTest(path.name, call=command):
                        self.assertEqual(problems_of_call(command, words), [])

    def test_each_of_ours_calls_the_gate(self):
        for name, profile in (("pull-request.yml", "pull-request"), ("nightly.yml", "nightly"),
                              ("release.yml", "pull-request")):
            self.assertIn(("ci/gate", ["--profile", profile]),
                          [call for script in scripts(load(name)) for call in calls(script)], name)

    def test_mutants_of_a_pull_request_are_asked_for_within_a_time(self):
        runs = [words for script in scripts(load("pull-request.yml"))
                for command, words in calls(script) if command == "ci/bugbank"]
        self.assertEqual(len(runs), 1)
        for option in ("--mutate-since", "--within", "--at-least"):
            self.assertIn(option, runs[0])

    def test_both_architectures_and_every_compiler(self):
        for name in OURS:
            self.assertIn("ubuntu-24.04-arm", str(load(name)["jobs"]), name)
        matrix = load("pull-request.yml")["jobs"]["compilers"]["strategy"]["matrix"]
        self.assertEqual(set(matrix["compiler"]), COMPILERS)
        night = " ".join(scripts(load("nightly.yml")))
        self.assertEqual(set(re.findall(r"\b(?:gcc|clang)-\d+", night)), COMPILERS_OF_DEBIAN_12)

    def test_jobs_on_arm_run_where_the_browser_is_a_package(self):
        """Images of Ubuntu for arm have none, and Ubuntu's own is a snap."""
        for name in OURS:
            for key, job in load(name)["jobs"].items():
                text = str(job)
                if "ubuntu-24.04-arm" in text and re.search(r"ci/setup --for (all|test)", text):
                    self.assertIn("debian:12", str(job.get("container")), f"{name}: {key}")

    def test_nothing_is_downloaded_but_packages(self):
        for path in WORKFLOWS:
            for script in scripts(load(path.name)):
                self.assertNotRegex(script, r"\b(curl|wget)\b|https?://", path.name)

    def test_each_action_has_one_version(self):
        texts = [path.read_text(encoding="utf-8") for path in WORKFLOWS]
        texts.append((ROOT / "docs/GATING.md").read_text(encoding="utf-8"))
        versions = {}
        for action, version in re.findall(r"uses: ([\w./-]+)@(\S+)", "\n".join(texts)):
            versions.setdefault(action, set()).add(version)
        self.assertEqual({action for action, found in versions.items() if len(found) > 1}, set())
        self.assertGreater(len(versions), 4)

    def test_nothing_red_is_passed_over(self):
        for path in WORKFLOWS:
            text = path.read_text(encoding="utf-8")
            self.assertNotIn("continue-on-error", text, path.name)
            for script in scripts(load(path.name)):
                self.assertNotRegex(script, r"\|\| *(true|:)", path.name)

    def test_what_the_gate_leaves_is_kept_when_it_is_red(self):
        for name in OURS:
            for job in load(name)["jobs"].values():
                if not any("ci/gate --profile" in step.get("run", "") for step in job["steps"]):
                    continue
                kept = [step for step in job["steps"]
                        if "upload-artifact" in step.get("uses", "")
                        and "out/gate" in str(step["with"]["path"])]
                self.assertEqual([step.get("if") for step in kept], ["always()"], name)

    def test_only_patterns_match_stages(self):
        for name in OURS:
            for script in scripts(load(name)):
                for command, words in calls(script):
                    if "--only" in words:
                        pattern = words[words.index("--only") + 1].strip("'")
                        done = subprocess.run(
                            [str(ROOT / command), "--list", "--only", pattern],
                            capture_output=True, text=True, check=False, timeout=30)
                        self.assertEqual(done.returncode, 0, done.stderr)


class Guide(unittest.TestCase):
    def test_the_examples_parse_and_call_what_is_there(self):
        github, gitlab = fences("yaml")
        texts = [*scripts(yaml.safe_load(github))]
        for job in yaml.safe_load(gitlab).values():
            texts += job["script"]
        jenkins, = fences("groovy")
        texts += re.findall(r"sh '([^']*)'", jenkins)
        called = [call for text in texts for call in calls(text)]
        self.assertEqual(sum(command == "ci/gate" for command, _ in called), 3)
        for command, words in called:
            with self.subTest(command):
                self.assertEqual(problems_of_call(command, words), [])

    def test_the_files_they_keep_are_written(self):
        named = set(re.findall(r"out/gate/([\w.-]+)", "".join(fences("yaml") + fences("groovy"))))
        self.assertTrue({"junit.xml", "summary.md"} <= named)
        source = tree.read(ROOT, "ci/lib/hakci/result.py")
        for name in named:
            self.assertIn(f'"{name}"', source)


class TheseChecks(unittest.TestCase):
    """They can fail."""

    def test_calls(self):
        self.assertEqual(calls("sudo ci/setup --for all && ci/gate --only '^(a|b)' | tee x"),
                         [("ci/setup", ["--for", "all"]), ("ci/gate", ["--only", "'^(a|b)'"])])
        self.assertEqual(problems_of_call("ci/none", []), ["ci/none is not there"])
        self.assertEqual(problems_of_call("ci/gate", ["--profile", "x", "--retries=3"]),
                         ["ci/gate has no --retries"])


if __name__ == "__main__":
    sys.exit(unittest.main())
