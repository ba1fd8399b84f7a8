# SPDX-License-Identifier: MIT
"""Where CTest says the built programs and the bad allocators are."""

import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from hakci.common import ROOT

BIN = Path(os.environ["HAKMEM_BENCH_BIN"])
LIB = Path(os.environ["HAKMEM_BENCH_LIB"])
BENCH = str(BIN / "hakmem-bench")
LAUNCHER = str(BIN / "hakmem-bench-program")
WASTEFUL = str(LIB / "libbench-wasteful.so")
OVERLAPPING = str(LIB / "libbench-overlapping.so")


class BenchTest(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="hakmem-bench-test-")
        self.addCleanup(holder.cleanup)
        self.folder = Path(holder.name)

    def run_program(self, *command, **environment):
        return subprocess.run(list(map(str, command)), capture_output=True, text=True,
                              timeout=300, env=os.environ | environment)

    def bench(self, *arguments, **environment):
        """hakmem-bench's JSON; fails the test when it fails."""
        path = self.folder / "bench.json"
        done = self.run_program(BENCH, *arguments, "--json", path, **environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(path.read_text())

    def ci_bench(self, *arguments):
        return self.run_program(ROOT / "ci/bench", "--bench-dir", BIN, *arguments,
                                HAKMEM_SKIP_SETUP="1")
