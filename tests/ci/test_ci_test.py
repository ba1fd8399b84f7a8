# SPDX-License-Identifier: MIT
"""ci/test, on a small project with presets of its own."""

import json
import re
import unittest
import xml.etree.ElementTree as xml

from support import CommandCase

PROJECT = """
cmake_minimum_required(VERSION 3.25)
project(small NONE)
enable_testing()
add_test(NAME plain COMMAND sh -c "exit 0")
add_test(NAME "with space;and 'quotes' ]=]" COMMAND sh -c "test \\"$FOO\\" = 'a;b' && test -e here"
         WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}/where)
set_tests_properties("with space;and 'quotes' ]=]" PROPERTIES ENVIRONMENT "FOO=a\\\\;b" LABELS "x;y")
add_test(NAME fails COMMAND sh -c "exit 1")
set_tests_properties(fails PROPERTIES WILL_FAIL ON)
add_test(NAME before COMMAND sh -c "touch ${CMAKE_BINARY_DIR}/mark")
set_tests_properties(before PROPERTIES FIXTURES_SETUP f)
add_test(NAME after COMMAND sh -c "test -e ${CMAKE_BINARY_DIR}/mark")
set_tests_properties(after PROPERTIES FIXTURES_REQUIRED f DEPENDS plain)
include(more.cmake)
"""
COUNT = 5


class CiTest(CommandCase):
    def setUp(self):
        super().setUp()
        self.write("CMakeLists.txt", PROJECT)
        self.write("more.cmake", "")
        self.write("where/here", "")
        presets = [{"name": name, "generator": "Ninja", "binaryDir": f"${{sourceDir}}/build/{name}"}
                   for name in ("release", "checked")]
        self.write("CMakePresets.json", json.dumps({
            "version": 6, "configurePresets": presets, "buildPresets": [
                {"name": preset["name"], "configurePreset": preset["name"]}
                for preset in presets]}))

    def ci_test(self, *arguments, more=""):
        self.write("more.cmake", more)
        return self.run_ci("test", "--presets", "release,checked", "--out", self.folder / "o",
                           *arguments)

    def test_all_pass_and_one_summary_counts_them(self):
        done = self.ci_test()
        self.assertEqual(done.returncode, 0, done.stdout)
        summaries = re.findall(r"(\d+)% tests passed, (\d+) tests failed out of (\d+)", done.stdout)
        self.assertEqual(summaries, [("100", "0", str(2 * COUNT))])
        self.assertIn("Total Test time", done.stdout.strip().split("\n")[-1])
        names = [case.get("name") for case in xml.parse(self.folder / "o/junit.xml").iter("testcase")]
        self.assertIn("release.plain", names)
        self.assertIn("checked.with space;and 'quotes' ]=]", names)

    def test_one_failing_test(self):
        done = self.ci_test(more='add_test(NAME bad COMMAND sh -c "echo the cause; exit 7")\n')
        self.assertEqual(done.returncode, 1)
        self.assertIn("the cause", done.stdout)
        self.assertIn("release.bad (Failed)", done.stdout)

    def test_a_program_that_was_not_built(self):
        done = self.ci_test(more="add_test(NAME bad COMMAND ${CMAKE_BINARY_DIR}/none)\n")
        self.assertEqual(done.returncode, 1)
        self.assertIn("checked.bad", done.stdout)

    def test_a_test_that_hangs(self):
        done = self.ci_test(more='add_test(NAME slow COMMAND sleep 60)\n'
                            'set_tests_properties(slow PROPERTIES TIMEOUT 1)\n')
        self.assertEqual(done.returncode, 1)
        self.assertIn("release.slow (Timeout)", done.stdout)

    def test_a_build_that_fails(self):
        done = self.ci_test(more='message(FATAL_ERROR "the cause")\n')
        self.assertEqual(done.returncode, 1)
        self.assertIn("the cause", done.stdout)
        self.assertIn("the release build failed, no test was run", done.stdout)

    def test_a_build_that_cannot_begin(self):
        done = self.run_ci("test", "--presets", "release", "--out", self.folder / "o",
                           environment={"CC": "nosuch"})
        self.assert_usage_error(done, "ci/test: ci/build: there is no compiler CC=nosuch")

    def test_a_preset_without_tests(self):
        self.write("CMakeLists.txt",
                   "cmake_minimum_required(VERSION 3.25)\nproject(small NONE)\nenable_testing()\n")
        done = self.ci_test()
        self.assertEqual(done.returncode, 1)
        self.assertIn("no test in release, checked", done.stdout)

    def test_filter(self):
        done = self.ci_test("--filter", "plain$")
        self.assertIn("0 tests failed out of 2", done.stdout)
        self.assertEqual(self.ci_test("--filter", "none").returncode, 1)

    def build(self, *arguments, **environment):
        return self.run_ci("build", *arguments, environment=environment)

    def test_a_configuration_that_failed_is_begun_anew(self):
        self.write("more.cmake", 'set(BAD yes CACHE STRING "")\nmessage(FATAL_ERROR "the cause")\n')
        self.assertEqual(self.build("release").returncode, 1)
        self.write("more.cmake", 'if(BAD)\nmessage(FATAL_ERROR "still bad")\nendif()\n')
        done = self.build("release")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_what_to_build_and_with_what(self):
        self.write("more.cmake", "add_custom_target(mine ALL COMMAND echo made mine)\n")
        self.assertIn("made mine", self.build("--targets", "mine,all", "release").stdout)
        for targets in (",", "", "  "):
            self.assert_usage_error(self.build("--targets", targets, "release"), "takes names")
        self.assert_usage_error(self.build("--targets", "mine,nosuch", "release"),
                                "no target 'nosuch'")
        for name in ("CC", "CXX"):
            self.assert_usage_error(self.build("checked", **{name: "nosuch"}), f"{name}=nosuch")
        self.assertFalse((self.folder / "build/checked").exists())
        for jobs in ("0", "x", "-1"):
            self.assert_usage_error(self.build("release", HAKMEM_JOBS=jobs), f"'{jobs}'")

    def test_usage(self):
        self.assert_usage_error(self.run_ci("test", "--presets", "fuzz"), "'fuzz'")
        self.assert_usage_error(self.run_ci("test", "--jobs", "0"), "--jobs")
        self.assert_usage_error(self.run_ci("build"), "name at least one preset")
        self.assert_usage_error(self.run_ci("build", "none"), "unknown preset 'none'")


if __name__ == "__main__":
    unittest.main()
