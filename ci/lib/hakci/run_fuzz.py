# SPDX-License-Identifier: MIT
"""Runs one libFuzzer target for a time, from the corpus in the tree. New
inputs go to the output folder, so that a run never changes the tree; inputs
that fail go there too, with the command that repeats them."""

import os
import subprocess

from . import common

PROG = "ci/lib/run-fuzz"


def main(argv):
    parser = common.Parser(PROG, description=__doc__)
    parser.add_argument("target", help="as fuzz_api: build/fuzz/bin/TARGET is run")
    parser.add_argument("--seconds", type=common.whole_number(1, 86400), default=10)
    parser.add_argument("--seed", type=common.whole_number(0, 2**32 - 1), default=1)
    parser.add_argument("--out", default="out/fuzz", help="output folder (default out/fuzz)")
    options = parser.parse_args(argv)
    binary = common.ROOT / "build/fuzz/bin" / options.target
    if not binary.exists():
        raise common.UsageError(f"{binary} is not built; run `ci/build fuzz` first")
    out = (common.ROOT / options.out).resolve()
    found = out / "corpus" / options.target
    failures = out / "failures"
    for folder in (found, failures):
        folder.mkdir(parents=True, exist_ok=True)
    command = [str(binary), f"-max_total_time={options.seconds}", f"-seed={options.seed}",
               "-print_final_stats=1", "-timeout=20", "-rss_limit_mb=2048",
               f"-artifact_prefix={failures}/{options.target}-", str(found)]
    # fuzz/corpus/<target>/, the target with or without its fuzz_.
    names = (options.target, options.target.removeprefix("fuzz_"))
    seeds = [common.ROOT / "fuzz/corpus" / name for name in names]
    command += [str(folder) for folder in seeds if folder.is_dir()]
    before = set(failures.iterdir())
    status = subprocess.run(command, cwd=out, check=False,
                            env={**os.environ, "HAKMEM_FUZZ_STATS": "1"}).returncode
    for path in sorted(set(failures.iterdir()) - before):
        print(f"repeat with: {binary} {path}")
    return common.OK if status == 0 else common.FOUND
