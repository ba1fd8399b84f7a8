# SPDX-License-Identifier: MIT
"""ci/setup, with a dpkg-query and an apt-get that only pretend."""

import os
import unittest

from support import Case

DPKG_QUERY = """
for package; do :; done
case $package in *'${Provides}'*) cat "$STATE.provides" 2>/dev/null; exit 0 ;; esac
if grep -qx "$package" "$STATE"; then printf installed; else exit 1; fi
"""
APT_GET = """
echo "$*" >>"$STATE.calls"
case " $* " in *" install "*) ;; *) exit 0 ;; esac
if [ -e "$STATE.broken" ]; then echo "E: no network"; exit 100; fi
for word; do case $word in -*|install|DPkg*) ;; *) echo "$word" >>"$STATE" ;; esac; done
"""


class Setup(Case):
    def setUp(self):
        super().setUp()
        self.state = self.write("state", "")
        self.program("bin/dpkg-query", DPKG_QUERY)
        self.program("bin/apt-get", APT_GET)
        self.program("bin/id", "echo ${FAKE_UID:-0}")

    def setup(self, *arguments, uid="0", **more):
        return self.run_ci("setup", *arguments, environment={
            "PATH": f"{self.folder}/bin:{os.environ['PATH']}", "STATE": str(self.state),
            "FAKE_UID": uid, "HAKMEM_SKIP_SETUP": "0", **more})

    def calls(self):
        path = self.folder / "state.calls"
        return path.read_text() if path.exists() else ""

    def test_it_installs_once(self):
        done = self.setup()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("installing", done.stdout)
        self.assertIn("ninja-build", self.state.read_text())
        self.assertNotIn("valgrind", self.state.read_text())
        calls = self.calls()
        done = self.setup()
        self.assertEqual((done.returncode, done.stdout, self.calls()), (0, "", calls))

    def test_groups(self):
        self.assertEqual(self.setup("--for", "full").returncode, 0)
        installed = self.state.read_text().split()
        for package in ("valgrind", "sqlite3", "cmake"):
            self.assertIn(package, installed)
        self.assertTrue(any(name.startswith("libpython3.") for name in installed), installed)

    def test_a_browser_unless_there_is_one(self):
        self.assertEqual(self.setup("--for", "test").returncode, 0)
        self.assertIn("chromium", self.state.read_text().split())
        self.state.write_text("")
        self.program("bin/google-chrome", "exit 0")
        self.assertEqual(self.setup("--for", "test").returncode, 0)
        self.assertNotIn("chromium", self.state.read_text())
        self.assertNotIn("BROWSER", self.state.read_text())

    def test_what_another_package_provides_is_there(self):
        self.write("state.provides", "installed, libtcmalloc-minimal4 (= 2.15-3), x,\n"
                                     "config-files, valgrind,\ninstalled, afl,\n")
        done = self.setup("--list", "--for", "test")
        self.assertIn("installed  libtcmalloc-minimal4\n", done.stdout)
        self.assertIn("missing    valgrind\n", done.stdout)
        self.assertIn("missing    afl++\n", done.stdout)

    def test_one_of_two_names(self):
        self.program("bin/apt-cache", '[ "$2" = libmimalloc-dev ]')
        self.assertEqual(self.setup("--for", "bench").returncode, 0)
        self.assertIn("libmimalloc-dev", self.state.read_text().split())
        self.assertNotIn("libmimalloc2.0", self.state.read_text())
        self.state.write_text("libmimalloc2.0\n")
        self.assertEqual(self.setup("--for", "bench").returncode, 0)
        self.assertNotIn("libmimalloc-dev", self.state.read_text())

    def test_a_compiler(self):
        self.assertEqual(self.setup("--compiler", "clang-16").returncode, 0)
        self.assertIn("libclang-rt-16-dev", self.state.read_text())
        self.assert_usage_error(self.setup("--compiler", "icc"), "unknown compiler 'icc'")

    def test_without_root_it_says_what_to_install(self):
        done = self.setup(uid="1000")
        self.assert_usage_error(done, "as root: apt-get install", "cmake", "libcriterion-dev")
        self.assertEqual(self.calls(), "")

    def test_apt_get_fails(self):
        (self.folder / "state.broken").touch()
        done = self.setup()
        self.assertEqual(done.returncode, 2)
        self.assertIn("E: no network", done.stderr)
        self.assertIn("could not install", done.stderr)

    def test_apt_get_that_installs_nothing_is_found_out(self):
        self.program("bin/apt-get", "exit 0")
        self.assert_usage_error(self.setup(), "still not installed")

    def test_usage(self):
        self.assert_usage_error(self.setup("--for", "x"), "unknown group 'x'")
        self.assert_usage_error(self.setup("--for"), "needs a group")
        self.assert_usage_error(self.setup("extra"), "unknown argument 'extra'")

    def test_list_installs_nothing(self):
        done = self.setup("--list", "--for", "all")
        self.assertEqual((done.returncode, self.calls()), (0, ""))
        self.assertIn("missing    valgrind", done.stdout)

    def test_skipping(self):
        self.assertEqual(self.setup(HAKMEM_SKIP_SETUP="1").returncode, 0)
        self.assertEqual(self.calls(), "")


if __name__ == "__main__":
    unittest.main()
