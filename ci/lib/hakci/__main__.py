# SPDX-License-Identifier: MIT
"""`python3 -m hakci NAME ARGS` runs the command of that name; the scripts in
ci/ and ci/lib/ call it."""

import importlib
import os
import sys

from .common import run_main

COMMANDS = {"validate": "validate", "test": "test_job", "run-ctest": "run_ctest",
            "run-fuzz": "run_fuzz", "gate": "gate", "replay": "replay", "matrix": "matrix",
            "bench-rows": "bench_rows", "adaptive-trace": "adaptive_trace", "check": "check",
            "real-programs": "programs", "readme-commands": "readme_commands",
            "check-clusterfuzz": "clusterfuzz", "fuzz-afl": "fuzz_afl"}

# Ours alone: programs started from here have Python paths of their own.
os.environ.pop("PYTHONPATH", None)
name = sys.argv.pop(1)
module = importlib.import_module(f"hakci.{COMMANDS[name]}")
run_main(module.PROG, module.main)
