# SPDX-License-Identifier: MIT
"""Can a library be preloaded? The loader only warns of one that it cannot
preload and runs the program without it; here that is found out beforehand."""

import os
import re
import subprocess

from .common import UsageError


def demand_path(path):
    """The loader takes LD_PRELOAD for a list, with blanks and colons between."""
    if re.search(r"[ :]", str(path)):
        raise UsageError(f"{path} cannot be preloaded: LD_PRELOAD ends a path at a blank or a "
                         "colon; give one without, as through a symbolic link (ln -s)")


def demand_library(path):
    """Runs a program with it; returns how that ended."""
    demand_path(path)
    done = subprocess.run(["cat", "/proc/self/maps"], env={**os.environ, "LD_PRELOAD": str(path)},
                          capture_output=True, text=True, errors="replace", check=False)
    refused = re.search(r"from LD_PRELOAD cannot be preloaded \((.*?)\)", done.stderr)
    if refused:
        raise UsageError(f"{path} cannot be preloaded: {refused[1]}; name a shared library of "
                         "this machine's")
    return done
