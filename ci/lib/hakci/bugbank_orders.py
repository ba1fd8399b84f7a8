# SPDX-License-Identifier: MIT
"""The memory orders of src/base/atomic.h, read from there, and each operation
with one of its orders left out."""

import re

from . import common

ATOMIC_H = "src/base/atomic.h"
MACRO = re.compile(r"^#define (hak_\w+)\(([^)]*)\)((?:[^\n]*\\\n)*[^\n]*)$", re.M)
# Which order is left out -> what becomes of each.
WEAKER = {
    "acquire": {"acq_rel": "release", "acquire": "relaxed"},
    "release": {"acq_rel": "acquire", "release": "relaxed"},
}


def macros(text=None):
    """name -> (parameters, body) of each operation in atomic.h."""
    if text is None:
        text = (common.ROOT / ATOMIC_H).read_text(encoding="utf-8")
    return {name: ([word.strip() for word in parameters.split(",")],
                   " ".join(body.replace("\\\n", " ").split()))
            for name, parameters, body in MACRO.findall(text)}


def weakened(body):
    """The bodies with the acquire or the release left out, where there is one."""
    for weaker in WEAKER.values():
        changed = re.sub(r"(?<=memory_order_)\w+",
                         lambda match, weaker=weaker: weaker.get(match[0], match[0]), body)
        if changed != body:
            yield changed


def arguments_of(text, start):
    """(the arguments, the end) of the call whose '(' stands at `start`; None if
    its ')' is nowhere."""
    depth, begin, found = 0, start + 1, []
    for place in range(start, len(text)):
        letter = text[place]
        if letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
            if depth == 0:
                return [*found, text[begin:place]], place + 1
        elif letter == "," and depth == 1:
            found.append(text[begin:place])
            begin = place + 1
    return None


def _expanded(parameters, body, arguments):
    values = dict(zip(parameters, (argument.lstrip(" ") for argument in arguments)))
    return re.sub(r"\b(" + "|".join(map(re.escape, parameters)) + r")\b",
                  lambda match: values[match[1]], body)


def weaker_calls(table, name, arguments):
    """What a call becomes with one order less: another operation of atomic.h, or
    C11's own where there is none."""
    parameters, body = table[name]
    for changed in weakened(body):
        other = [macro for macro, known in table.items() if known == (parameters, changed)]
        if other:
            yield f"{other[0]}({','.join(arguments)})"
        elif len(arguments) == len(parameters):
            yield _expanded(parameters, changed, arguments)
