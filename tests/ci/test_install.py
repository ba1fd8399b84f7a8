# SPDX-License-Identifier: MIT
"""`cmake --install` to an empty prefix, and a small program built against it
with find_package(hakmem) and with pkg-config, shared and static, then run."""

import os
import re
import shlex
import subprocess
import unittest
from pathlib import Path

from support import Case

BUILD = Path(os.environ.get("HAKMEM_BUILD_DIR", ""))
CHECKED = (BUILD / "lib/libhakmem-checked.so").exists()
LIBRARY = "hakmem-checked" if CHECKED else "hakmem"
TARGETS = ("checked", "checked_static") if CHECKED else ("hakmem", "static")
COMPONENT = "checked" if CHECKED else "release"

# hak_malloc_usable_size() ends the program if malloc() is another allocator's.
CONSUMER = r"""
#include <hakmem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(void) {
    char *volatile block = malloc(100);
    struct hak_stats stats;
    if (block == NULL || hak_malloc_usable_size(block) < 100) {
        return 1;
    }
    memset(block, 1, 100);
    hak_free(block);
    hak_stats_read(&stats);
    printf("%s level=%d heaps=%d\n", hak_version(), hak_check_level() > 0, stats.heap_count > 0);
    return strcmp(hak_version(), HAKMEM_VERSION) != 0;
}
"""
EXPECTED = f"0.1.0 level={int(CHECKED)} heaps=1\n"

INLINE_CONSUMER = r"""
#include <hakmem_inline.h>
#include <stdio.h>
#include <stdlib.h>
__attribute__((noinline)) void *take(void) {
    return hak_malloc_inline(64);
}
int main(void) {
    for (int i = 0; i < 100000; i++) {
        free(take());
        void *block = malloc((size_t)i % 2000);
        hak_free_inline(block);
    }
    puts("ok");
    return 0;
}
"""

CMAKE = """
cmake_minimum_required(VERSION 3.25)
project(consumer C)
find_package(hakmem 0.1 REQUIRED COMPONENTS {component})
foreach(kind {targets})
  add_executable(consumer_${{kind}} consumer.c)
  target_link_libraries(consumer_${{kind}} PRIVATE hakmem::${{kind}})
  add_executable(consumer_lto_${{kind}} consumer.c)
  target_compile_options(consumer_lto_${{kind}} PRIVATE -O2 -flto)
  target_link_options(consumer_lto_${{kind}} PRIVATE -O2 -flto)
  target_link_libraries(consumer_lto_${{kind}} PRIVATE hakmem::${{kind}})
endforeach()
"""


