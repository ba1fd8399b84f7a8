# SPDX-License-Identifier: MIT
"""classes.txt: every class of bug that escaped other allocators' tests is planted,
or says why not."""

import re
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "ci/lib"))

# pylint: disable=wrong-import-position
from hakci import bugbank_bugs  # noqa: E402

BANK = ROOT / "tests/bugbank"
BUGS = {bug.id: bug for bug in bugbank_bugs.load(BANK)}
TEXT = (BANK / "classes.txt").read_text(encoding="utf-8")
REASON = re.compile(r"none: \S.{20,}")


def short_names(text):
    """What the comments say the short names stand for."""
    comments = " ".join(line[1:] for line in text.splitlines() if line.startswith("#"))
    return dict(re.findall(r"\b([a-z]+) ([\w-]+/[\w-]+)[,.]", comments))


def rows(text):
    return [[cell.strip() for cell in line.split("|")] for line in text.splitlines()
            if line and not line.startswith("#")]


def places(seen, names):
    """`je 443, mi 809` -> (repository, number) of each."""
    found = []
    for place in seen.split(","):
        repository, _, number = place.strip().partition(" ")
        found.append((names.get(repository, repository), number))
    return found


def is_named(place, link):
    repository, number = place
    return link.startswith(f"https://github.com/{repository}") and \
        (not number or link.endswith(f"/{number}"))


def problems(text, bugs):
    """What is wrong with the list, given the bank."""
    found, planted, names = [], set(), short_names(text)
    for row in rows(text):
        if len(row) != 3 or not all(row):
            found.append(f"{row[0]}: not `class | seen | bugs`")
            continue
        name, seen, what = row
        found += [f"{name}: no repository {repository}"
                  for repository, _ in places(seen, names) if "/" not in repository]
        if what.startswith("none"):
            found += [] if REASON.fullmatch(what) else [f"{name}: no reason why it is not planted"]
            continue
        for bug in what.split(", "):
            planted.add(bug)
            links = bugs[bug].first("seen").split() if bug in bugs else []
            if bug not in bugs:
                found.append(f"{name}: no bug named {bug}")
            elif not any(is_named(place, link) for place in places(seen, names) for link in links):
                found.append(f"{name}: {bug} was not seen there")
    found += [f"{bug}: of no class" for bug in bugs
              if bug.startswith("escaped-") and bug not in planted]
    return found


class Classes(unittest.TestCase):
    def test_each_is_planted_or_says_why_not(self):
        self.assertEqual(problems(TEXT, BUGS), [])
        self.assertGreater(len(rows(TEXT)), 35)

    def test_no_class_stands_twice(self):
        names = [row[0] for row in rows(TEXT)]
        self.assertEqual(len(names), len(set(names)))


class TheseChecks(unittest.TestCase):
    """They can fail."""
    HEAD = "# je jemalloc/jemalloc.\n"
    BUG = {"escaped-x": BUGS["escaped-prefork-order"]}  # seen at je 315

    def test_what_is_wrong_is_said(self):
        for line, says in (("a | je 315 | escaped-x", None),
                           ("a | je 315 | none: no such thing is there at all\nb | je 315 | escaped-x",
                            None),
                           ("a | je 315 |", "not `class"),
                           ("a | je 315 | escaped-y", "no bug named"),
                           ("a | je 316 | escaped-x", "was not seen there"),
                           ("a | xx 315 | escaped-x", "no repository"),
                           ("a | je 315 | none: so", "no reason"),
                           ("a | je 315 | none: no such thing is there at all", "of no class")):
            with self.subTest(line):
                found = problems(self.HEAD + line + "\n", self.BUG)
                self.assertEqual(bool(found), says is not None, found)
                self.assertIn(says or "", " ".join(found))


if __name__ == "__main__":
    unittest.main()
