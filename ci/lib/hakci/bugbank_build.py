# SPDX-License-Identifier: MIT
"""Builds a detector's program with one planted bug, in seconds: the objects of
the ordinary build (build/<preset>) are taken as they are, except those that
the changed files go into. These are compiled from a changed copy of src/, with
the same commands, and the program is linked with the same command."""

import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path

from . import common

COMPILE_LIMIT_S = 300


class BuildError(Exception):
    """The changed sources do not compile or link; carries the log."""


class NotInProgram(BuildError):
    """No part of the program is made from the changed sources."""


def _run(command, cwd):
    try:
        done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", timeout=COMPILE_LIMIT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise BuildError(f"$ {shlex.join(command)}\nno end in {COMPILE_LIMIT_S} s") from error
    if done.returncode != 0:
        raise BuildError(f"$ {shlex.join(command)}\n{done.stdout}")
    return done.stdout


def _reason(log):
    """The line of a build's log that says most."""
    lines = [line for line in log.strip().split("\n") if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines[-1:])[0].strip()[:200]


class Preset:
    """One build folder: its objects, what they were made from, and how."""

    def __init__(self, root, name, targets, jobs):
        self.root = Path(root)
        self.name = name
        self.folder = self.root / "build" / name
        self._make_sure_built(targets, jobs)
        self.ninja = self._ninja()
        self._read_commands()
        self._read_dependencies()
        self.inputs_of = {}

    def _make_sure_built(self, targets, jobs):
        try:
            if not common.is_configured(self.folder):
                _run(common.configure(self.name, self.folder), self.root)
            _run(["cmake", "--build", str(self.folder), "--parallel", str(jobs), "--target",
                  *targets], self.root)
        except BuildError as error:
            raise common.UsageError(
                f"the preset {self.name} cannot be built: {_reason(error.args[0])}; "
                f"run ci/build {self.name}") from error

    def _ninja(self):
        for line in (self.folder / "CMakeCache.txt").read_text(encoding="utf-8").split("\n"):
            if line.startswith("CMAKE_MAKE_PROGRAM"):
                return line.split("=", 1)[1]
        raise common.UsageError(f"{self.folder}/CMakeCache.txt names no build program; run "
                                f"ci/build {self.name}")

    def _tool(self, *arguments):
        return _run([self.ninja, "-C", str(self.folder), "-t", *arguments], self.root)

    def _read_commands(self):
        """Object -> its compile command."""
        text = (self.folder / "compile_commands.json").read_text(encoding="utf-8")
        self.compile = {}
        for entry in json.loads(text):
            words = shlex.split(entry["command"])
            self.compile[words[words.index("-o") + 1]] = words

    def _read_dependencies(self):
        """File of the tree -> the objects made from it."""
        self.made_from = {}
        name = None
        for line in self._tool("deps").split("\n"):
            if line.startswith(" "):
                path = os.path.normpath(self.folder / line.strip())
                if path.startswith(str(self.root) + "/"):
                    self.made_from.setdefault(os.path.relpath(path, self.root), set()).add(name)
            elif line:
                name = line.split(":")[0]

    def members(self, archive):
        """The objects of a static library."""
        if archive not in self.inputs_of:
            lines = self._tool("query", archive).split("\n  outputs:")[0].split("\n")[2:]
            self.inputs_of[archive] = [line.strip() for line in lines if line.endswith(".o")]
        return self.inputs_of[archive]

    def link_command(self, program):
        text = self._tool("commands", "-s", program).strip().split("\n")[-1]
        words = shlex.split(text.removeprefix(": && ").removesuffix(" && :"))
        if "-o" not in words:
            raise BuildError(f"{program}: no link command in {self.folder}: {text}")
        return words


def copy_sources(root, work):
    """A copy of src/ to plant in."""
    shutil.copytree(Path(root) / "src", Path(work) / "src")


def _compile(preset, name, work, number):
    """Compiles one object from the changed copy; returns where it is."""
    target = work / f"{number}-{Path(name).name}"
    words, skip = [], False
    for word in preset.compile[name]:
        if skip or word in ("-MD", "-Werror"):
            skip = False
        elif word in ("-MT", "-MF", "-o"):
            skip = True
        else:
            words.append(word.replace(f"{preset.root}/src", f"{work}/src"))
    # -w: a planted bug may leave a variable or a function unused.
    _run([*words, "-w", "-o", str(target)], preset.folder)
    return str(target)


def _leave_out(words, without, program):
    """The link command without some of its words."""
    for word in without:
        if word not in words:
            raise BuildError(f"{program}: it is not linked with {word}")
    return [word for word in words if word not in without]


def link(preset, program, changed, work, target, made=None, without=()):
    """Links `program` (as bin/x) with the planted files in `work`/src to `target`,
    and without these words of its link command. `made`, if given, holds the objects compiled so far, for the next program of the
    same sources: (preset, object) -> where it is."""
    affected = set().union(*(preset.made_from.get(path, set()) for path in changed))
    kept = made is not None
    made = {} if made is None else made
    words, replaced = [], {}
    for word in _leave_out(preset.link_command(program), without, program):
        objects = preset.members(word) if word.endswith(".a") and not os.path.isabs(word) else []
        for name in objects or [word]:
            if name in affected and name not in replaced:
                if (preset.name, name) not in made:
                    made[preset.name, name] = _compile(preset, name, Path(work), len(made) + 1)
                replaced[name] = made[preset.name, name]
        # A library that is not changed stays one: its members come when needed.
        if any(name in replaced for name in objects):
            words += [replaced.get(name, name) for name in objects]
        else:
            words.append(replaced.get(word, word))
    if changed and not replaced:
        raise NotInProgram(f"{', '.join(changed)}: no part of {program} in build/{preset.name}")
    words[words.index("-o") + 1] = str(target)
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    _run(words, preset.folder)
    for path in replaced.values() if not kept else ():
        os.unlink(path)
