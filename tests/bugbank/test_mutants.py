# SPDX-License-Identifier: MIT
"""The mutation operators, and which lines they are run over."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "ci/lib"))

# pylint: disable=wrong-import-position
from hakci import bugbank_mutate, bugbank_orders, bugbank_since, common  # noqa: E402
from hakci.bugbank_operators import mutants  # noqa: E402

ALL = range(1, 10**6)
ORDERS = bugbank_orders.macros()
STRENGTH = {"relaxed": 0, "acquire": 1, "release": 1, "acq_rel": 2, "seq_cst": 3}
ORDERED = {name for name, (_, body) in ORDERS.items()
           if any(STRENGTH[order] for order in re.findall(r"memory_order_(\w+)", body))}


def changes(text, operator, wanted=ALL):
    """What becomes of the text with one operator."""
    return [changed for _, name, changed in mutants(text, wanted) if name == operator]


def call_of(name):
    """The operation on an `a`, as a statement."""
    values = {"p": "&a", "v": "1u", "expected": "&e"}
    return f"{name}({', '.join(values[word] for word in ORDERS[name][0])})"


class Orders(unittest.TestCase):
    def test_atomic_h_is_understood(self):
        text = (ROOT / bugbank_orders.ATOMIC_H).read_text(encoding="utf-8")
        self.assertEqual(set(ORDERS), set(re.findall(r"^#define (hak_\w+)\(", text, re.M)))
        self.assertEqual({name for name in ORDERS if not name.endswith("_relaxed")}, ORDERED)
        self.assertGreater(len(ORDERED), 8)

    def test_each_operation_with_an_order_gets_a_weaker_one(self):
        for name in ORDERS:
            found = changes(f"    {call_of(name)};\n", "weaken-order")
            with self.subTest(name):
                self.assertEqual(len(found), 0 if name not in ORDERED
                                 else 2 if name.endswith("acq_rel") else 1)
                self.assertNotIn(f"    {call_of(name)};\n", found)

    def strengths(self, expression):
        """The orders of an expression, with atomic.h's operations taken apart."""
        name = re.match(r"\s*(\w+)\(", expression)[1]
        body = ORDERS[name][1] if name in ORDERS else expression
        return [STRENGTH[order] for order in re.findall(r"memory_order_(\w+)", body)]

    def test_no_order_becomes_stronger_and_one_weaker(self):
        for name in ORDERED:
            before = self.strengths(call_of(name))
            for changed in changes(f"    {call_of(name)};\n", "weaken-order"):
                after = self.strengths(changed)
                with self.subTest(name, changed=changed):
                    self.assertEqual(len(before), len(after))
                    self.assertTrue(all(a <= b for a, b in zip(after, before)))
                    self.assertLess(sum(after), sum(before))

    def test_they_compile(self):
        compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or "clang"
        lines = [changed for name in ORDERED
                 for operator in ("weaken-order", "ignore-failed-cas")
                 for changed in changes(f"    {call_of(name)};\n", operator)]
        source = '#include "base/atomic.h"\n_Atomic unsigned a;\nvoid f(void);\nvoid f(void) {\n' \
                 f'    unsigned e = 0;\n{"".join(lines)}    (void)e;\n}}\n'
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "x.c"
            path.write_text(source, encoding="utf-8")
            done = subprocess.run([*compiler.split(), "-std=gnu11", "-w", "-fsyntax-only", "-I",
                                   str(ROOT / "src"), str(path)], capture_output=True, text=True,
                                  check=False, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_each_use_in_the_sources_is_mutated(self):
        for path in sorted((ROOT / "src").rglob("*.[ch]")):
            if path == ROOT / bugbank_orders.ATOMIC_H:
                continue
            text = path.read_text(encoding="utf-8")
            code = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m[0]), text, flags=re.S)
            used = {code[:found.start()].count("\n") + 1
                    for name in ORDERED for found in re.finditer(rf"\b{name}\(", code)}
            mutated = {line for line, name, _ in mutants(text, ALL) if name == "weaken-order"}
            self.assertEqual(used - mutated, set(), path)

    def test_a_call_in_several_lines(self):
        text = "    while (!hak_cas_acquire(&a,\n                            &e, f(1, 2))) {\n"
        changed, = changes(text, "weaken-order")
        self.assertEqual(changed, "    while (!atomic_compare_exchange_strong_explicit((&a), (&e), "
                                  "(f(1, 2)), memory_order_relaxed, memory_order_relaxed)) {\n"
                         .replace("(&e)", "(\n                            &e)"))


