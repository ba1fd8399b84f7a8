# SPDX-License-Identifier: MIT
"""The checks of libraries, on small libraries made here with gcc."""

import shutil
import subprocess
import unittest

from support import Case
from hakci import checks_library

CATALOGUE = '''/* SPDX-License-Identifier: MIT */
HAK_INVARIANT(TC_COUNT, "tcache", "step", "count <= capacity",
              "A cache never holds more (than, slots).")
HAK_INVARIANT(SS_CHAIN, "superslab", "step", "next->prev == this", "Whole, in both directions.")
'''
CLEAN = "void *malloc(unsigned long n) { return n ? (void *)8 : 0; }\n"


@unittest.skipUnless(shutil.which("gcc"), "gcc makes the libraries")
class Libraries(Case):
    def setUp(self):
        super().setUp()
        self.builds = {"release": self.folder / "r", "checked": self.folder / "c"}
        self.write("src/front/exports.txt", "# the family\nmalloc\n")
        self.write("src/base/invariants.def", CATALOGUE)

    def make(self, text, preset="release", name="libhakmem"):
        source = self.write("lib.c", text)
        folder = self.builds[preset] / "lib"
        folder.mkdir(parents=True, exist_ok=True)
        thing = folder / f"{name}.o"
        options = ["-w", "-fno-builtin", "-fPIC", "-O1"]
        subprocess.run(["gcc", *options, "-c", source, "-o", thing], check=True)
        subprocess.run(["gcc", "-shared", thing, "-o", folder / f"{name}.so"], check=True)
        subprocess.run(["ar", "rc", folder / f"{name}.a", thing], check=True)

    def exports(self):
        return checks_library.exports_release(self.folder, self.builds)

    def release_clean(self):
        return list(checks_library.release_clean(self.folder, self.builds))

    def test_right_exports(self):
        self.make(CLEAN)
        self.assertEqual(list(self.exports()), [])

    def test_an_export_too_many(self):
        self.make(CLEAN + "int helper(void) { return 1; }\n")
        self.assert_problem(self.exports(), "exports helper")

    def test_an_export_missing(self):
        self.write("src/front/exports.txt", "malloc\nfree\n")
        self.make(CLEAN)
        self.assert_problem(self.exports(), "does not export free")

    def test_no_list(self):
        (self.folder / "src/front/exports.txt").unlink()
        self.assert_problem(self.exports(), "is not there")

    def test_an_empty_list(self):
        self.write("src/front/exports.txt", "# none\n")
        self.assert_problem(self.exports(), "lists no symbol")

    def test_not_built(self):
        self.assert_problem(self.exports(), "is not built; run ci/build release")
        self.assertEqual(len(self.release_clean()), 2)

    def test_clean(self):
        self.make(CLEAN)
        self.assertEqual(self.release_clean(), [])

    def test_a_text_of_the_catalogue(self):
        self.make(CLEAN + 'const char *text = "x: count <= capacity\\n";\n')
        problems = self.release_clean()
        self.assertEqual(len(problems), 2, problems)  # in the .so and in the .a
        self.assertIn("invariant TC_COUNT: 'count <= capacity'", problems[0])

    def test_an_id_of_the_catalogue(self):
        self.make(CLEAN + 'const char *text = "SS_CHAIN";\n')
        self.assertEqual(len(self.release_clean()), 2)

    def test_an_id_in_debug_information(self):
        self.make(CLEAN + 'const char *text = "HAK_INV_SS_CHAIN";\n')
        self.assertEqual(len(self.release_clean()), 2)

    def test_an_id_inside_a_longer_word(self):
        self.make(CLEAN + 'const char *text = "PASS_CHAINED";\n')
        self.assertEqual(self.release_clean(), [])

    def test_check_symbols_even_static_ones(self):
        for name in ("hak_tcache_is_valid", "hak_tcache_verify", "hak_check_slow", "hak_guard_add",
                     "hak_invariant_failed", "hak_pause_at", "hak_slab_map_visit"):
            self.make(CLEAN + f"__attribute__((used)) static void {name}(void) {{}}\n")
            problems = self.release_clean()
            self.assertEqual(len(problems), 2, (name, problems))
            self.assertIn(name, problems[0])

    def test_the_public_question_is_no_check(self):
        self.make(CLEAN + "int hak_check_level(void) { return 0; }\n")
        self.assertEqual(self.release_clean(), [])

    def test_an_empty_catalogue(self):
        self.write("src/base/invariants.def", "/* nothing */\n")
        self.assert_problem(self.release_clean(), "no HAK_INVARIANT row")


class InvariantsDoc(Case):
    def check(self, kept, printed="# Invariants\nA\nB\n"):
        self.program("c/bin/hakmem-invariants", f"printf '%s' '{printed}'")
        if kept is not None:
            self.write("docs/INVARIANTS.md", kept)
        return checks_library.invariants_doc(self.folder, {"checked": self.folder / "c"})

    def test_fresh(self):
        self.assertEqual(list(self.check("# Invariants\nA\nB\n")), [])

    def test_stale(self):
        self.assert_problem(self.check("# Invariants\nA\n"), "stale", "1 lines differ", "+B")

    def test_absent(self):
        self.assert_problem(self.check(None), "stale")

    def test_not_built(self):
        self.assert_problem(checks_library.invariants_doc(self.folder, {"checked": self.folder}),
                            "not built")


if __name__ == "__main__":
    unittest.main()
