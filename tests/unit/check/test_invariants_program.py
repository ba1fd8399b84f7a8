# SPDX-License-Identifier: MIT
"""bin/hakmem-invariants: lists the whole catalogue, docs/INVARIANTS.md is what
it prints, and a wrong command line is one line and status 2.

Usage: test_invariants_program.py PROGRAM SOURCE_ROOT"""
import re
import subprocess
import sys
import unittest
from pathlib import Path

PROGRAM, ROOT = sys.argv[1], Path(sys.argv[2])
IDS = re.findall(r"^HAK_INVARIANT\((\w+),",
                 (ROOT / "src/base/invariants.def").read_text(encoding="utf-8"), re.M)


def run(*arguments, **options):
    return subprocess.run([PROGRAM, *arguments], text=True, capture_output=True, check=False,
                          **options)


class Program(unittest.TestCase):
    def test_list_is_the_catalogue_in_its_order(self):
        self.assertGreater(len(IDS), 40)
        self.assertEqual(run("--list").stdout.split(), IDS)

    def test_page_is_up_to_date(self):
        page = (ROOT / "docs/INVARIANTS.md").read_text(encoding="utf-8")
        self.assertEqual(page, run().stdout,
                         "run build/checked/bin/hakmem-invariants > docs/INVARIANTS.md")
        self.assertEqual(page, run("--markdown").stdout)

    def test_page_has_one_whole_row_for_each_invariant(self):
        rows = re.findall(r"^\| `([A-Z]\w+)` \| .* \|$", run().stdout, re.M)
        self.assertEqual(sorted(rows), sorted(IDS))
        for line in run().stdout.splitlines():
            if re.match(r"\| `[A-Z]", line):
                self.assertEqual(len(re.findall(r"(?<!\\)\|", line)), 5, line)

    def test_wrong_command_lines(self):
        for arguments in (["--lists"], ["extra"], ["--list=5"]):
            result = run(*arguments)
            self.assertEqual(result.returncode, 2, arguments)
            self.assertEqual(result.stdout, "")
            self.assertIn("hakmem-invariants: ", result.stderr)

    def test_help(self):
        result = run("--help")
        self.assertEqual(result.returncode, 0)
        self.assertIn("--markdown", result.stdout)

    def test_full_disk(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            result = subprocess.run([PROGRAM], stdout=full, stderr=subprocess.PIPE, text=True,
                                    check=False)
        self.assertEqual(result.returncode, 2)
        self.assertIn("cannot be written", result.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