class Operators(unittest.TestCase):
    TEXT = "void f(void) {\n    hak_lock_acquire(&a);\n    if (n < m) {\n        n++;\n    }\n" \
           "    hak_assert(n <= m, TC_COUNT, n);\n}\n"

    def test_in_a_line(self):
        found = {(line, name) for line, name, _ in mutants(self.TEXT, ALL)}
        self.assertEqual(found, {(2, "drop-lock"), (3, "off-by-one"), (3, "reverse-condition"),
                                 (4, "skip-statement")})

    def test_only_the_lines_asked_for_change(self):
        for line, _, text in mutants(self.TEXT, {3}):
            self.assertEqual(line, 3)
            pairs = zip(self.TEXT.split("\n"), text.split("\n"))
            self.assertEqual([a == b for a, b in pairs].count(False), 1)

    def test_two_stores_change_places(self):
        for text, swapped in (
                ("    a->next = b;\n    hak_store_release(&c, a);\n",
                 "    hak_store_release(&c, a);\n    a->next = b;\n"),
                ("    a->next = b;\n    /* H2: publishes a. */\n    hak_store_release(&c, a);\n",
                 "    hak_store_release(&c, a);\n    /* H2: publishes a. */\n    a->next = b;\n"),
                ("    hak_store_relaxed(&c, 1);\n    hak_store_relaxed(&d, 1);\n",
                 "    hak_store_relaxed(&d, 1);\n    hak_store_relaxed(&c, 1);\n"),
                ("    b->prev = a;\n    a = b;\n", "    a = b;\n    b->prev = a;\n")):
            with self.subTest(text):
                self.assertEqual(changes(text, "swap-two-stores"), [swapped])

    def test_stores_that_can_stand_either_way_stay(self):
        for text in ("    a = 1;\n    b = 2;\n", "    any |= f();\n    any |= g();\n",
                     "    a->x = 1;\n        hak_store_release(&c, a);\n",
                     "    int x = 1;\n    hak_store_release(&c, x);\n"):
            with self.subTest(text):
                self.assertEqual(changes(text, "swap-two-stores"), [])

    def test_a_swap_is_made_when_either_line_was_asked_for(self):
        text = "    x = 1;\n    a->next = b;\n    hak_store_release(&c, a);\n"
        for wanted, count in (({1}, 0), ({2}, 1), ({3}, 1)):
            self.assertEqual(len(changes(text, "swap-two-stores", wanted)), count)

    def test_a_failed_compare_exchange_is_ignored(self):
        for text in ("    } while (!CALL);\n", "    if (hak_unlikely(!CALL)) {\n",
                     "    return CALL;\n"):
            call = "hak_cas_acquire(&a, &e, 1u)"
            with self.subTest(text):
                self.assertEqual(changes(text.replace("CALL", call), "ignore-failed-cas"),
                                 [text.replace("CALL", f"({call}, 1)")])

    def test_the_rest(self):
        for operator, text, changed in (
                ("skip-zeroing", "    return z ? b : memset(b, 0, f(n, 1));\n",
                 "    return z ? b : memset(b, 0, 0);\n"),
                ("skip-copy", "        memcpy(to, from, n < m ? n : m);\n",
                 "        memcpy(to, from, 0);\n"),
                ("drop-clamp", "    int n = a < s->b ? a : s->b;\n", "    int n = a;\n"),
                ("ignore-alignment", "    x = hak_round_up(n, page);\n", "    x = (n);\n"),
                ("ignore-alignment", "    return at % alignment_bytes;\n", "    return at % 1;\n")):
            with self.subTest(text):
                self.assertEqual(changes(text, operator), [changed])

    def test_every_operator_fits_some_line_of_the_sources(self):
        """And between them they can do what the bank plants by hand."""
        found = set()
        for path in sorted((ROOT / "src").rglob("*.[ch]")):
            found |= {name for _, name, _ in mutants(path.read_text(encoding="utf-8"), ALL)}
        self.assertEqual(found, {
            "weaken-order", "swap-two-stores", "ignore-failed-cas", "drop-lock", "drop-recheck",
            "off-by-one", "drop-clamp", "ignore-alignment", "skip-zeroing", "skip-copy",
            "skip-statement", "skip-call", "reverse-condition", "halve-or-double"})


