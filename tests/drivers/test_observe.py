# SPDX-License-Identifier: MIT
"""hakmem-stress --observe: memory over time, and the SuperSlab map at its fullest."""
import re
import unittest

from drivers import CHECK_LEVEL, HAS_WORKER, SANITIZER, DriverTest, run

JEMALLOC = "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2"
PLACES = {"f": "free", "c": "cached", "h": "held", "r": "remote"}


def counts_of(places):
    """{"f": 3, ...} of "f2hf"; every character must have been understood."""
    runs = re.findall(r"([fchr])(\d*)", places)
    assert "".join(letter + number for letter, number in runs) == places, places
    counts = dict.fromkeys(PLACES, 0)
    for letter, number in runs:
        counts[letter] += int(number or 1)
    return counts


class Observe(DriverTest):
    def observe(self, scenario, *more, seconds=0.5):
        result = run(["hakmem-stress", scenario, "--seconds", seconds, "--seed", 7, "--threads", 2,
                      "--observe", self.path("o.json"), *more])
        self.assert_exit(result, 0)
        return self.json("o.json")

    @unittest.skipUnless(HAS_WORKER, "hakmem is not part of this build")
    def test_samples_rise_with_what_is_held_and_time_goes_on(self):
        written = self.observe("expand", seconds=2)
        self.assertEqual((written["scenario"], written["seed"], written["verdict"]),
                         ("expand", 7, "pass"))
        samples = written["observation"]["samples"]
        self.assertGreater(len(samples), 10)
        times = [sample["at_s"] for sample in samples]
        self.assertEqual(times, sorted(set(times)))
        most = max(samples, key=lambda sample: sample["live_bytes"])
        held = 0.7 * 2 * 112 * 64 * 1024  # two threads, 112 slabs; a look may just miss the top
        self.assertGreater(most["live_bytes"], held)
        for sample in samples:
            self.assertGreaterEqual(sample["mapped_bytes"], sample["live_bytes"])
        self.assertGreater(max(sample["resident_bytes"] for sample in samples), held)
        self.assertLess(samples[0]["live_bytes"], held / 10)

    @unittest.skipUnless(HAS_WORKER and CHECK_LEVEL, "the map is drawn by checked builds")
    def test_the_map_adds_up_slab_by_slab(self):
        observation = self.observe("expand", seconds=2)["observation"]
        shown = observation["map"]
        self.assertEqual(shown["superslabs_left_out"], 0)
        held_bytes = 0
        for superslab in shown["superslabs"]:
            granules = 0
            for slab in superslab["slabs"]:
                mask = ((1 << slab["granules"]) - 1) << slab["granule"]
                self.assertEqual(granules & mask, 0, "slabs overlap")
                granules |= mask
                counts = counts_of(slab["places"])
                self.assertEqual({PLACES[k]: n for k, n in counts.items()},
                                 {name: slab[name] for name in PLACES.values()})
                self.assertEqual(sum(counts.values()), slab["blocks"])
                self.assertLessEqual(slab["blocks"] * slab["stride_bytes"],
                                     slab["granules"] * 65536)
                held_bytes += slab["held"] * slab["stride_bytes"]
            self.assertEqual(granules, superslab["bitmap"])
        self.assertEqual(held_bytes, shown["held_bytes"])
        # At the fullest what both threads hold is there, or almost.
        self.assertGreater(held_bytes, 0.7 * 2 * 112 * 64 * 1024)

    @unittest.skipUnless(HAS_WORKER and CHECK_LEVEL, "the map is drawn by checked builds")
    def test_free_cached_and_held_blocks_show(self):
        totals = dict.fromkeys(("free", "cached", "held"), 0)  # remote: tests/unit/check
        for superslab in self.observe("remote", seconds=1)["observation"]["map"]["superslabs"]:
            for slab in superslab["slabs"]:
                for name in totals:
                    totals[name] += slab[name]
        self.assertTrue(all(totals.values()), totals)

    @unittest.skipUnless(HAS_WORKER and not CHECK_LEVEL, "release builds have no map")
    def test_without_checks_there_is_no_map(self):
        observation = self.observe("mixed")["observation"]
        self.assertIsNone(observation["map"])
        self.assertGreater(max(s["live_bytes"] for s in observation["samples"]), 0)

    @unittest.skipUnless(HAS_WORKER, "hakmem is not part of this build")
    def test_a_long_run_keeps_its_first_sample_and_its_last(self):
        samples = self.observe("mixed", seconds=4)["observation"]["samples"]
        self.assertLessEqual(len(samples), 1024)
        self.assertLess(samples[0]["at_s"], 0.1)
        self.assertGreater(samples[-1]["at_s"], 3.9)

    @unittest.skipIf(SANITIZER, "no preloading under sanitizers")
    def test_of_another_malloc_only_the_resident_memory_is_known(self):
        observation = self.observe("mixed", "--library", JEMALLOC)["observation"]
        self.assertIsNone(observation["map"])
        self.assertEqual({s["live_bytes"] for s in observation["samples"]}, {None})
        self.assertGreater(max(s["resident_bytes"] for s in observation["samples"]), 100000)

    def test_a_file_that_cannot_be_written(self):
        result = run(["hakmem-stress", "mixed", "--operations", 10, "--observe", "/nonexistent/x"])
        self.assert_exit(result, 2)
        self.assertIn("--observe '/nonexistent/x' cannot be written", result.stderr)


if __name__ == "__main__":
    unittest.main()
