# SPDX-License-Identifier: MIT
"""docs/BUGBANK.md from the JSON of a run."""
import re
CATALOGUE_ROW = re.compile(r"^HAK_INVARIANT\((\w+),", re.M)
def write(source, target):
    raise NotImplementedError
