# SPDX-License-Identifier: MIT
"""Runs that end just when they are to be ended."""

import subprocess
import unittest
from unittest import mock

from report.measure import Failure, run_command


class EndedAlready(unittest.TestCase):
    """The process is reaped when its group is to be killed: nobody is there."""

    def run_that_ends_with(self, error):
        def communicate(process, timeout=None):
            process.wait()
            if timeout is not None:
                raise error
            return "", ""

        with mock.patch.object(subprocess.Popen, "communicate", communicate):
            return run_command(["true"], {"PATH": "/usr/bin:/bin"}, 5)

    def test_an_interrupt_stays_one(self):
        with self.assertRaises(KeyboardInterrupt):
            self.run_that_ends_with(KeyboardInterrupt())

    def test_a_timeout_stays_one(self):
        self.assertEqual(self.run_that_ends_with(subprocess.TimeoutExpired("true", 5)),
                         Failure("no end after 5 s"))


if __name__ == "__main__":
    unittest.main()
