# SPDX-License-Identifier: MIT
"""The planted bugs as data: reads tests/bugbank/*.bugs and applies one bug to
a copy of the sources. tests/bugbank/README.md describes the format."""

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from . import common

FIELDS = ("breaks", "seen", "finder", "message", "budget", "profile", "also", "without")
ALSO_BUDGET_S = 60
HEAD = re.compile(r"bug ([a-z0-9]+(?:-[a-z0-9]+)*)$")
TARGET = re.compile(r"in (src/\S+\.[ch])(?: within (\w+))?$")


class BugError(Exception):
    """The bug cannot be planted here; says why."""


@dataclass
class Edit:
    path: str
    within: str  # a function's name, or "": the whole file
    old: list = field(default_factory=list)
    new: list = field(default_factory=list)


@dataclass
class Bug:
    id: str
    source: str  # file:line of its row
    fields: dict = field(default_factory=dict)  # name -> texts, in order
    edits: list = field(default_factory=list)

    def first(self, name, default=""):
        return self.fields.get(name, [default])[0]

    @property
    def finder(self):
        return self.first("finder").split()

    @property
    def detector(self):
        return self.finder[0]

    @property
    def messages(self):
        return self.fields["message"]

    @property
    def without(self):
        """Words of the link command that are left out."""
        return self.fields.get("without", [])

    @property
    def budget_s(self):
        return int(self.first("budget"))

    @property
    def in_control(self):
        return self.first("profile", "full") == "control"

    @property
    def in_gate(self):
        """The gate has every detector's build; the control only some."""
        return self.in_control or self.first("profile", "full") == "gate"

    def is_in(self, profile):
        return {"control": self.in_control, "gate": self.in_gate}.get(profile, True)

    @property
    def invariant(self):
        """The ID of the invariant that must be reported, or ""."""
        found = re.search(r"invariant (\w+) broken", "\n".join(self.messages))
        return found[1] if found else ""


def also(bugs):
    """The bugs that a second detector must find, too, as bugs of that one: in its
    own words, within a minute."""
    return [replace(bug, fields={**bug.fields, "finder": [words], "message": [],
                                 "budget": [str(ALSO_BUDGET_S)]})
            for bug in bugs for words in bug.fields.get("also", [])]


def _check(bug):
    for name in ("breaks", "seen", "finder", "message", "budget"):
        if not bug.first(name):
            raise common.UsageError(f"{bug.source}: {bug.id} has no line '{name}'")
    if not bug.first("budget").isdigit():
        raise common.UsageError(f"{bug.source}: {bug.id}: budget is in whole seconds")
    if not (bug.edits or bug.without) or any(edit.old == edit.new for edit in bug.edits):
        raise common.UsageError(f"{bug.source}: {bug.id} changes nothing")


def parse(text, name):
    """The bugs of one file."""
    bugs, bug = [], None
    for number, line in enumerate(text.split("\n"), 1):
        where = f"{name}:{number}"
        if not line.strip() or line.startswith("#"):
            continue
        head, target = HEAD.match(line), TARGET.match(line)
        if head:
            bug = Bug(head[1], where)
            bugs.append(bug)
        elif bug is None:
            raise common.UsageError(f"{where}: a line before the first 'bug ID'")
        elif target:
            bug.edits.append(Edit(target[1], target[2] or ""))
        elif line[0] in " -+" and bug.edits:
            if line[0] != "+":
                bug.edits[-1].old.append(line[1:])
            if line[0] != "-":
                bug.edits[-1].new.append(line[1:])
        elif line.split()[0] in FIELDS:
            key, _, value = line.partition(" ")
            bug.fields.setdefault(key, []).append(value.strip())
        else:
            raise common.UsageError(f"{where}: not understood: {line!r}")
    for bug in bugs:
        _check(bug)
    return bugs


def load(folder):
    bugs = []
    for path in sorted(Path(folder).glob("*.bugs")):
        bugs += parse(path.read_text(encoding="utf-8"), path.name)
    if not bugs:
        raise common.UsageError(f"{folder} has no .bugs file")
    seen = set()
    for bug in bugs:
        if bug.id in seen:
            raise common.UsageError(f"{bug.source}: a second bug named {bug.id}")
        seen.add(bug.id)
    return bugs


def _function_span(text, name, path):
    """Where the body of a function stands: from its line at column 0 to the
    brace that closes it there."""
    found = list(re.finditer(rf"^(?![ \t#/*]).*\b{name}\(", text, re.M))
    for match in found:
        end = text.find("\n}", match.start())
        semicolon = text.find(";", match.start())
        brace = text.find("{", match.start())
        if end != -1 and brace != -1 and (semicolon == -1 or brace < semicolon):
            return match.start(), end
    raise BugError(f"does not apply: {path} has no function {name}")


def _pattern(lines):
    """The lines, with any white space where they have some: a formatter may
    have wrapped them elsewhere."""
    words = "\n".join(lines).split()
    return re.compile(r"\s+".join(re.escape(word) for word in words))


def apply_edit(text, edit):
    """The text with the edit made; the old text must stand there exactly once."""
    start, end = 0, len(text)
    if edit.within:
        start, end = _function_span(text, edit.within, edit.path)
    found = list(_pattern(edit.old).finditer(text, start, end))
    place = f"{edit.path}, function {edit.within}" if edit.within else edit.path
    if len(found) != 1:
        raise BugError(f"does not apply: the old text stands {len(found)} times in {place}, not once")
    match = found[0]
    return text[:match.start()] + "\n".join(edit.new).strip() + text[match.end():]


def planted(bug, root):
    """{path: its text with the bug's edits} of the files of the tree at `root`."""
    changed = {}
    for edit in bug.edits:
        path = Path(root) / edit.path
        try:
            text = changed.get(edit.path) or path.read_text(encoding="utf-8")
        except OSError as error:
            raise BugError(f"does not apply: {edit.path} is not there") from error
        changed[edit.path] = apply_edit(text, edit)
    return changed


def plant(bug, root):
    """Makes the bug's edits in the tree at `root`; returns the paths changed."""
    changed = planted(bug, root)
    for name, text in changed.items():
        (Path(root) / name).write_text(text, encoding="utf-8")
    return sorted(changed)
