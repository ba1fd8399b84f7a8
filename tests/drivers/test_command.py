# SPDX-License-Identifier: MIT
"""What all command-line programs share (command/): one line and status 2 for wrong
options, --version, result files, a stdout that takes nothing."""
import json
import os
import subprocess
import threading
import unittest

from drivers import HAS_WORKER, SANITIZER, DriverTest, program, run

VERSION = os.environ["HAKMEM_PROJECT_VERSION"]

# Each with an option that takes a value, and one that takes none (or --usage).
PROGRAMS = {"hakmem": (None, "--stats"), "hakmem-stress": ("--threads", "--list"),
            "hakmem-stability": ("--runs", "--usage"), "hakmem-bench": ("--seed", "--list"),
            "hakmem-bench-program": ("--json", "--usage"),
            "hakmem-invariants": (None, "--markdown"), "replay_region": ("--random", "--count")}
# Short runs that write a result, beginning with the program. OUT: a folder.
WRITERS = [["replay_region", "--random=1", "5"]]
if not SANITIZER:  # the benchmark's jansson knows none
    WRITERS += [["hakmem-bench", "pairs-1", "--operations", "1000"],
                ["hakmem-bench-program", "--", "true"]]
    PROGRAMS |= {"hakmem-hunt": ("--seed", "--list"), "replay_hunt": ("--fuzz", "--count")}
    WRITERS += [["hakmem-hunt", "overshoot-clamped", "--schedules", "10"],
                ["replay_hunt", "--fuzz=1", "5"]]
if HAS_WORKER:
    WRITERS += [["hakmem-stress", "mixed", "--operations", "10", "--threads", "2"],
                ["hakmem-stability", "--runs", "2", "--scenarios", "mixed", "--operations", "10",
                 "--threads", "2", "--out", "OUT"]]


class Options(DriverTest):
    def refused(self, arguments, words):
        self.assert_usage(arguments, rf"\A{arguments[0]}: {words}.*\n\Z")

    def test_each_refusal_is_one_line_of_the_program(self):
        for name, (with_value, without) in PROGRAMS.items():
            with self.subTest(name):
                self.refused([name, "--nosuch"], "unknown option '--nosuch'; --help lists")
                self.refused([name, "--nosuch=5"], "unknown option '--nosuch'; --help lists")
                self.refused([name, "-Y"], "unknown option '-Y'; --help lists")
                self.refused([name, "--no\nsuch\x1b"], r"unknown option '--no\?such\?'")
                self.refused([name, without + "=5"], f"{without} takes no value; leave '=5' away")
                if with_value:
                    self.refused([name, with_value], f"{with_value} needs a value, ")

    def test_letters_and_beginnings(self):
        for arguments, words in [
                (["hakmem", "-sY", "--", "true"], "unknown option '-Y'"),
                (["hakmem", "--stats", "-sYs", "--", "true"], "unknown option '-Y'"),
                (["hakmem-stress", "mixed", "-t"], r"-t \(--threads\) needs a value, N"),
                (["hakmem-stress", "--json=x", "-Yt"], "unknown option '-Y'"),
                (["hakmem-stress", "--se", "1"], "'--se' is the beginning of several options"),
                (["hakmem-stress", "--lis=1"], "--list takes no value; leave '=1' away"),
                (["hakmem-stress", "mixed", "--thr"], "--threads needs a value, N"),
                (["hakmem-invariants", "extra"], "'extra' is one argument too many")]:
            with self.subTest(arguments):
                self.refused(arguments, words)

    def test_version_and_help(self):
        for name in PROGRAMS:
            with self.subTest(name):
                result = run([name, "--version"])
                self.assert_exit(result, 0)
                self.assertEqual(result.stdout, f"{name} {VERSION}\n")
                result = run([name, "--help"])
                self.assert_exit(result, 0)
                self.assertTrue(result.stdout.startswith(f"Usage: {name} "), result.stdout)
                self.assertIn("--version", result.stdout)

    def test_a_stdout_that_takes_nothing_is_said(self):
        commands = [[name, "--help"] for name in PROGRAMS] + WRITERS
        commands += [["hakmem-stress", "--list"], ["hakmem-bench", "--list"],
                     ["hakmem-invariants"], ["hakmem-invariants", "--list"]]
        commands += [] if SANITIZER else [["hakmem-hunt", "--list"]]
        for command in commands:
            if command[:1] == ["hakmem-bench-program"] and "--" in command:
                continue  # it prints nothing
            with self.subTest(command), open("/dev/full", "w", encoding="utf-8") as full:
                words = [word.replace("OUT", self.path("out")) for word in command[1:]]
                words += ["--count"] if command[0] == "replay_hunt" else []
                done = subprocess.run([program(command[0])] + words, stdout=full,
                                      stderr=subprocess.PIPE, text=True, timeout=120)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertRegex(done.stderr.splitlines()[-1],
                                 f"^{command[0]}: stdout cannot be written; is it closed, or ")


