# SPDX-License-Identifier: MIT
"""Each check of the sources passes on a good tree and finds the one thing
that is wrong in a bad one."""

import unittest

from support import Case
from hakci import checks_compilers, checks_source, tree

LAYERS = "# Layers\n\n| layer | folder | holds |\n| --- | --- | --- |\n" \
         "| 0 | base | constants |\n| 1 | os | the kernel |\n| 3 | `src/l25/` | runs |\n" \
         "| 3 | big | mappings |\n"


class IncludeOrder(Case):
    def setUp(self):
        super().setUp()
        self.write("src/README.md", LAYERS)
        self.write("src/base/a.h", "")
        self.write("src/os/os.h", '#include "base/a.h"\n')
        self.write("src/l25/l25.h", "")
        self.write("src/big/big.c", '#include "big.h"\n#include "os/os.h"\n#include <stdio.h>\n')
        self.write("include/hakmem.h", "")
        self.write("src/big/big.h", '#include "hakmem.h"\n')

    def check(self):
        return list(checks_source.include_order(self.folder))

    def test_downward_is_right(self):
        self.assertEqual(self.check(), [])

    def test_upward(self):
        self.write("src/base/b.c", '\n# include "os/os.h"\n')
        self.assert_problem(self.check(), "src/base/b.c:2", "up", "layer 1")

    def test_sideways(self):
        self.write("src/big/c.c", '#include "l25/l25.h"\n')
        self.assert_problem(self.check(), "sideways")

    def test_by_a_relative_path(self):
        self.write("src/base/b.c", '#include "../os/os.h"\n')
        self.assert_problem(self.check(), "in no layer")

    def test_what_is_not_there(self):
        self.write("src/os/b.c", '#include "base/none.h"\n')
        self.assert_problem(self.check(), "does not exist")

    def test_a_folder_without_a_row(self):
        self.write("src/extra/b.c", "")
        self.assert_problem(self.check(), "src/extra/ has no row")

    def test_no_table(self):
        self.write("src/README.md", "# Layers\n")
        self.assert_problem(self.check(), "no table of layers")


class Warnings(Case):
    FLAGS = "target_compile_options(f INTERFACE -Wall -Wextra)\n"

    def check(self, text):
        self.write("cmake/Flags.cmake", self.FLAGS)
        self.write("src/base/a.c", text)
        return list(checks_compilers.warnings(self.folder))

    def test_none(self):
        self.assertEqual(self.check("int a(void);\nint a(void) { return HAK_CHECK_LEVEL; }\n"), [])

    def test_what_only_a_check_reads(self):
        problems = self.check("#if HAK_CHECK_LEVEL\n#define look(x) ((void)(x))\n#else\n"
                              "#define look(x) ((void)0)\n#endif\n"
                              "void a(int b);\nvoid a(int b) { int c = 0; c += b; look(c); }\n")
        self.assert_problem(problems, "clang, check level 0", "src/base/a.c:7")

    def test_what_does_not_compile(self):
        problems = self.check("int a(void);\nint a(void) { return b; }\n")
        self.assertEqual(len(problems), 4, "two compilers, two levels")
        self.assert_problem(problems[1:2], "gcc, check level 3", "src/base/a.c:2")

    def test_without_the_flags_nothing_is_found(self):
        self.FLAGS = "# none\n"
        self.assertEqual(self.check("static int unused;\n"), [])


class ConditionalsInBodies(Case):
    def check(self, text):
        self.write("src/base/a.c", text)
        return list(checks_source.conditionals_in_bodies(self.folder))

    def test_outside_bodies(self):
        self.assertEqual(self.check("""
#if A
int f(void) { return 1; }
#else
int f(void)
{
    return 2; /* #if in a comment
#if */
}
#endif
struct __attribute__((packed)) s {
#ifdef A
    int a;
#endif
};
enum { A,
#ifdef A
B
#endif
};
static const struct s table[] = {
#if A
    {f(1)},
#endif
};
#define M(x) do { \\
    } while (0
#if B
#endif
"""), [])

    def test_in_a_body(self):
        self.assert_problem(self.check("int f(int a)\n{\n    a++;\n  # ifdef B\n    a++;\n}\n"),
                            "a.c:4", "# ifdef B")

    def test_in_a_nested_block_after_a_string_with_a_brace(self):
        self.assert_problem(
            self.check('int f(void) {\n    if (g("}")) {\n#if B\n    }\n}\n'), "a.c:3")

    def test_in_a_body_inside_extern_c(self):
        text = 'extern "C" {\n#if A\nint a;\n#endif\nvoid f(void) {\n#if A\n}\n}\n'
        self.assert_problem(self.check(text), "a.c:6")

    def test_after_a_body_ended(self):
        self.assertEqual(self.check("void f(void) {\n}\n#if A\n#endif\n"), [])


