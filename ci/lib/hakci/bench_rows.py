# SPDX-License-Identifier: MIT
"""The performance gate on a few rows: instruction counts and the memory of one
workload, against the recorded ceilings of just these. ci/bench --gate itself
fails when a row with a ceiling is not measured; this is for the planted-bug
control, which has seconds. Exit status as ci/bench."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from . import common

PROG = "ci/lib/bench-rows"
CEILINGS = common.ROOT / "bench/ceilings.json"


def only(ceilings, row):
    """Instructions, and what is held of `row` alone; no time: others run too."""
    kept = {}
    for name, value in ceilings.items():
        if isinstance(value, dict) and name != "instructions":
            value = {key: limit for key, limit in value.items() if key == row}
        kept[name] = {} if name == "time_ratio" else value
    return kept


def main(argv):
    parser = common.Parser(PROG, description=__doc__)
    parser.add_argument("library", help="the malloc that is measured")
    parser.add_argument("row", help="a row of the ceilings, as idle/1")
    options = parser.parse_args(argv)
    ceilings = json.loads(CEILINGS.read_text(encoding="utf-8"))
    if options.row not in ceilings["minor_faults"]:
        parser.error(f"'{options.row}' is no row of {CEILINGS} of memory")
    with tempfile.TemporaryDirectory(prefix="hakmem-bench-rows.") as folder:
        path = Path(folder) / "ceilings.json"
        common.write_json(path, only(ceilings, options.row))
        command = [common.ROOT / "ci/bench", "--gate", "--ceilings", path, "--out", folder,
                   "--subject", f"planted={options.library}", "--workloads", options.row]
        return subprocess.run(command, stdout=sys.stdout, check=False,
                              env={**os.environ, "HAKMEM_SKIP_SETUP": "1"}).returncode
