# SPDX-License-Identifier: MIT
"""ci/readme-commands runs what is marked and lets nothing escape."""

import unittest

from support import Case


class ReadmeCommands(Case):
    def run_page(self, text, *arguments):
        self.write("README.md", text)
        return self.run_ci("readme-commands", "--root", self.folder, *arguments)

    def test_good(self):
        done = self.run_page("""
```sh run
echo one >made
```
```sh run exit=1 out=expected
cat made
echo expected; exit 1
```
```sh not-run=it-takes-hours
false
```
```text
anything
```
""")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("PASS: 2 of 2 ran as they should, 1 not run", done.stdout)
        self.assertEqual((self.folder / "made").read_text(), "one\n")

    def test_failures(self):
        for page, words in (
                ("```sh run\necho why; exit 3\n```\n", "exit status 3, not 0"),
                ("```sh run\nfalse\ntrue\n```\n", "exit status 1, not 0"),
                ("```sh run exit=1\ntrue\n```\n", "exit status 0, not 1"),
                ("```sh run out=words\necho other\n```\n", "'words' is not in its output"),
                ("\n```sh\ntrue\n```\n", "README.md:2: write ```sh run"),
                ("```sh not-run\ntrue\n```\n", "write ```sh run"),
                ("```sh run exit=x\ntrue\n```\n", "not an exit status"),
                ("```sh ruin\ntrue\n```\n", "write ```sh run"),
                ("text\n\n```\nci/test\n```\n", "README.md:3: a fence without a language"),
                ("- list\n\n  ```\n  ci/test\n  ```\n", "README.md:3: a fence without a language"),
                ("~~~\nci/test\n~~~\n", "README.md:1: a fence without a language"),
                ("```bash\nci/test\n```\n", "README.md:1: write ```sh, not ```bash"),
                ("```text\nok\n```\n\n```text\nnever ends\n", "README.md:5: this fence does not end"),
                ("- list\n\n  ```sh run\n  exit 5\n  ```\n", "exit status 5, not 0"),
                ("~~~sh run\nexit 5\n~~~\n", "exit status 5, not 0")):
            done = self.run_page(page)
            self.assertEqual(done.returncode, 1, page)
            self.assertIn(words, done.stdout)

    def test_fences_of_other_languages_are_nobodys_business(self):
        done = self.run_page("""
````text
```
shown, not run
```
````
```c
int main(void);
```
- in a list

  ```sh run out=here-and-there
  cat <<END
  here-and-there
  END
  ```
""")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("PASS: 1 of 1 ran as they should, 0 not run", done.stdout)

    def test_every_wrong_fence_is_named(self):
        done = self.run_page("```\na\n```\n```sh\nb\n```\n```sh run\ntouch made\n```\n")
        self.assertEqual(done.returncode, 1)
        for words in ("README.md:1: a fence", "README.md:4: write ```sh run"):
            self.assertIn(words, done.stdout)
        self.assertFalse((self.folder / "made").exists())

    def test_the_limit(self):
        done = self.run_page("```sh run\nsleep 60\n```\n", "--limit", "1")
        self.assertEqual(done.returncode, 1)
        self.assertIn("still running after 1 s", done.stdout)

    def test_list_runs_nothing(self):
        done = self.run_page("```sh run\ntouch made\n```\n", "--list")
        self.assertEqual((done.returncode, (self.folder / "made").exists()), (0, False))
        self.assertIn("README.md:1: run: touch made", done.stdout)

    def test_no_fence_of_this_tree_is_unmarked(self):
        done = self.run_ci("readme-commands", "--list")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("README.md:", done.stdout)

    def test_no_such_page(self):
        done = self.run_ci("readme-commands", "--root", self.folder, "NONE.md")
        self.assert_usage_error(done, "cannot read", "NONE.md")


if __name__ == "__main__":
    unittest.main()
