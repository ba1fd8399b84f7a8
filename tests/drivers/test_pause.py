# SPDX-License-Identifier: MIT
"""The scenario `pause`: threads come to every pause point and stand still there, and
a bug whose window is at one of them is found soon with the points and not without."""
import re
import sys
import tempfile
import unittest
from pathlib import Path

from drivers import CHECK_LEVEL, HAS_WORKER, SANITIZER, DriverTest, run

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "ci/lib"))

# pylint: disable=wrong-import-position
from hakci import bugbank_bugs, bugbank_build, bugbank_detect  # noqa: E402

POINTS = re.findall(r"^HAK_PAUSE_POINT\((\w+),",
                    (ROOT / "src/base/pause_points.def").read_text(encoding="utf-8"), re.M)
WINDOW_BUG = "escaped-slab-released-by-its-bits"
SEEDS = (1, 2, 3)


@unittest.skipUnless(HAS_WORKER, "hakmem is not part of this build")
class Points(DriverTest):
    def pauses(self, seconds, *more):
        result = run(["hakmem-stress", "pause", "--seconds", seconds, "--seed", 3, "--json",
                      self.path("result.json"), *more])
        self.assert_exit(result, 0)
        return self.json("result.json")["pauses"]

    def test_every_point_is_reached_and_paused_at_in_checked_builds_only(self):
        self.assertGreater(len(POINTS), 10)
        points = self.pauses(6, "--pauses", "points")["points"]
        self.assertEqual(list(points), POINTS)
        for name, counts in points.items():
            with self.subTest(name):
                self.assertEqual(counts["reached"] > 0, CHECK_LEVEL > 0)
                self.assertEqual(counts["paused"] > 0, CHECK_LEVEL > 0)
                self.assertLessEqual(counts["paused"], counts["reached"])

    def test_pauses_says_where_threads_are_stopped(self):
        for where, signals, points in (("none", False, False), ("signals", True, False),
                                       ("points", False, True), ("both", True, True)):
            with self.subTest(where):
                pauses = self.pauses(0.3, "--pauses", where)
                paused = sum(counts["paused"] for counts in pauses["points"].values())
                self.assertEqual((pauses["signals"] > 0, paused > 0),
                                 (signals, points and CHECK_LEVEL > 0))

    def test_no_such_place(self):
        self.assert_usage(["hakmem-stress", "pause", "--pauses", "now"], "--pauses is 'now'")


@unittest.skipUnless(CHECK_LEVEL and not SANITIZER, "points are in the checked build")
class Window(DriverTest):
    """Planted: a slab may be released while a freeing thread is between its two
    steps, at REMOTE_MARKED."""

    def outcomes(self, folder, pauses, seconds):
        command = [f"{folder}/bin/hakmem-stress", "pause", "--threads", "4", "--seconds",
                   str(seconds), "--pauses", pauses, "--timeout", "20", "--seed"]
        return [bugbank_detect.run_limited([*command, str(seed)], Path(folder), 60)[0]
                for seed in SEEDS]

    def test_it_is_found_with_the_points_and_not_in_the_same_time_without(self):
        finder = bugbank_detect.Finder(["stress", "pause"])
        bug, = (bug for bug in bugbank_bugs.load(ROOT / "tests/bugbank") if bug.id == WINDOW_BUG)
        preset = bugbank_build.Preset(ROOT, "checked", sorted(finder.targets), 2)
        # Beside the build folders: the programs find their libraries from there.
        with tempfile.TemporaryDirectory(dir=ROOT / "build", prefix="pause.") as folder:
            bugbank_build.copy_sources(ROOT, folder)
            finder.build(preset, bugbank_bugs.plant(bug, folder), Path(folder))
            self.assertEqual(self.outcomes(folder, "points", 10), [1] * len(SEEDS))
            # Measured: found within 0.4 s with the points; without, 0 of 6 in 4 s. One
            # lucky schedule of three is allowed.
            self.assertLessEqual(sum(self.outcomes(folder, "none", 2)), 1)


if __name__ == "__main__":
    unittest.main()
