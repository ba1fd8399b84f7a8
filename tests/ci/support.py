# SPDX-License-Identifier: MIT
"""For the ci/ commands' tests: small trees to judge, commands to call."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "ci/lib"))


class Case(unittest.TestCase):
    """A test with a folder of its own, gone afterwards."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hakmem-ci-test.")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def write(self, path, text, mode=0o644):
        """Makes a file below the folder, and the folders above it."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        file.chmod(mode)
        return file

    def program(self, path, script):
        return self.write(path, "#!/bin/sh\n" + script + "\n", 0o755)

    def run_ci(self, name, *arguments, environment=None, timeout=60):
        """Runs ci/NAME; standard output and error come back separately."""
        return subprocess.run([str(ROOT / "ci" / name), *map(str, arguments)],
                              capture_output=True, text=True, timeout=timeout, check=False,
                              env={**os.environ, **(environment or {})})

    def assert_usage_error(self, done, *words):
        """One line on stderr that has the words in it, exit status 2."""
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def assert_problem(self, problems, *words):
        """Exactly one problem was found, and it has the words in it."""
        problems = list(problems)
        self.assertEqual(len(problems), 1, problems)
        for word in words:
            self.assertIn(word, problems[0])


class CommandCase(Case):
    """A test of ci/ commands in a copy of ci/ whose tree is the folder."""

    def setUp(self):
        super().setUp()
        shutil.copytree(ROOT / "ci", self.folder / "ci",
                        ignore=shutil.ignore_patterns("__pycache__", "bench"))

    def run_ci(self, name, *arguments, environment=None, timeout=60):
        """Runs the copy's ci/NAME, which installs nothing."""
        return subprocess.run([str(self.folder / "ci" / name), *map(str, arguments)],
                              capture_output=True, text=True, timeout=timeout, check=False,
                              env={**os.environ, "HAKMEM_SKIP_SETUP": "1", **(environment or {})})
