# SPDX-License-Identifier: MIT
"""ci/lib/adaptive-trace: the adaptive log is read by its format and rules."""

import json
import unittest

from support import Case

INIT = "[ADAPTIVE] Adaptive sizing initialized (initial_cap=64, min=16, max=2048)"
GROW = "[TLS_CACHE] Grow class 4: 64 → 128 slots (grow_count=1)"
SHRINK = "[TLS_CACHE] Shrink class 0: 64 → 32 slots (shrink_count=1)"
KEEP = "[TLS_CACHE] Keep class 1 at 64 slots (usage=45.2%)"


class AdaptiveTrace(Case):
    def trace(self, *lines, end="exit 0", options=()):
        log = self.write("log", "".join(line + "\n" for line in lines))
        program = self.program("program", f"cat {log} >&2\n{end}")
        self.out = self.folder / "out.json"
        return self.run_ci("lib/adaptive-trace", "--out", self.out, *options, "--", program)

    def test_a_good_log(self):
        done = self.trace("[other] line", INIT, GROW, KEEP, SHRINK)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn(GROW, done.stdout)
        summary = json.loads(self.out.read_text())
        self.assertEqual((summary["grow_lines"], summary["shrink_lines"], summary["keep_lines"]),
                         (1, 1, 1))
        self.assertEqual([points[0][1] for points in summary["capacity_over_time"].values()],
                         [32, 64, 128])

    def test_bad_logs(self):
        for lines, words in (
                ((GROW, SHRINK), "lacks its first line"),
                ((INIT.replace("max=2048", "max=4096"), GROW, SHRINK), "lacks its first line"),
                ((INIT, SHRINK), "no class was seen to grow"),
                ((INIT, GROW), "no class was seen to shrink"),
                ((INIT, GROW.replace("128", "192"), SHRINK), "neither a doubling"),
                ((INIT, GROW, SHRINK.replace("32", "64")), "neither a doubling"),
                ((INIT, GROW, SHRINK.replace("64 → 32", "16 → 8")), "no power of two in"),
                ((INIT, GROW.replace("64 → 128", "2048 → 4096"), SHRINK), "no power of two in"),
                ((INIT, GROW, SHRINK, KEEP.replace("64", "65")), "no power of two in"),
                ((INIT, GROW, SHRINK, "[TLS_CACHE] Grow clas"), "format")):
            done = self.trace(*lines)
            self.assertEqual(done.returncode, 1, lines)
            self.assertIn(words, done.stdout)

    def test_only_what_is_required(self):
        self.assertEqual(self.trace(INIT, GROW, options=["--require", "grow"]).returncode, 0)
        done = self.trace(INIT, GROW, options=["--require", "shrink"])
        self.assertEqual(done.returncode, 1)
        self.assertIn("no class was seen to shrink", done.stdout)

    def test_a_program_that_fails(self):
        done = self.trace(INIT, GROW, SHRINK, end="exit 3")
        self.assertEqual(done.returncode, 1)
        self.assertIn("ended with status 3", done.stdout)

    def test_no_program(self):
        done = self.run_ci("lib/adaptive-trace", "--out", self.folder / "o", "--", "/none/x")
        self.assert_usage_error(done, "cannot run /none/x")


if __name__ == "__main__":
    unittest.main()