class Since(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)
        self.folder = Path(self.scratch.name)

    def git(self, *words):
        subprocess.run(["git", "-C", str(self.folder), "-c", "user.name=n", "-c", "user.email=e",
                        *words], check=True, capture_output=True, timeout=60)

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def test_lines_that_a_change_touched(self):
        self.write("src/a/a.c", "1\n2\n3\n4\n5\n")
        self.write("src/a/gone.c", "1\n")
        self.git("init", "-q")
        self.git("add", "src")
        self.git("commit", "-qm", "one")
        self.write("src/a/a.c", "1\nchanged\n3\n5\nnew\nnew\n")
        self.write("src/a/b.h", "all\nnew\n")
        self.write("src/a/list.def", "not C\n")
        self.write("doc.c", "not below src\n")
        self.git("rm", "-q", "src/a/gone.c")
        self.git("add", ".")
        self.assertEqual(bugbank_since.changed_lines("HEAD", self.folder),
                         {"src/a/a.c": {2, 5, 6}, "src/a/b.h": {1, 2}})
        self.git("commit", "-qm", "two")
        self.assertEqual(bugbank_since.changed_lines("HEAD", self.folder), {})
        self.assertEqual(set(bugbank_since.changed_lines("HEAD^1", self.folder)),
                         {"src/a/a.c", "src/a/b.h"})

    def problem(self, revision):
        with self.assertRaises(common.UsageError) as caught:
            bugbank_since.changed_lines(revision, self.folder)
        return str(caught.exception)

    def test_errors(self):
        with mock.patch.dict(os.environ, {"GIT_CEILING_DIRECTORIES": str(self.folder.parent)}):
            self.assertIn("not a git clone", self.problem("HEAD"))
        self.git("init", "-q")
        for revision in ("HEAD", "no-such", "--all", ""):
            self.assertIn("no revision of this clone", self.problem(revision))
        with mock.patch.dict(os.environ, {"PATH": str(self.folder)}):
            self.assertIn("needs git", self.problem("HEAD"))

    def test_the_command_says_so_in_one_line(self):
        done = subprocess.run([str(ROOT / "ci/bugbank"), "--mutate-since", "no-such-revision"],
                              capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, r"\Aci/bugbank: --mutate-since.*\n\Z")

    def test_every_folder_of_the_sources_has_its_finders(self):
        folders = {path.name for path in (ROOT / "src").iterdir() if path.is_dir()}
        self.assertEqual(set(bugbank_mutate.WATCH), folders)
        for folder in folders:
            self.assertTrue(bugbank_mutate.finders_for(f"src/{folder}/x.c",
                                                       SimpleNamespace(finder=None)))


class Verdict(unittest.TestCase):
    ROWS = [{"killed_by": "unit x", "message": "m"}] * 3 + \
        [{"killed_by": None, "message": "survives"}] + \
        [{"killed_by": "", "message": "not tried"}] * 9

    def verdict(self, at_least, rows=None):
        result, good = bugbank_mutate.result_of(self.ROWS if rows is None else rows, "src/x.c",
                                                SimpleNamespace(at_least=at_least))
        self.assertEqual(result["verdict"], "pass" if good else "fail")
        return good

    def test_the_share_that_is_noticed_decides(self):
        self.assertTrue(self.verdict(75))
        self.assertFalse(self.verdict(76))
        self.assertTrue(self.verdict(100, []))
        self.assertFalse(self.verdict(1, [{"killed_by": None, "message": "survives"}]))

    def test_no_answer_is_no_success(self):
        self.assertFalse(self.verdict(0, self.ROWS[-9:]))
        self.assertTrue(self.verdict(100, [{"killed_by": "", "message": "does not build"}]))

    def test_the_time_begins_when_all_is_built(self):
        """A build that takes longer than --within leaves the mutants their time."""
        found = [bugbank_mutate.Mutant("src/os/x.c", 1, "skip-call", ";")]
        options = SimpleNamespace(mutate="src/os/x.c", mutate_since=None, within=5, at_least=100,
                                  json=None)
        bench = SimpleNamespace(in_order=lambda function, items: [(i, function(i)) for i in items])
        clock = iter([100.0, 200.0, 300.0, 400.0, 500.0])
        seen = []

        def look(_bench, _mutant, _options, ends_at):
            seen.append(ends_at)
            return {"killed_by": "unit x", "message": "m"}

        with mock.patch.multiple(bugbank_mutate, _of_lines=lambda _: found, _try=look,
                                 _prepare=lambda *_: [next(clock) for _ in range(3)]), \
                mock.patch("hakci.bugbank_mutate.time.monotonic", lambda: next(clock)), \
                mock.patch("builtins.print"):
            self.assertEqual(bugbank_mutate.run(options, bench), common.OK)
        self.assertEqual(seen, [405.0])  # after the three looks that preparing took


if __name__ == "__main__":
    unittest.main()
