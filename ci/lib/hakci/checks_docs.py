# SPDX-License-Identifier: MIT
"""Checks of the documents. Each takes the tree's root and yields problems."""

import re
from pathlib import Path

from . import tree

FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
BACKTICKED = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"^[\w.<>*+-]+(/[\w.<>*+-]+)*/?$")
HEADING = re.compile(r"^#+\s+(.*)$", re.MULTILINE)
PRODUCTS = ("build", "out")


def anchors(text):
    """The fragment names that GitHub gives to a page's headings."""
    names = set()
    for heading in HEADING.findall(FENCE.sub("", text)):
        plain = re.sub(r"[^\w\- ]", "", heading.strip().lower().replace("`", ""))
        names.add(plain.replace(" ", "-"))
    return names


def link_problem(root, page, target):
    if re.match(r"[a-z]+:", target):
        return None
    path, _, fragment = target.partition("#")
    file = (Path(root) / page).parent / path if path else Path(root) / page
    if not file.exists():
        return f"the link {target} leads nowhere"
    if fragment and file.suffix == ".md" and fragment not in anchors(file.read_text("utf-8")):
        return f"the link {target} names a heading that is not there"
    return None


def exists(root, page, pattern):
    # <target> and NAME stand for any name.
    pattern = re.sub(r"<[^>]*>|(?<=/)[A-Z_]+(?=/|$)", "*", pattern).rstrip("/")
    return any(any(base.glob(pattern)) for base in (Path(root), Path(root, page).parent))


def span_problem(root, page, span, tops):
    """A backticked span is taken for a path if its first word has a slash and
    begins with a folder of the tree, or is a Markdown page in capitals."""
    words = span.split()
    word = words[0] if words else ""
    word = re.sub(r":\d+$", "", word)
    if not PATH.match(word) or word.startswith("..."):
        return None
    top = word.split("/")[0]
    if "/" in word and top in PRODUCTS:
        return product_problem(root, word)
    if ("/" in word.rstrip("/") and top in tops) or re.fullmatch(r"[A-Z_]+\.md", word):
        return None if exists(root, page, word) else f"`{word}` does not exist"
    return None


def product_problem(root, word):
    """build/PRESET/bin/NAME: judged only where that preset has been built."""
    parts = re.sub(r"<[^>]*>", "*", word).rstrip("/").split("/")
    if len(parts) < 4 or parts[0] != "build" or not any(
            Path(root, "build", parts[1], parts[2]).glob("*")):
        return None
    return None if any(Path(root).glob("/".join(parts))) else f"`{word}` is not built by its preset"


def links(root):
    """README and docs name only files that exist."""
    files = tree.files(root)
    tops = {path.parts[0] for path in files if len(path.parts) > 1}
    for page in files:
        if page.suffix != ".md":
            continue
        text = FENCE.sub(lambda match: "\n" * match[0].count("\n"), tree.read(root, page))
        for number, line in enumerate(text.split("\n"), 1):
            found = [link_problem(root, page, target)
                     for target in LINK.findall(BACKTICKED.sub("", line))]
            found += [span_problem(root, page, span, tops) for span in BACKTICKED.findall(line)]
            for problem in found:
                if problem:
                    yield f"{page}:{number}: {problem}"
