# SPDX-License-Identifier: MIT
"""Which allocators there are and where their libraries lie."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from hakci.common import ROOT, UsageError
from hakci.preload import demand_library, demand_path

HAKMEM_LIBRARY = ROOT / "build/release/lib/libhakmem.so"
LIBRARY_FOLDERS = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64",
                   "/usr/lib", "/usr/local/lib")
# name: (file name, Debian package)
PEERS = {
    "mimalloc": ("libmimalloc.so.2", "libmimalloc2.0"),
    "jemalloc": ("libjemalloc.so.2", "libjemalloc2"),
    "tcmalloc": ("libtcmalloc_minimal.so.4", "libtcmalloc-minimal4"),
}
DEFAULT = ("glibc", "hakmem", *PEERS)
# Not preloaded: hakmem-bench linked with the static library. name: program
LINKED = {"hakmem-static": "hakmem-bench-static", "hakmem-inline": "hakmem-bench-inline"}
# Other sizings of the TLS caches. name: environment
SIZINGS = {
    **{f"hakmem-fixed-{slots}": {"HAKMEM_ADAPTIVE_SIZING": "0", "HAKMEM_TLS_CAPACITY": str(slots)}
       for slots in (64, 256, 2048)},
    "hakmem-reuse": {"HAKMEM_ADAPTIVE_REUSE": "1"},
}


@dataclass(frozen=True)
class Allocator:
    name: str
    library: str | None  # what to preload; None: what the program has
    program: str = "hakmem-bench"  # which has it linked in, if it is not preloaded

    @property
    def settings(self):
        """Its variables in the environment."""
        return SIZINGS.get(self.name, {})

    @property
    def is_ours(self):
        return self.name == "hakmem" or self.name in SIZINGS or self.is_linked

    @property
    def is_linked(self):
        return self.name in LINKED

    def is_what_ran(self, malloc_library):
        """Whether the file that `malloc` came from is this allocator's."""
        if self.is_linked:
            return Path(malloc_library).name == self.program
        if self.library is None:
            return Path(malloc_library).name.startswith("libc.so")
        return Path(malloc_library).resolve() == Path(self.library).resolve()


def _peer(name):
    file_name, package = PEERS[name]
    for folder in LIBRARY_FOLDERS:
        path = Path(folder) / file_name
        if path.exists():
            return Allocator(name, str(path))
    raise UsageError(f"{name}: no {file_name}; install the package {package},"
                     " or leave it out with --allocators")


def _custom(spec):
    name, _, path = spec.partition("=")
    if not re.fullmatch(r"[A-Za-z0-9_.+-]+", name):
        raise UsageError(f"'{name}' is no name for an allocator; use letters, digits and _.+-")
    if not Path(path).is_file():
        raise UsageError(f"{name}: no file {path}")
    # A link is not followed: it may be there for the sake of its path.
    return Allocator(name, os.path.abspath(path))


def resolve(spec):
    """An Allocator for a name of DEFAULT, LINKED or SIZINGS, or NAME=/path/lib.so."""
    if "=" in spec:
        return _custom(spec)
    if spec == "glibc":
        return Allocator("glibc", None)
    if spec == "hakmem" or spec in SIZINGS:
        return Allocator(spec, str(HAKMEM_LIBRARY))
    if spec in LINKED:
        return Allocator(spec, None, LINKED[spec])
    if spec in PEERS:
        return _peer(spec)
    raise UsageError(f"no allocator '{spec}'; use {', '.join((*DEFAULT, *LINKED, *SIZINGS))}"
                     " or NAME=/path/lib.so")


def resolve_all(specs):
    found = [resolve(spec) for spec in specs]
    names = [allocator.name for allocator in found]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"the allocator {name} is named twice")
    return found


def demand_preloadable(allocators):
    """Ends the command where the loader would refuse a library. Ours may not
    be built yet, but where it will lie is known."""
    for allocator in allocators:
        if allocator.is_ours and not allocator.is_linked:
            demand_path(allocator.library)
        elif allocator.library is not None:
            demand_library(allocator.library)
