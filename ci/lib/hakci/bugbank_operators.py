# SPDX-License-Identifier: MIT
"""The mutation operators: each makes one small change that compiles but should
not go unnoticed."""

import re

from . import bugbank_orders

# (name, what to look for in a line, what to put there)
IN_A_LINE = (
    ("drop-lock", r"^(\s*)hak_lock_(?:acquire|release)\([^;]*\);", r"\1;"),
    ("drop-recheck", r"^(\s*)if \(hak_load_relaxed\(.*\) == (?:0|NULL)\) \{", r"\1if (1) {"),
    ("off-by-one", r" < (?!=)(?=[\w(])", " <= "),
    ("off-by-one", r" <= ", " < "),
    ("off-by-one", r" > (?=[\w(])", " >= "),
    ("off-by-one", r" >= ", " > "),
    ("off-by-one", r" \+ 1\b", ""),
    ("off-by-one", r" - 1\b", ""),
    ("drop-clamp", r"(\b[\w>.-]+) < ([\w>.-]+) \? \1 : \2", r"\1"),
    ("ignore-alignment", r"\bhak_round_up\((\w+), (\w+)\)", r"(\1)"),
    ("ignore-alignment", r" % \w*alignment\w*", " % 1"),
    ("reverse-condition", r"\bif \((?!hak_(?:un)?likely)(.*)\) \{$", r"if (!(\1)) {"),
    ("reverse-condition", r" == (?!NULL)", " != "),
    ("halve-or-double", r" / 2\b", ""),
    ("skip-statement", r"^(\s+)[\w.\->\[\]]+ (?:[-+|&]?=) [^;{]*;$", r"\1;"),
    ("skip-statement", r"^(\s+)[\w.\->\[\]]+(?:\+\+|--);$", r"\1;"),
    ("skip-call", r"^(\s+)(?:hak_\w+|mem(?:set|cpy|move))\([^;]*\);$", r"\1;"),
)

# Lines that are not the allocator's behaviour: checks, events, comments.
LEFT_OUT = re.compile(r"^\s*(?:/?\*|//|#|hak_assert|hak_verify|hak_event|return;|static |enum )")

CALL = re.compile(r"\b(hak_\w+|memset|memcpy|memmove)\(")
ATOMIC_STORE = re.compile(r"\bhak_(?:store|exchange|add|sub|or)_\w+\(")
STORE = re.compile(r"^(\s+)(?:([\w.\->\[\]*]+) [-+|&]?= [^;{]*|"
                   r"hak_(?:store|exchange|add|sub|or)_\w+\((.*)\));(?:\s*/\*.*\*/)?$")


def _line_mutants(line):
    for name, pattern, replacement in IN_A_LINE:
        changed = re.sub(pattern, replacement, line, count=1)
        if changed != line:
            yield name, changed


def _weaker(name, arguments, orders):
    if name in orders:
        for call in bugbank_orders.weaker_calls(orders, name, arguments):
            yield "weaken-order", call
    if name.startswith("hak_cas_"):  # it may fail, and the caller goes on as if it had not
        yield "ignore-failed-cas", f"({name}({','.join(arguments)}), 1)"
    if name == "memset" and arguments[-1].strip() not in ("0", "1"):
        yield "skip-zeroing", f"{name}({','.join(arguments[:-1])}, 0)"
    if name in ("memcpy", "memmove"):
        yield "skip-copy", f"{name}({','.join(arguments[:-1])}, 0)"


def _call_mutants(text, start, end, orders):
    """Changes of the calls whose names stand in text[start:end]; a call may go on
    in later lines."""
    for match in CALL.finditer(text, start, end):
        found = bugbank_orders.arguments_of(text, match.end() - 1)
        if found is not None:
            arguments, stop = found
            for name, call in _weaker(match[1], arguments, orders):
                yield name, text[:match.start()] + call + text[stop:]


def _target(match):
    """What a store writes to."""
    return match[2] or (match[3] or "").split(",")[0].lstrip("&")


def _is_in(target, line):
    return re.search(rf"(?<!\w){re.escape(target)}(?!\w)", line) is not None


def _order_matters(first, second, one, other):
    """Two plain stores that do not read each other can stand either way, and so can
    two that add to one sum."""
    if _target(one) == _target(other) and " |= " in first and " |= " in second:
        return False
    return bool(ATOMIC_STORE.search(first) or ATOMIC_STORE.search(second) or
                _is_in(_target(one), second) or _is_in(_target(other), first))


def _next_store(lines, number):
    """The line after `number` that is a store, too, with only comments between."""
    one, place = STORE.match(lines[number - 1]), number
    while place < len(lines) and re.match(r"^\s*/?\*", lines[place]):
        place += 1
    other = STORE.match(lines[place]) if place < len(lines) else None
    if one and other and one[1] == other[1] and lines[place] != lines[number - 1] and \
            _order_matters(lines[number - 1], lines[place], one, other):
        return place + 1
    return None


def _swapped(lines, number, other):
    changed = list(lines)
    changed[number - 1], changed[other - 1] = lines[other - 1], lines[number - 1]
    return "\n".join(changed)


def mutants(text, wanted, orders=None):
    """(line number, operator, the changed text) of each mutant of the lines
    `wanted`: anything that a number can be in."""
    orders = bugbank_orders.macros() if orders is None else orders
    lines, start = text.split("\n"), 0
    for number, line in enumerate(lines, 1):
        end = start + len(line)
        made = {text}
        follower = _next_store(lines, number)
        if follower and (number in wanted or follower in wanted):
            made.add(changed := _swapped(lines, number, follower))
            yield number, "swap-two-stores", changed
        if number in wanted and not LEFT_OUT.match(line):
            changes = [*_call_mutants(text, start, end, orders),
                       *((name, text[:start] + changed + text[end:])
                         for name, changed in _line_mutants(line))]
            for name, changed in changes:
                if changed not in made:
                    made.add(changed)
                    yield number, name, changed
        start = end + 1