class FileRules(Case):
    GOOD = "/* SPDX-License-Identifier: MIT */\n"

    def test_good_files(self):
        self.write("src/a.c", self.GOOD)
        self.write("ci/tool", "#!/bin/sh\n# SPDX-License-Identifier: MIT\n")
        self.write("fuzz/corpus/api/one", "no code")
        self.write("docs/page.md", "no code")
        self.assertEqual(list(checks_source.spdx(self.folder)), [])
        self.assertEqual(list(checks_source.file_length(self.folder)), [])

    def test_no_licence(self):
        self.write("stress/a.c", "\n\n\n" + self.GOOD)
        self.assert_problem(checks_source.spdx(self.folder), "stress/a.c")

    def test_a_script_without_licence(self):
        self.write("ci/tool", "#!/bin/sh\n")
        self.assert_problem(checks_source.spdx(self.folder), "ci/tool")

    def test_too_long(self):
        self.write("src/a.c", self.GOOD + "\n" * (checks_source.MAX_LINES - 1))
        self.assertEqual(list(checks_source.file_length(self.folder)), [])
        self.write("src/a.c", self.GOOD + "\n" * checks_source.MAX_LINES)
        self.assert_problem(checks_source.file_length(self.folder), "src/a.c: 451 lines")


class FieldTags(Case):
    def check(self, text, path="src/a/a.h"):
        self.write(path, text)
        return list(checks_source.field_tags(self.folder))

    def test_tagged_fields(self):
        self.assertEqual(self.check("""
/* What it is. */
struct a {
    /* The owner's line. */
    char *start;              /* const while carved */
    uint64_t bits, more;      /* owner: the words */
    _Atomic uint64_t *remote; /* atomic */
    uint32_t count;           /* lock(shard) */
    uint32_t sum;             /* derived: of the counts */
    HAK_CACHE_ALIGNED struct hak_lock lock;
};

struct b;
static int not_a_field;
"""), [])

    def test_one_for_all(self):
        self.assertEqual(self.check("/* What it is.\n * Every field: const. */\nstruct a {\n"
                                    "    int one;\n    int two; /* bytes */\n};\n"), [])

    def test_a_field_without(self):
        for text, field in (
                ("struct a {\n    int one; /* owner */\n    int two;\n};\n", "src/a/a.h:3: int two"),
                ("struct a {\n    int one; /* bytes */\n};\n", "src/a/a.h:2: int one"),
                ("static __thread struct {\n    int one;\n} mine;\n", "src/a/a.h:2: int one"),
                ("struct a {\n    struct {\n        int deep;\n    } x; /* owner */\n};\n",
                 "src/a/a.h:3: int deep"),
                ("struct a {\n    const char *text;\n};\n", "src/a/a.h:2: const char *text"),
                ("/* Every field: mine. */\nstruct a {\n    int one;\n};\n", "src/a/a.h:3: int one"),
                ("/* Every field: owner. */\nint x;\nstruct a {\n    int one;\n};\n",
                 "src/a/a.h:4: int one"),
                ("/* Every field: owner. */\nstruct a {\n    int one;\n};\n"
                 "struct b {\n    int two;\n};\n", "src/a/a.h:6: int two")):
            self.assert_problem(self.check(text), field)

    def test_sources_too_and_only_those_of_the_allocator(self):
        text = "struct a {\n    int one;\n};\n"
        self.assertEqual(self.check(text, "tests/a.h"), [])
        self.assert_problem(self.check(text, "src/a/b.c"), "src/a/b.c:2: int one")


class Tree(Case):
    def test_build_products_are_no_sources(self):
        self.write("build/release/a.c", "")
        self.write("src/a.c", "")
        self.assertEqual([str(path) for path in tree.files(self.folder)], ["src/a.c"])

    def test_a_git_that_fails_is_no_empty_tree(self):
        self.write(".git", "gitdir: /none\n")
        self.write("src/a.c", "")
        self.assertIn("src/a.c", [str(path) for path in tree.files(self.folder)])


if __name__ == "__main__":
    unittest.main()