@unittest.skipUnless(BUILD.parts, "HAKMEM_BUILD_DIR names the build to install (CTest sets it)")
class Install(Case):
    def setUp(self):
        super().setUp()
        self.prefix = self.folder / "prefix"
        self.command("cmake", "--install", BUILD, "--prefix", self.prefix)
        self.library_folder = next(self.prefix.glob(f"**/lib{LIBRARY}.so")).parent
        self.environment = {**os.environ, "LD_LIBRARY_PATH": str(self.library_folder)}
        self.write("consumer.c", CONSUMER)

    def command(self, *command, **options):
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True,
                              cwd=self.folder, check=False, **options)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def assert_runs(self, program):
        self.assertEqual(self.command(program, env=self.environment), EXPECTED)

    def test_what_is_installed(self):
        names = {str(path.relative_to(self.prefix)) for path in self.prefix.rglob("*")
                 if path.is_file()}
        for name in ("include/hakmem.h", "include/hakmem_inline.h", "share/doc/hakmem/LICENSE", "bin/hakmem",
                     "bin/hakmem-stress", "bin/hakmem-stability", "bin/larson_hakmem"):
            self.assertIn(name, names)
        for name in ("cmake/hakmem/hakmemConfig.cmake", "cmake/hakmem/hakmemConfigVersion.cmake",
                     f"pkgconfig/{LIBRARY}.pc", f"lib{LIBRARY}.a"):
            self.assertTrue((self.library_folder / name).exists(), name)

    def test_find_package(self):
        self.write("CMakeLists.txt", CMAKE.format(component=COMPONENT, targets=" ".join(TARGETS)))
        self.command("cmake", "-S", ".", "-B", "b", "-G", "Ninja",
                     f"-DCMAKE_PREFIX_PATH={self.prefix}")
        self.command("cmake", "--build", "b")
        for target in TARGETS:
            self.assert_runs(self.folder / "b" / f"consumer_{target}")
            self.assert_runs(self.folder / "b" / f"consumer_lto_{target}")

    def test_find_package_refuses_a_version_and_a_component_that_are_not_there(self):
        other = "release" if CHECKED else "checked"
        for asked in (f"hakmem 0.2 REQUIRED COMPONENTS {COMPONENT}",
                      f"hakmem REQUIRED COMPONENTS {other}"):
            self.write("CMakeLists.txt", CMAKE.format(component=COMPONENT, targets="").replace(
                f"hakmem 0.1 REQUIRED COMPONENTS {COMPONENT}", asked))
            done = subprocess.run(["cmake", "-S", ".", "-B", "c", "-G", "Ninja",
                                   f"-DCMAKE_PREFIX_PATH={self.prefix}"], cwd=self.folder,
                                  capture_output=True, text=True, check=False)
            self.assertNotEqual(done.returncode, 0, asked)
            self.assertIn("hakmem", done.stderr)

    def test_pkg_config(self):
        environment = {**os.environ, "PKG_CONFIG_PATH": str(self.library_folder / "pkgconfig")}
        self.assertEqual(
            self.command("pkg-config", "--modversion", LIBRARY, env=environment), "0.1.0\n")
        flags = shlex.split(self.command(
            "pkg-config", "--cflags", "--libs", LIBRARY, env=environment))
        self.command("gcc", "consumer.c", "-o", "shared", *flags)
        self.assert_runs(self.folder / "shared")
        static = [f"-l:lib{LIBRARY}.a" if flag == f"-l{LIBRARY}" else flag for flag in flags]
        self.command("gcc", "consumer.c", "-o", "static", *static, "-lpthread")
        self.assert_runs(self.folder / "static")

    def test_the_headers_compile_without_a_warning(self):
        flags = shlex.split(self.command(
            "pkg-config", "--cflags", LIBRARY,
            env={**os.environ, "PKG_CONFIG_PATH": str(self.library_folder / "pkgconfig")}))
        for header in "hakmem.h", "hakmem_inline.h":
            self.write("header.c", f"#include <{header}>\n"
                                   "size_t used(void);\n"
                                   "size_t used(void) { return hak_mallinfo2().uordblks; }\n")
            for compiler, language in (("gcc", "c11"), ("clang", "c11"), ("g++", "c++17"),
                                       ("clang++", "c++17")):
                with self.subTest(header=header, compiler=compiler):
                    self.command(compiler, "-x", "c++" if "++" in language else "c",
                                 f"-std={language}", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
                                 *flags, "-c", "header.c", "-o", "header.o")

    def link_inline(self, *flags):
        self.write("inline.c", INLINE_CONSUMER)
        return subprocess.run(
            ["gcc", *flags, "inline.c", "-o", "inline", f"-I{self.prefix}/include",
             str(self.library_folder / f"lib{LIBRARY}.a"), "-lpthread"],
            capture_output=True, text=True, cwd=self.folder, check=False)

    def test_inlined_calls_link_with_the_static_release_library_only(self):
        for flags in ("-O0",), ("-O2",), ("-O3", "-flto"):
            done = self.link_inline(*flags)
            if CHECKED:
                self.assertNotEqual(done.returncode, 0)
                self.assertIn("hak_inline_abi_1", done.stderr)
            else:
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(self.command(self.folder / "inline"), "ok\n")

    @unittest.skipIf(CHECKED, "nothing is inlined")
    def test_a_hit_calls_nothing(self):
        self.assertEqual(self.link_inline("-O2").returncode, 0)
        code = self.command("objdump", "-d", "--no-show-raw-insn", "--disassemble=take", "inline")
        self.assertIn("ret", code)
        calls = [line for line in code.splitlines() if re.search(r"\b(call|jmp)\b.*<hak_", line)]
        self.assertEqual(len(calls), 1, code)  # only the miss's


if __name__ == "__main__":
    unittest.main()
