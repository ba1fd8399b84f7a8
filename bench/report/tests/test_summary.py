# SPDX-License-Identifier: MIT
"""From runs to the table and the page, on runs made up here."""

import json
import re
import unittest

from report import page, schedule, summary, table
from report.allocators import Allocator
from report.measure import Failure
from report.rows import Row, Workload, select
from hakci.common import UsageError

GLIBC, FAST, BROKEN = (Allocator(name, path) for name, path in (
    ("glibc", None), ("fast", "/fast.so"), ("broken", "/broken.so")))
ROW = Row("random-mixed", 4, "speed")
OTHER = Row("return-all", 1, "memory")


def result(seconds, rss=100, faults=10, after=None):
    return {"workload": "w", "seconds": seconds, "operations": 10, "peak_rss_bytes": rss,
            "minor_faults": faults, "after_free_rss_bytes": after, "settled_rss_bytes": None,
            "tls_cache_bytes": None}


def make_report(outcomes):
    """`outcomes(allocator name, round)` for two rows and three rounds."""
    runners = {row.key: (lambda allocator, number: outcomes(allocator.name, number))
               for row in (ROW, OTHER)}
    everyone = [GLIBC, FAST, BROKEN]
    runs = schedule.run_all(runners, [ROW, OTHER], everyone, 3, 1, lambda *_: None)
    report = summary.summarize(runs, [ROW, OTHER], everyone, "glibc", "fast")
    return report | {"allocators": [a.name for a in everyone], "reference": "glibc",
                     "subject": "fast", "facts": {"machine": "</script><b>"},
                     "plan": {"rounds": 3, "seconds": 0.1}}


def mostly_fine(name, number):
    if name == "broken" and number == 1:
        return Failure("killed by SIGSEGV")
    slow_round = 5 if number == 2 else 1
    return result({"glibc": 4, "fast": 1, "broken": 2}[name] * slow_round, after=50)


class Order(unittest.TestCase):
    def test_every_combination_once(self):
        runs = list(schedule.order([ROW, OTHER], [GLIBC, FAST], 5, 1))
        self.assertEqual(len(runs), 20)
        self.assertEqual(len(set(runs)), 20)

    def test_allocators_of_a_row_are_neighbours(self):
        runs = list(schedule.order([ROW, OTHER], [GLIBC, FAST, BROKEN], 4, 1))
        for start in range(0, len(runs), 3):
            self.assertEqual(len({(number, row) for number, row, _ in runs[start:start + 3]}), 1)

    def test_the_seed_decides_and_rounds_differ(self):
        def names(seed):
            return [a.name for _, _, a in schedule.order([ROW], [GLIBC, FAST, BROKEN], 20, seed)]
        self.assertEqual(names(7), names(7))
        self.assertNotEqual(names(7), names(8))
        firsts = names(7)[::3]
        self.assertEqual(set(firsts), {"glibc", "fast", "broken"})


class Summary(unittest.TestCase):
    def test_ratio_of_a_disturbed_round_cancels(self):
        cell = make_report(mostly_fine)["rows"][ROW.key]["fast"]
        self.assertEqual(cell["time"]["ratio"], {"median": 0.25, "low": 0.25, "high": 0.25,
                                                 "count": 3})

    def test_a_failure_is_shown_and_not_averaged_away(self):
        report = make_report(mostly_fine)
        self.assertEqual(report["rows"][ROW.key]["broken"],
                         {"failure": "round 2: killed by SIGSEGV"})
        text = table.text(report)
        self.assertIn("FAILED random-mixed/4 on broken: round 2: killed by SIGSEGV", text)
        self.assertIn("FAILED", text.split("\n")[2])

    def test_a_failed_pair_is_not_run_again(self):
        calls = []

        def outcome(name, number):
            calls.append((name, number))
            return mostly_fine(name, number)
        make_report(outcome)
        self.assertEqual(calls.count(("broken", 2)), 0)

    def test_a_failed_reference_leaves_no_ratio(self):
        report = make_report(lambda name, _n: Failure("x") if name == "glibc" else result(1))
        self.assertIsNone(report["rows"][ROW.key]["fast"]["time"]["ratio"])
        self.assertIn("FAILED", table.text(report))

    def test_best_peer(self):
        report = make_report(lambda name, _n: result({"glibc": 4, "fast": 2, "broken": 1}[name]))
        self.assertEqual(report["against_best"][ROW.key]["peer"], "broken")
        self.assertEqual(report["against_best"][ROW.key]["speed"]["median"], 0.5)

    def test_means_use_rows_that_all_have(self):
        report = make_report(mostly_fine)
        self.assertEqual(report["geometric_means"]["time"]["rows"], 0)
        report = make_report(lambda name, _n: result({"glibc": 4, "fast": 1, "broken": 8}[name]))
        self.assertEqual(report["geometric_means"]["time"]["means"],
                         {"glibc": 1, "fast": 0.25, "broken": 2})


class Page(unittest.TestCase):
    def test_is_self_contained_and_escapes(self):
        text = page.render(make_report(mostly_fine))
        self.assertNotRegex(text, r"<(script|link)[^>]*(src|href)=\"(?!data:)")
        self.assertNotIn("</script><b>", text)
        self.assertNotRegex(text, r"@[A-Z_]+@")
        self.assertIn("killed by SIGSEGV", text)

    def test_chart_data(self):
        text = page.render(make_report(mostly_fine))
        data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.S).group(1))
        self.assertEqual(data["time"]["rows"], [ROW.key, OTHER.key])
        fast, broken = data["time"]["series"]
        self.assertEqual(fast["points"][0], [0.25, 0.25, 0.25])
        self.assertEqual(broken["points"], [None, None])


class Select(unittest.TestCase):
    PAIRS = Workload("producer-consumer", "speed", 2, 2, "")
    MIXED = Workload("random-mixed", "speed", 1, 1, "")

    def test_only_thread_counts_that_fit(self):
        keys = [row.key for row in select([self.PAIRS, self.MIXED], None, [1, 3, 4])]
        self.assertEqual(keys, ["producer-consumer/4", "random-mixed/1", "random-mixed/3",
                                "random-mixed/4"])

    def test_a_named_workload_without_a_row_is_an_error(self):
        with self.assertRaisesRegex(UsageError, "needs at least 2 threads"):
            select([self.PAIRS], ["producer-consumer"], [1])

    def test_an_unknown_workload_is_an_error(self):
        with self.assertRaisesRegex(UsageError, "no workload 'nope'"):
            select([self.PAIRS], ["nope"], [2])


if __name__ == "__main__":
    unittest.main()
