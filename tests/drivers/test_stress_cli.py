# SPDX-License-Identifier: MIT
"""hakmem-stress: its command line, its result file, and what only hakmem can show
(invariants walked, caches that grow and shrink)."""
import os
import unittest

from drivers import CHECK_LEVEL, HAS_WORKER, SANITIZER, DriverTest, run

SCENARIOS = ("larson mixed remote expand shrink churn fork realloc aligned big l25 oom tls_dtor "
             "dlopen affinity pause").split()


class CommandLine(DriverTest):
    def test_list_names_every_scenario(self):
        result = run(["hakmem-stress", "--list"])
        self.assert_exit(result, 0)
        listed = [line.split()[0] for line in result.stdout.splitlines()]
        absent = (["oom"] if SANITIZER else []) + (["dlopen"] if "memory" in SANITIZER else [])
        wanted = [s for s in SCENARIOS if s not in absent]
        self.assertEqual(listed, wanted)

    def test_help(self):
        result = run(["hakmem-stress", "--help"])
        self.assert_exit(result, 0)
        for option in ("--threads", "--seed", "--seconds", "--operations", "--json", "--library"):
            self.assertIn(option, result.stdout)

    def test_usage_errors_are_one_line(self):
        for arguments, words in [
                ([], "name a scenario"),
                (["nosuch"], "no scenario 'nosuch'"),
                (["mixed", "larson"], "'larson' is one too many"),
                (["mixed", "--threads", "0"], "--threads is '0'"),
                (["mixed", "--threads", "257"], "from 1 to 256"),
                (["mixed", "--threads", "four"], "--threads is 'four'"),
                (["mixed", "--seed", "-1"], "--seed is '-1'"),
                (["mixed", "--seconds", "0"], "--seconds is '0'"),
                (["mixed", "--seconds", "nan"], "--seconds is 'nan'"),
                (["mixed", "--seconds", "1e9"], "--seconds is '1e9'"),
                (["mixed", "--operations", "0"], "--operations is '0'"),
                (["mixed", "--seconds", "1", "--operations", "5"], "exclude each other"),
                (["mixed", "--timeout", ""], "--timeout is ''"),
                (["mixed", "--library", "/nonexistent.so"], "no library '/nonexistent.so'"),
                (["mixed", "--library", "/usr/lib"], "no library '/usr/lib'; name the file")]:
            with self.subTest(arguments=arguments):
                self.assert_usage(["hakmem-stress"] + arguments, words)

    @unittest.skipIf(SANITIZER, "no preloading under sanitizers")
    def test_a_preload_that_is_no_malloc_is_refused(self):
        with open(self.path("text.so"), "w", encoding="utf-8") as file:
            file.write("not a library\n")
        result = run(["hakmem-stress", "mixed", "--library", self.path("text.so")])
        self.assert_exit(result, 2)
        self.assertIn("not a library that defines malloc", result.stderr)

    @unittest.skipUnless(HAS_WORKER, "hakmem is not part of this build")
    def test_result_file(self):
        result = run(["hakmem-stress", "mixed", "--operations", 1000, "--seed", 9, "--threads", 3,
                      "--json", self.path("result.json")])
        self.assert_exit(result, 0)
        self.assertRegex(result.stdout, "PASS mixed threads=3 seed=9: 3000 operations")
        written = self.json("result.json")
        self.assertEqual((written["scenario"], written["seed"], written["threads"],
                          written["verdict"], written["operations"], written["library"]),
                         ("mixed", 9, 3, "pass", 3000, "hakmem"))

    def test_files_that_cannot_be_written_are_refused_before_the_run(self):
        for option in "--json", "--observe":
            self.assert_usage(["hakmem-stress", "mixed", "--seconds", 1000, option, "/nonexistent/x"],
                              f"{option} '/nonexistent/x' cannot be written: No such file")

    @unittest.skipIf(SANITIZER, "no preloading under sanitizers")
    def test_a_library_that_ld_preload_cannot_name(self):
        os.mkdir(self.path("with space"))
        library = self.path("with space/text.so")
        with open(library, "w", encoding="utf-8") as file:
            file.write("not a library\n")
        self.assert_usage(["hakmem-stress", "mixed", "--library", library],
                          "takes no path with a space or colon in it; name a symbolic link")
        os.symlink(library, self.path("link.so"))
        result = run(["hakmem-stress", "mixed", "--library", self.path("link.so")])
        self.assertIn(f"{self.path('link.so')}: not a library that defines malloc", result.stderr)


@unittest.skipUnless(HAS_WORKER, "hakmem is not part of this build")
class OnHakmem(DriverTest):
    def result_of(self, scenario, seconds, **environment):
        result = run(["hakmem-stress", scenario, "--seconds", seconds, "--seed", 3, "--json",
                      self.path("result.json")], **environment)
        self.assert_exit(result, 0)
        return self.json("result.json")

    def test_invariants_are_walked_in_checked_builds_only(self):
        for scenario in ("mixed", "remote", "expand"):
            walked = self.result_of(scenario, 0.05)["structures_checked"]
            self.assertEqual(walked > 0, CHECK_LEVEL > 0, scenario)

    def test_shrink_scenario_makes_caches_grow_and_shrink(self):
        result = self.result_of("shrink", 8)
        self.assertGreater(result["grow_count"], 0)
        self.assertGreater(result["shrink_count"], 0)

    def test_fixed_sizing_does_neither(self):
        result = self.result_of("shrink", 0.2, HAKMEM_ADAPTIVE_SIZING="0")
        self.assertEqual((result["grow_count"], result["shrink_count"]), (0, 0))


if __name__ == "__main__":
    unittest.main()
