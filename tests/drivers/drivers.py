# SPDX-License-Identifier: MIT
"""What the tests of the command-line programs share: where the programs are, and
how to run one. CTest sets the variables."""
import json
import os
import subprocess
import tempfile
import unittest

BIN = os.environ["HAKMEM_BIN"]
HAS_WORKER = os.environ.get("HAKMEM_HAS_WORKER") == "1"
SANITIZER = os.environ.get("HAKMEM_SANITIZED", "")
CHECK_LEVEL = int(os.environ.get("HAKMEM_LEVEL", "0"))
BROKEN_MALLOC = os.environ.get("BROKEN_MALLOC_SO", "")


def program(name):
    return os.path.join(BIN, name)


def run(arguments, timeout=120, **environment):
    """Runs a program of the build; environment values of None unset."""
    merged = dict(os.environ, **{k: v for k, v in environment.items() if v is not None})
    for name in [k for k, v in environment.items() if v is None]:
        merged.pop(name, None)
    command = [program(arguments[0])] + [str(a) for a in arguments[1:]]
    return subprocess.run(command, env=merged, capture_output=True, text=True, timeout=timeout)


class DriverTest(unittest.TestCase):
    """Adds the assertions that these tests need."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def json(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return json.load(file)

    def assert_exit(self, result, status):
        self.assertEqual(result.returncode, status,
                         f"\nstdout: {result.stdout}\nstderr: {result.stderr}")

    def assert_usage(self, arguments, words, lines=1, **environment):
        """Exit 2, and one line that says what is wrong."""
        result = run(arguments, **environment)
        self.assert_exit(result, 2)
        self.assertRegex(result.stderr, words)
        self.assertEqual(len(result.stderr.splitlines()), lines, result.stderr)
        self.assertEqual(result.stdout, "")
