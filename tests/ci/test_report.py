# SPDX-License-Identifier: MIT
"""report.html in a browser: every section is there, charts are drawn, nothing is
fetched or complained about, in both colour schemes, at a phone's width. Each test
has a page on which it must fail."""

import json
import re
import unittest

from browser import Browser
from support import ROOT, Case
from hakci import report, report_data, report_memory, result

SECTIONS = ["stability", "adaptive", "map", "memory", "hunt", "fuzz", "bank", "bench", "stages",
            "times"]
PHONE, DESK = 320, 1100

TABLE = """overshoot: 1 schedules, 7 steps in 0.00 s
check failed: now <= 2: count 3, capacity 2 (overshoot.c:27)
 step | T1                     | T3                     | source
    1 |                        | start                  |
>   2 |                        | rmw count 2>3 relaxed  | overshoot.c:14  <-- breaks here
replay: hakmem-hunt --replay h1.x
"""


def stage(name, status="pass", command=(), **more):
    return {"name": name, "group": name.split(".")[0], "title": f"Stage {name}", "status": status,
            "reason": "", "exit_status": 0, "duration_s": 1.5, "limit_s": 9,
            "command": ["x", *command], "log": f"logs/{name}.log", "figures": {}, "tail": "", **more}


def hunted(scenario, schedules, found):
    finding = {"failure": "check failed", "text": "now <= 2", "found_by": "random"}
    return {"scenario": scenario, "strategy": "portfolio", "schedules": schedules, "steps": 9,
            "found": found, "complete": not found, **({"finding": finding} if found else {})}


def observed():
    slab = {"granule": 0, "granules": 1, "stride_bytes": 1024, "blocks": 64, "free": 20,
            "cached": 10, "held": 30, "remote": 4, "places": "h30c10f20r4"}
    return {"program": "hakmem-stress", "scenario": "expand", "threads": 4, "seed": 1,
            "observation": {
                "interval_s": 0.002,
                "samples": [{"at_s": i / 10, "mapped_bytes": (9 + i) << 20,
                             "live_bytes": i << 20, "resident_bytes": (5 + i) << 20}
                            for i in range(20)],
                "map": {"at_s": 0.9, "held_bytes": 30720, "superslabs_left_out": 0, "superslabs": [
                    {"heap": 0, "bitmap": 1, "dirty": 6, "slabs": [slab]},
                    {"heap": 1, "bitmap": 0x30, "dirty": 0, "slabs": [
                        {**slab, "granule": 4, "granules": 2, "stride_bytes": 2048}]}]}}}


FILES = {
    "stability": {"program": "hakmem-stability", "runs": 100, "passes": 100, "threads": 4, "seed": 1,
                  "failure_rate_bound": 0.0295, "scenarios": [
                      {"scenario": "mixed", "runs": 100, "failures": 0}]},
    "larson.1t": {"program": "larson <b>", "seconds": 2.0, "grow_lines": 2, "shrink_lines": 1,
                  "keep_lines": 0, "lowest_capacity": 64, "highest_capacity": 128,
                  "capacity_over_time": {"3": [[0.1, 64], [0.5, 128], [1.5, 64]],
                                         "4": [[0.2, 128]]}},
    "observe.expand": observed(),
    "hunt.lock": hunted("lock", 3000, False),
    "hunt.broken": hunted("broken", 12, True),
    "control.hunt.overshoot": hunted("overshoot", 1, True),
    "control.bugbank": {"program": "ci/bugbank", "bugs_planted": 1, "bugs_found": 1,
                        "controls": [{"runs": [{"verdict": "not found"}]}], "bugs": [
                            {"detector": "stress", "breaks": "a refill is not clamped",
                             "finder": "stress mixed", "message": "TC_REFILL_CLAMP", "found": True,
                             "seconds": 0.5, "verdict": "found"}]},
    "performance": {"program": "ci/bench --gate", "measured": {"instructions": {"pair-1": 36.0}},
                    "ceilings": {"version": 1, "instructions": {"pair-1": 36.5}}},
    "coverage.fuzz": {"l25": {"lines": 92.2, "branches": 87.3}},
}
BENCH = {"allocators": ["glibc", "hakmem"], "reference": "glibc", "rows": {}, "facts": {},
         "geometric_means": {name: {"rows": 3, "means": {"glibc": 1.0, "hakmem": 0.7}}
                             for name in ("time", "peak_rss")}}