class ResultFiles(DriverTest):
    """--json, of each program that has it."""

    def command(self, command, path):
        words = [word.replace("OUT", self.path("out")) for word in command[1:]]
        return [program(command[0]), "--json", path] + words

    def start(self, command, path, **streams):
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
        return subprocess.run(self.command(command, path), text=True, timeout=120, check=False,
                              **streams)

    def test_a_regular_file_appears_alone(self):
        for command in WRITERS:
            with self.subTest(command[0]):
                path = os.path.join(self.path(command[0]), "result.json")
                os.mkdir(os.path.dirname(path))
                self.assertEqual(self.start(command, path).returncode, 0)
                with open(path, encoding="utf-8") as file:
                    self.assertTrue(json.load(file))
                self.assertEqual(os.listdir(os.path.dirname(path)), ["result.json"])

    def test_refused_before_the_run(self):
        os.mkdir(self.path("folder"))
        os.symlink(self.path("nosuch/x"), self.path("dangling"))
        for command in WRITERS:
            with self.subTest(command[0]):
                for path, reason in [("/nonexistent/x", "No such file or directory"),
                                     (self.path("folder"), "Is a directory"),
                                     (self.path("dangling"), "No such file or directory"),
                                     ("", "No such file or directory")]:
                    done = self.start(command, path)
                    self.assertEqual(done.returncode, 2, done)
                    self.assertEqual(done.stdout, "")
                    self.assertEqual(done.stderr, f"{command[0]}: --json '{path}' cannot be written: "
                                                  f"{reason}; name another file\n")
        self.assertFalse(os.path.exists(self.path("out")))
        self.assertEqual(sorted(os.listdir(self.folder)), ["dangling", "folder"])

    def test_a_fifo_is_written_and_stays(self):
        for command in WRITERS:
            with self.subTest(command[0]):
                path = self.path(command[0] + ".fifo")
                os.mkfifo(path)
                read = []

                def reader(path=path, read=read):
                    with open(path, encoding="utf-8") as file:
                        read.append(file.read())

                thread = threading.Thread(target=reader, daemon=True)
                thread.start()
                done = self.start(command, path)
                thread.join(timeout=5)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertTrue(read, "nobody wrote to the FIFO")
                self.assertTrue(json.loads(read[0]))
                self.assertTrue(os.path.exists(path) and not os.path.isfile(path))

    def test_of_a_link_the_target_is_replaced(self):
        for command in WRITERS:
            with self.subTest(command[0]):
                for name, link in [("old", self.path(f"{command[0]}.old")),
                                   ("new", f"{command[0]}.new")]:  # relative, and not there yet
                    path = self.path(f"{command[0]}.{name}.link")
                    target = self.path(f"{command[0]}.{name}")
                    os.symlink(link, path)
                    if name == "old":
                        with open(target, "w", encoding="utf-8") as file:
                            file.write("old\n")
                    self.assertEqual(self.start(command, path).returncode, 0)
                    self.assertEqual(os.readlink(path), link)
                    with open(target, encoding="utf-8") as file:
                        self.assertTrue(json.load(file))
        self.assertEqual([name for name in os.listdir(self.folder) if name.endswith(".tmp")], [])

    def test_stdout_holds_the_json_alone(self):
        for command in WRITERS:
            with self.subTest(command[0]):
                done = self.start(command, "/dev/stdout")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertTrue(json.loads(done.stdout))
                if command[0] != "hakmem-bench-program":
                    self.assertNotEqual(done.stderr, "")
                with open(self.path("stdout"), "w+", encoding="utf-8") as file:
                    self.assertEqual(self.start(command, "/dev/stdout", stdout=file).returncode, 0)
                    file.seek(0)
                    self.assertTrue(json.load(file))

    def test_what_is_printed_before_is_kept(self):
        """--json into the file that has stderr's lines already."""
        for command in WRITERS:
            with self.subTest(command[0]):
                with open(self.path("stderr"), "w+", encoding="utf-8") as file:
                    file.write("a line\n")
                    file.flush()
                    self.assertEqual(self.start(command, "/dev/stderr", stderr=file).returncode, 0)
                    file.seek(0)
                    text = file.read()
                    self.assertTrue(text.startswith("a line\n"), text)
                    self.assertTrue(json.loads(text[text.index("{"):]))

    def test_a_reader_that_went_away_is_an_error(self):
        for command in WRITERS:
            with self.subTest(command[0]):
                reading, writing = os.pipe()
                os.close(reading)
                done = self.start(command, "/dev/stdout", stdout=writing)
                os.close(writing)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertEqual(done.stderr.splitlines()[-1],
                                 f"{command[0]}: '/dev/stdout' cannot be written: Broken pipe")


if __name__ == "__main__":
    unittest.main()
