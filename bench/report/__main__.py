# SPDX-License-Identifier: MIT
from hakci.common import run_main

from .cli import main

run_main("ci/bench", main)
