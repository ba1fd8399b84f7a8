# SPDX-License-Identifier: MIT
"""ci/gate on a report that the checked library really writes: should its form
change, the gate would no longer know what was broken."""

import os
import sys
import unittest
from pathlib import Path

from test_gate import GateCase

LIBRARY = Path(os.environ["HAKMEM_BUILD_DIR"]) / "lib/libhakmem-checked.so"
OVERRUN = """
import ctypes
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
block = libc.malloc(24)
ctypes.memset(block, 7, 25)
libc.free(ctypes.c_void_p(block))
"""


class Report(GateCase):
    def test_an_overrun_of_a_block(self):
        script = self.write("overrun.py", OVERRUN)
        done = self.gate(self.row(
            "apps", f"LD_PRELOAD={LIBRARY} HAKMEM_ADAPTIVE_LOG=0 exec {sys.executable} {script}"))
        self.assertEqual(done.returncode, 1, done.stderr)
        result, = self.found()
        self.assertEqual(result["ruleId"], "GUARD_CANARY", result)
        self.assertIn("killed by SIGABRT: GUARD_CANARY broken (check/guard).",
                      self.result["stages"][0]["reason"])
        self.assertIn("requested = 24", result["message"]["text"])
        rule = self.sarif["runs"][0]["tool"]["driver"]["rules"][result["ruleIndex"]]
        self.assertIn("wrote past the end of its block", rule["help"]["text"])
        place = result["locations"][0]["physicalLocation"]
        self.assertEqual(place["artifactLocation"]["uri"], "src/check/guard.c")


if __name__ == "__main__":
    unittest.main()
