# SPDX-License-Identifier: MIT
"""hakmem-stress --library: every scenario runs on mallocs that are not ours."""
import subprocess
import unittest

from drivers import DriverTest, run

# Debian's and Ubuntu's names; ci/setup --for test installs them.
LIBRARIES = {"mimalloc": "libmimalloc.so", "jemalloc": "libjemalloc.so",
             "tcmalloc": "libtcmalloc_minimal.so"}
# What versions in use do wrong, now and then: the scenario ran and judged, which is what
# is tested here. https://github.com/microsoft/mimalloc/issues/700 is the first.
VERDICTS = (r"is not aligned to \d+ bytes|all was freed, but malloc of \d+ bytes still gives NULL"
            r"|memory was lost")
FAILING_MAX = 4  # scenarios of one library


def path_of(soname):
    """The loader's own answer: the first library whose name begins so."""
    listed = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True)
    found = [line.split(" => ")[1] for line in listed.stdout.splitlines()
             if line.strip().startswith(soname)]
    if not found:
        raise AssertionError(f"no {soname}; ci/setup --for test installs it")
    return found[0]


class OtherMallocs(DriverTest):
    def test_every_scenario(self):
        scenarios = [line.split()[0] for line in run(["hakmem-stress", "--list"]).stdout.splitlines()]
        self.assertGreater(len(scenarios), 10)
        for name, soname in LIBRARIES.items():
            path, failing = path_of(soname), []
            for scenario in scenarios:
                with self.subTest(library=name, scenario=scenario):
                    done = run(["hakmem-stress", scenario, "--library", path, "--seconds", 0.15,
                                "--seed", 4, "--json", self.path("result.json")])
                    self.assertTrue(self.json("result.json")["library"].startswith("/"))
                    if done.returncode == 1:
                        self.assertRegex(done.stderr, VERDICTS)
                        failing.append(scenario)
                    else:
                        self.assert_exit(done, 0)
                        self.assertGreater(self.json("result.json")["operations"], 0)
            self.assertLessEqual(len(failing), FAILING_MAX, (name, failing))

    def test_a_library_without_malloc(self):
        self.assert_usage(["hakmem-stress", "mixed", "--library", path_of("libm.so")],
                          "not a library that defines malloc")


if __name__ == "__main__":
    unittest.main()
