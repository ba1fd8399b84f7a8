# SPDX-License-Identifier: MIT
"""Links and backticked paths of the documents lead somewhere."""

import unittest

from support import Case
from hakci import checks_docs


class Links(Case):
    def setUp(self):
        super().setUp()
        self.write("ci/validate", "")
        self.write("docs/GUIDE.md", "# The `guide`, part 1\n")
        self.write("fuzz/corpus/api/seed", "")

    def check(self, text):
        self.write("README.md", text)
        return list(checks_docs.links(self.folder))

    def test_what_is_there(self):
        self.assertEqual(self.check("""# Top
[guide](docs/GUIDE.md) [part](docs/GUIDE.md#the-guide-part-1) [top](#top)
[`ci/validate`](ci/validate) `ci/validate --quick` `fuzz/corpus/<target>/`
`build/release/lib/libhakmem.so` `LD_PRELOAD` `0.8` `and/or` [web](https://example.org/x)
```sh run
ci/none
```
"""), [])

    def test_a_broken_link(self):
        self.assert_problem(self.check("\n[guide](docs/NONE.md)\n"), "README.md:2", "nowhere")

    def test_a_broken_link_with_a_backticked_name(self):
        self.assert_problem(self.check("[`the guide`](docs/NONE.md)\n"), "nowhere")

    def test_a_heading_that_is_not_there(self):
        self.assert_problem(self.check("[guide](docs/GUIDE.md#part-2)\n"), "heading")

    def test_a_path_that_is_not_there(self):
        self.assert_problem(self.check("Run `ci/validat --quick`.\n"), "`ci/validat`")

    def test_a_page_that_is_not_there(self):
        self.assert_problem(self.check("See `OTHER.md`.\n"), "`OTHER.md`")

    def test_a_product_is_judged_where_its_preset_is_built(self):
        self.write("build/release/bin/hakmem-stress", "")
        self.assertEqual(self.check("`build/release/bin/hakmem-stress`\n"), [])
        self.assert_problem(self.check("`build/release/bin/none`\n"), "not built by its preset")


if __name__ == "__main__":
    unittest.main()
