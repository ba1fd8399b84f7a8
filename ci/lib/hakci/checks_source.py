# SPDX-License-Identifier: MIT
"""Checks of the sources. Each takes the tree's root and yields problems, one
line each; none means that the check passed."""

import re
from pathlib import Path

from . import tree

MAX_LINES = 450
C_SUFFIXES = {".c", ".h", ".cc", ".cpp", ".hpp", ".def"}
CODE_SUFFIXES = C_SUFFIXES | {".py", ".sh", ".cmake", ".js", ".css", ".S"}
# Where people write code; data (corpora, patches, golden files) is elsewhere.
CODE_FOLDERS = {"src", "include", "tests", "fuzz", "stress", "bench", "ci", "cmake", ".ci",
                ".github", "runner", "docs", "command", "tools"}
SPDX_SUFFIXES = CODE_SUFFIXES | {".yml", ".yaml"}
LAYER_ROW = re.compile(r"^\|\s*(\d+)\s*\|\s*`?(?:src/)?(\w+)/?`?\s*\|", re.MULTILINE)
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def layers(root):
    """{folder: layer number} from the table of src/README.md."""
    try:
        text = tree.read(root, "src/README.md")
    except OSError:
        return {}
    return {name: int(number) for number, name in LAYER_ROW.findall(text)}


def include_order(root):
    """Includes in src/ point only downward: to a lower layer or the same folder."""
    layer_of = layers(root)
    if not layer_of:
        yield "src/README.md: no table of layers (rows like `| 0 | base | ... |`)"
        return
    for path in tree.files(root):
        if path.parts[0] != "src" or len(path.parts) < 3 or path.suffix not in C_SUFFIXES:
            continue
        here = path.parts[1]
        if here not in layer_of:
            yield f"{path}: src/{here}/ has no row in src/README.md"
            continue
        for number, line in enumerate(tree.read(root, path).split("\n"), 1):
            match = INCLUDE.match(line)
            problem = match and include_problem(root, path, match[1], layer_of)
            if problem:
                yield f"{path}:{number}: {problem}"


def include_problem(root, path, target, layer_of):
    here, there = path.parts[1], target.split("/")[0]
    if (Path(root) / "include" / target).is_file() or (Path(root) / path.parent / target).is_file() and ".." not in target:
        return None  # the public header; a file beside this one
    if there not in layer_of:
        return f'"{target}" is in no layer; write the path below src/'
    if not (Path(root) / "src" / target).is_file():
        return f'"{target}" does not exist'
    if here == there or layer_of[there] < layer_of[here]:
        return None
    way = "up" if layer_of[there] > layer_of[here] else "sideways"
    return (f'includes {way}: {here} is layer {layer_of[here]}, "{target}" is layer '
            f"{layer_of[there]}")


def conditionals_in_bodies(root):
    """No #if inside a function body: a build option is a constant or a macro."""
    for path in tree.files(root):
        if path.suffix not in C_SUFFIXES or path.parts[0] not in CODE_FOLDERS:
            continue
        text = tree.without_comments_and_strings(tree.read(root, path))
        for number, line, inside in tree.top_level_bodies(text):
            if inside and re.match(r"\s*#\s*(if|ifdef|ifndef|elif|else)\b", line):
                yield f"{path}:{number}: {line.strip()} inside a function body"


TAG = re.compile(r"\b(const|owner|lock|atomic|derived)\b")
STRUCT = re.compile(r"^(?:static |__thread |typedef )*struct(?: \w+)? \{$")
FIELD = re.compile(r"^\s+(?!/\*|\*)([^;]+);(.*)$")


def field_tags(root):
    """Every field of a struct in src/ says in its comment who may touch it, or the comment
    above the struct does for all (`Every field: TAG`). A lock is one by its type."""
    for path in tree.files(root):
        if path.parts[0] != "src" or path.suffix not in (".c", ".h"):
            continue
        inside = is_tagged = False
        above = ""  # the comment that ends right above this line
        for number, line in enumerate(tree.read(root, path).split("\n"), 1):
            if STRUCT.match(line):
                inside = True
                is_tagged = TAG.search(above.partition("Every field:")[2]) is not None
            elif line.startswith("}"):
                inside = False
            elif inside and not is_tagged:
                field = FIELD.match(line)
                if field and not TAG.search(field[2]) and "struct hak_lock " not in field[1]:
                    yield (f"{path}:{number}: {field[1]}: no tag says who may touch it "
                           "(const, owner, lock(x), atomic, derived)")
            starts = line.startswith("/*")
            continues = above and "*/" not in above
            above = line if starts else above + line if continues else ""


def is_code(root, path):
    if path.parts[0] not in CODE_FOLDERS and path.name != "CMakeLists.txt":
        return False
    if path.suffix in CODE_SUFFIXES or path.name == "CMakeLists.txt":
        return True
    return path.parts[0] in ("ci", ".ci") and tree.read(root, path).startswith("#!")


def file_length(root):
    """Files stay short enough to read in one sitting."""
    for path in tree.files(root):
        if is_code(root, path):
            count = tree.read(root, path).count("\n")
            if count > MAX_LINES:
                yield f"{path}: {count} lines, more than {MAX_LINES}; split it by its jobs"


def spdx(root):
    """Every source file names its licence in its first three lines."""
    for path in tree.files(root):
        if is_code(root, path) or path.suffix in SPDX_SUFFIXES:
            head = tree.read(root, path).split("\n")[:3]
            if not any("SPDX-License-Identifier: MIT" in line for line in head):
                yield f"{path}: no SPDX-License-Identifier line at the top"