OPTIONS = {"observe.expand": "--observe", "larson.1t": "--out"}


class Report(Case):
    @classmethod
    def setUpClass(cls):
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)

    def setUp(self):
        super().setUp()
        self.browser.look(DESK)
        found = report_data.bench_results
        self.addCleanup(setattr, report.report_proofs, "bench_results", found)
        report.report_proofs.bench_results = lambda: (BENCH, {})

    def make(self, without=(), edit=lambda text: text):
        """The page of a run whose stages wrote FILES, perhaps changed by `edit`."""
        run = result.new("quick", 7, 4)
        for name, value in FILES.items():
            path = self.folder / f"{name}.json"
            if name not in without:
                path.write_text(json.dumps(value))
            self.write(f"logs/{name}.log", "$ x\n" + TABLE)
            run["stages"].append(stage(name, command=[OPTIONS.get(name, "--json"), str(path)]))
        run["stages"][0].update(status="fail", reason="exit status 1", tail="why\n" * 9)
        run["stages"].append(stage("fuzz.fuzz_l25", figures={"executions": 99}))
        result.close(run, 12.3, interrupted=False)
        text = edit(report.page(run, self.folder))
        return self.write("report.html", text)

    def show(self, width=DESK, scheme="light", **how):
        self.browser.look(width, scheme=scheme)
        self.browser.open(self.make(**how))

    # What is wrong with the page that is shown; [] if nothing is.

    def noise(self):
        """Errors and warnings, and whatever was asked for beside the page itself."""
        elsewhere = [url for url in self.browser.requests
                     if not url.startswith(("data:", f"file://{self.folder}/report.html"))]
        return self.browser.problems + elsewhere

    def missing_sections(self):
        shown = self.browser.run("""[...document.querySelectorAll("section")]
            .filter(s => s.getBoundingClientRect().height > 40 && s.querySelector("h2").innerText
              && s.querySelector(".what").innerText.includes("Bad would be")).map(s => s.id)""")
        return [name for name in SECTIONS if name not in shown]

    def blank_canvases(self):
        """Canvases with fewer than three colours: nothing is drawn on them."""
        return self.browser.run("""[...document.querySelectorAll("canvas")].filter(canvas => {
            if (canvas.width * canvas.height < 1000) { return true; }
            const data = canvas.getContext("2d").getImageData(0, 0, canvas.width,
              canvas.height).data;
            const seen = new Set();
            for (let i = 0; i < data.length && seen.size < 3; i += 4) {
              seen.add(data[i] << 24 | data[i + 1] << 16 | data[i + 2] << 8 | data[i + 3]);
            }
            return seen.size < 3;
          }).map(canvas => canvas.id)""")

    def too_wide(self):
        """What makes the page scroll sideways."""
        return self.browser.run("""(({ clientWidth, scrollWidth }) =>
            scrollWidth <= clientWidth ? [] : [...document.querySelectorAll("main *")].filter(e =>
                e.getBoundingClientRect().right > clientWidth + 1 && !e.closest(".scroll, pre"))
              .map(e => e.tagName + "." + e.className).concat("page"))(document.documentElement)""")

    def faint_texts(self):
        """Texts with less contrast to what is behind them than 4.5 to 1 (WCAG AA)."""
        return self.browser.run("""(() => {
            const rgb = text => text.match(/[\\d.]+/g).map(Number);
            const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
              .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
              .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
            const behind = e => {
              for (; e; e = e.parentElement) {
                const c = rgb(getComputedStyle(e).backgroundColor);
                if (c.length === 3 || c[3] > 0) { return c; }
              }
              return [255, 255, 255];
            };
            return [...document.querySelectorAll("body *")].filter(e =>
                [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) &&
                !["SCRIPT", "STYLE"].includes(e.tagName)).filter(e => {
              const [a, b] = [light(rgb(getComputedStyle(e).color)), light(behind(e))];
              return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5;
            }).map(e => e.tagName + "." + e.className + ": " + e.textContent.slice(0, 30));
          })()""")

    def unnamed(self):
        """What a reader of the screen's text would have no words for."""
        return self.browser.run("""[
            ...[...document.querySelectorAll("canvas")].filter(c =>
              c.getAttribute("role") !== "img" || (c.getAttribute("aria-label") || "").length < 15),
            ...[...document.querySelectorAll("table")].filter(t => !t.caption),
            ...[...document.querySelectorAll("section")].filter(s => !document.getElementById(
              s.getAttribute("aria-labelledby")))].map(e => e.tagName + "#" + e.id)""")

    # The tests: a good page, and a page that must not pass.

    def test_nothing_complains_and_nothing_is_fetched(self):
        self.show()
        self.assertEqual(self.noise(), [])
        self.show(edit=lambda text: text.replace("const charts = {", "const chart = {"))
        self.assertIn("charts is not defined", self.noise()[0])
        self.show(edit=lambda text: text.replace("<main>", "<main><img alt='' src='none.png'>"))
        self.assertTrue(any("none.png" in url for url in self.noise()))

    def test_every_section_is_there(self):
        self.show()
        self.assertEqual(self.missing_sections(), [])
        self.show(edit=lambda text: text.replace('<section id="memory"', '<section id="x" hidden'))
        self.assertEqual(self.missing_sections(), ["memory"])

    def test_charts_are_drawn_in_both_schemes_and_at_both_widths(self):
        for width in (DESK, PHONE):
            for scheme in ("light", "dark"):
                with self.subTest(width=width, scheme=scheme):
                    self.show(width, scheme)
                    self.assertGreaterEqual(self.browser.run(
                        "document.querySelectorAll('canvas').length"), 8)
                    self.assertEqual(self.blank_canvases(), [])
        self.show(edit=lambda text: text.replace("drawMap(drawing);", ""))
        self.assertEqual(self.blank_canvases(), ["map-0-0", "map-0-1"])
        self.show(edit=lambda text: text.replace("\ndraw();\n", "\n"))
        self.assertGreaterEqual(len(self.blank_canvases()), 8)

    def test_every_kind_of_chart_is_among_them(self):
        self.show()
        kinds = self.browser.run("[...new Set(drawings.map(d => d.kind))].sort()")
        self.assertEqual(kinds, ["bars", "bound", "groups", "lanes", "lines", "map"])
        self.assertEqual(kinds, sorted(self.browser.run("Object.keys(charts).concat('map')")))

    def test_a_phone_does_not_scroll_sideways(self):
        self.show(PHONE)
        self.browser.run("document.querySelectorAll('details').forEach(d => d.open = true)")
        self.assertEqual(self.too_wide(), [])
        self.show(PHONE, edit=lambda text: text.replace(
            "<style>", "<style>.card { min-width: 600px; }"))
        self.assertIn("page", self.too_wide())

    def test_texts_can_be_read_in_both_schemes(self):
        grounds = set()
        for scheme in ("light", "dark"):
            self.show(scheme=scheme)
            grounds.add(self.browser.run("getComputedStyle(document.body).backgroundColor"))
            self.browser.run("document.querySelectorAll('details').forEach(d => d.open = true)")
            self.assertEqual(self.faint_texts(), [], scheme)
            self.show(scheme=scheme, edit=lambda text: text.replace(
                "</style>", ".what { color: #999 } @media (prefers-color-scheme: dark)"
                "{ .what { color: #555 } }</style>"))
            self.assertGreaterEqual(len(self.faint_texts()), len(SECTIONS), scheme)
        self.assertEqual(len(grounds), 2)

    def test_charts_follow_a_change_of_the_scheme(self):
        self.show()
        before = self.browser.run("document.getElementById('memory-0').toDataURL()")
        self.browser.look(DESK, scheme="dark")
        self.browser.run("new Promise(done => setTimeout(done, 200))")
        after = self.browser.run("document.getElementById('memory-0').toDataURL()")
        self.assertNotEqual(before, after)
        self.assertEqual(self.blank_canvases(), [])

    def test_pictures_and_tables_have_words(self):
        self.show()
        self.assertEqual(self.unnamed(), [])
        self.show(edit=lambda text: text.replace("aria-label=", "data-label=")
                  .replace("<caption>", "<!--").replace("</caption>", "-->"))
        self.assertGreaterEqual(len(self.unnamed()), 10)

    def test_the_verdict_and_the_failure_come_first(self):
        self.show()
        top = self.browser.run("document.querySelector('header').innerText")
        self.assertTrue(top.startswith("hakmem: FAIL"))
        self.assertIn("Stage stability: exit status 1", top)
        self.browser.run("location.hash = 'stage-larson.1t'")
        self.browser.run("new Promise(done => setTimeout(done, 100))")
        self.assertTrue(self.browser.run("document.getElementById('stage-larson.1t').open"))

    def test_classes_are_shown_with_the_size_that_the_docs_say(self):
        text = (ROOT / "docs/ADAPTIVE.md").read_text(encoding="utf-8")
        rows = re.findall(r"^\| (\d+) to (\d+) \| (\d+) to (\d+)( KiB)? \|", text, re.M)
        self.assertEqual(len(rows), 10)
        for first, last, low, high, unit in rows:
            sizes = [report_memory.class_bytes(int(number)) for number in (first, last)]
            self.assertEqual(sizes, [int(size) * (1024 if unit else 1) for size in (low, high)])

    def test_a_failure_of_the_hunt_shows_its_table(self):
        self.show()
        shown = self.browser.run("document.querySelector('#hunt > pre').innerText")
        self.assertTrue(shown.startswith("check failed: now <= 2"), shown)
        self.assertIn("<-- breaks here", shown)
        self.assertIn("1 of 1 planted races found",
                      self.browser.run("document.getElementById('hunt').innerText"))

    def test_a_granule_says_what_is_in_it(self):
        self.show()
        hint = """(() => { const c = document.getElementById("map-0-0");
            const e = new MouseEvent("pointerdown", {});
            Object.defineProperties(e, { offsetX: { value: AT }, offsetY: { value: 2 } });
            c.onpointerdown(e); return document.getElementById("map-hint-0").innerText; })()"""
        self.assertEqual(self.browser.run(hint.replace("AT", "2")),
                         "Granule 0: a slab of 1024-byte blocks; of 64: 30 held, 10 cached, "
                         "4 remote, 20 free.")
        self.assertIn("may still be resident",
                      self.browser.run(hint.replace("AT", "c.clientWidth / 8 + 2")))

    def test_sections_without_data_say_why(self):
        report.report_proofs.bench_results = lambda: ({}, {})
        self.show(without=FILES)
        self.assertEqual((self.noise(), self.missing_sections(), self.blank_canvases()),
                         ([], [], []))
        for name, words in (("stability", "stability failed before it wrote any (exit status 1)"),
                            ("adaptive", "larson.1t passed and wrote no figures"),
                            ("map", "observe.expand passed"), ("memory", "observe.expand passed"),
                            ("hunt", "hunt.lock passed"), ("fuzz", "coverage.fuzz passed"),
                            ("bank", "control.bugbank passed"), ("bench", "ci/bench has not been")):
            text = self.browser.run(f"document.querySelector('#{name} .none').innerText")
            self.assertIn(words, text)
            self.assertEqual(text.count("\n"), 0)


if __name__ == "__main__":
    unittest.main()
