# SPDX-License-Identifier: MIT
"""hakmem, the runner: which library it takes, what it passes on, what it refuses. The
libraries here are stand-ins in a tree of their own; the C library's loader accepts any
shared object as a preload."""
import glob
import os
import shutil
import subprocess
import unittest

from drivers import DriverTest, program

STAND_IN = next(iter(glob.glob("/lib/*/libm.so.6") + glob.glob("/lib64/libm.so.6")))


class Runner(DriverTest):
    def tree(self, preset, *libraries):
        """A build tree with the runner and stand-ins for its libraries."""
        for folder in ("bin", "lib"):
            os.makedirs(self.path(f"{preset}/{folder}"), exist_ok=True)
        shutil.copy(program("hakmem"), self.path(f"{preset}/bin/hakmem"))
        for library in libraries:
            shutil.copy(STAND_IN, self.path(f"{preset}/lib/{library}"))
        return self.path(f"{preset}/bin/hakmem")

    def start(self, *arguments, **environment):
        merged = {"PATH": os.environ["PATH"], **environment}
        return subprocess.run(arguments, env=merged, capture_output=True, text=True, timeout=60)

    def preload_of(self, *arguments, **environment):
        result = self.start(*arguments, "--", "sh", "-c", 'echo "$LD_PRELOAD"', **environment)
        self.assert_exit(result, 0)
        return result.stdout.strip()

    def test_library_beside_it(self):
        runner = self.tree("release", "libhakmem.so")
        self.assertEqual(self.preload_of(runner), self.path("release/lib/libhakmem.so"))

    def test_library_of_the_neighbouring_build(self):
        release = self.tree("release", "libhakmem.so")
        checked = self.tree("checked", "libhakmem-checked.so")
        wanted_release = self.path("release/lib/libhakmem.so")
        wanted_checked = self.path("checked/lib/libhakmem-checked.so")
        self.assertEqual(self.preload_of(release, "--checked"), wanted_checked)
        self.assertEqual(self.preload_of(checked, "--release"), wanted_release)
        self.assertEqual(self.preload_of(checked), wanted_checked)
        self.assertEqual(self.preload_of(self.tree("asan")), wanted_release)

    def test_it_works_through_a_link_to_it(self):
        os.symlink(self.tree("release", "libhakmem.so"), self.path("hakmem"))
        self.assertEqual(self.preload_of(self.path("hakmem")),
                         self.path("release/lib/libhakmem.so"))

    def test_an_existing_preload_is_kept(self):
        runner = self.tree("release", "libhakmem.so")
        self.assertEqual(self.preload_of(runner, LD_PRELOAD=STAND_IN),
                         self.path("release/lib/libhakmem.so") + ":" + STAND_IN)

    def test_stats_set_their_variable(self):
        runner = self.tree("release", "libhakmem.so")
        show = ["sh", "-c", 'echo "<$HAKMEM_STATS>"']
        self.assertEqual(self.start(runner, "--stats", "--", *show).stdout, "<1>\n")
        self.assertEqual(self.start(runner, "--", *show).stdout, "<>\n")

    def test_exit_status_and_arguments_are_passed_on(self):
        runner = self.tree("release", "libhakmem.so")
        self.assert_exit(self.start(runner, "--", "sh", "-c", "exit 42"), 42)
        self.assert_exit(self.start(runner, "--", "sh", "-c", "kill -9 $$"), -9)
        result = self.start(runner, "echo", "--checked", "a b", "--")
        self.assertEqual(result.stdout, "--checked a b --\n")

    def refused(self, status, words, *arguments):
        result = self.start(*arguments)
        self.assert_exit(result, status)
        self.assertRegex(result.stderr, words)
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)

    def test_what_cannot_be_run_is_one_line(self):
        runner = self.tree("release", "libhakmem.so")
        with open(self.path("plain"), "w", encoding="utf-8") as file:
            file.write("no program\n")
        self.refused(2, "no program given", runner)
        self.refused(2, "no program given", runner, "--stats", "--")
        self.refused(2, "exclude each other", runner, "--checked", "--release", "--", "true")
        self.refused(2, "no libhakmem-checked.so", runner, "--checked", "--", "true")
        self.refused(2, "no libhakmem.so", self.tree("empty/x"), "--", "true")
        self.refused(127, "no program 'nosuch-program'", runner, "--", "nosuch-program")
        self.refused(127, "no program '/nosuch/x'", runner, "--", "/nosuch/x")
        self.refused(126, "Permission denied", runner, "--", self.path("plain"))

    @unittest.skipUnless(shutil.which("cc"), "needs a C compiler")
    def test_a_static_program_is_refused(self):
        with open(self.path("main.c"), "w", encoding="utf-8") as file:
            file.write("int main(void) { return 0; }\n")
        subprocess.run(["cc", "-static", "-o", self.path("static"), self.path("main.c")], check=True)
        runner = self.tree("release", "libhakmem.so")
        self.refused(126, "statically linked", runner, "--", self.path("static"))

    def test_a_folder_that_ld_preload_cannot_name(self):
        runner = self.tree("with space", "libhakmem.so")
        self.refused(2, "no path with a space or colon in it; start hakmem through a symbolic link",
                     runner, "--", "true")
        os.symlink(self.path("with space"), self.path("without"))
        wanted = self.path("without/bin/../lib/libhakmem.so")
        self.assertEqual(self.preload_of(self.path("without/bin/hakmem")), wanted)
        result = self.start("sh", "-c", 'hakmem -- sh -c "echo \\$LD_PRELOAD"',
                            PATH=self.path("without/bin") + ":" + os.environ["PATH"])
        self.assertEqual(result.stdout, wanted + "\n")

    def test_help(self):
        result = self.start(program("hakmem"), "--help")
        self.assert_exit(result, 0)
        self.assertIn("--checked", result.stdout)


if __name__ == "__main__":
    unittest.main()
