# SPDX-License-Identifier: MIT
"""What a failed stage's log says was found: one Finding for each report in it,
with the line it names and how to repeat it. Not for stages that passed: what
a control planted is no finding."""

import functools
import re
from dataclasses import dataclass
from pathlib import Path

from .common import ROOT, USAGE

BAD = ("fail", "timeout", "not_run")
LOG_BYTES_MAX = 8 << 20
MOST = 50  # of one stage
NEAR = 12000  # characters after a report in which its frames and its token stand

KINDS = {
    "misuse": "A call that every build stops: a foreign pointer, a double free.",
    "AddressSanitizer": "AddressSanitizer reported an error in memory use.",
    "ThreadSanitizer": "ThreadSanitizer reported a race or a misuse of locks.",
    "MemorySanitizer": "MemorySanitizer reported the use of an unset value.",
    "LeakSanitizer": "LeakSanitizer reported a leak.",
    "UndefinedBehaviorSanitizer": "UndefinedBehaviorSanitizer reported undefined behaviour.",
    "Memcheck": "Valgrind's Memcheck reported an error in memory use.",
    "model": "A fuzzer's model and the allocator differ.",
    "hunt": "The race hunter found a schedule that fails; the token replays it.",
    "stress": "A stress scenario found that a promise of malloc was broken.",
    "test": "A test failed.",
    "control": "A planted bug was not found, or a detector found something where nothing is.",
    "performance": "A measured figure is above its recorded ceiling.",
    "check": "A check of the sources or the libraries found something.",
    "build": "The compiler refused the sources.",
    "stage": "A stage of the gate failed.",
}


@dataclass
class Finding:
    rule: str
    message: str
    path: str = ""  # relative to the tree; "": the report names none
    line: int = 0
    token: str = ""
    seed: str = ""
    repeat: str = ""


@functools.lru_cache(maxsize=None)
def _by_name(root):
    """Path of each C file by its bare name, where that is unique."""
    paths = {}
    for folder in ("src", "stress", "tests", "fuzz", "runner"):
        for path in (root / folder).rglob("*.[ch]"):
            paths.setdefault(path.name, []).append(str(path.relative_to(root)))
    return {name: found[0] for name, found in paths.items() if len(found) == 1}


def in_tree(name, root=ROOT):
    """A report's path relative to the tree, or "" if it is not of the tree."""
    path = Path(name)
    if path.is_absolute():
        if not path.is_relative_to(root):
            return ""
        path = path.relative_to(root)
    if (root / path).is_file():
        return str(path)
    return _by_name(root).get(path.name, "")


PLACE = re.compile(r"(?:\s|\()((?:/|\.\./)?[\w./+-]+\.(?:c|h|cc|cpp)):(\d+)")


def first_place(text, root=ROOT):
    """The first file and line of the tree that a report's text names."""
    for name, line in PLACE.findall(text):
        path = in_tree(re.sub(r"^(?:\.\./)+", "", name), root)
        if path:
            return path, int(line)
    return "", 0


def _invariant(match, text):
    body = text[match.end():match.end() + 3000]
    place = re.search(r"^\s+check: (.*) at (\S+):(\d+)$", body, re.M)
    meaning = re.search(r"^\s+meaning: (.*)$", body, re.M)
    values = re.findall(r"^\s+value: (.*)$", body.split("backtrace")[0], re.M)
    parts = [f"{match[1]} broken ({match[2]})."]
    if meaning:
        parts.append(meaning[1])
    if place:
        parts.append(f"Check: {place[1]}.")
    if values:
        parts.append("Values: " + "; ".join(values[:8]) + ".")
    path = in_tree(place[2]) if place else ""
    return Finding(match[1], " ".join(parts), path, int(place[3]) if path else 0)


def _with_frames(rule):
    """The rule's name may use the match; the frames after it give the place."""

    def make(match, text):
        name = rule(match) if callable(rule) else rule
        body = text[match.start():match.end() + NEAR].split("\n\n\n")[0]
        return Finding(name, match[0].strip()[:400], *first_place(body))

    return make


def _at_line(rule):
    """The match's groups: path, line, what is wrong there."""

    def make(match, _text):
        path = in_tree(match[1])
        return Finding(rule, match[3].strip()[:400], path, int(match[2]) if path else 0)

    return make


def _hunt(match, text):
    rule = "hunt/" + match[1].replace(" ", "-")
    broken = re.search(r"invariant (\w+) broken", match[0])
    return Finding(broken[1] if broken else rule, match[0][:400],
                   *first_place(text[match.start():match.start() + 2000]))


def _said(rule):
    return lambda match, _text: Finding(rule, match[0].strip()[:400])


def _slug(text):
    return re.sub(r"[^A-Za-z0-9]+", "-", text.strip()).strip("-")


# In the order of the tools' own precision. What a broken invariant explains
# (the abort that followed, the test around it) is not reported again.
PRIMARY = (
    (r"^(?:.*: )?hakmem: invariant (\w+) broken \(([^)]*)\)", _invariant),
    (r"^hakmem: (?:foreign pointer|pointer is not the start of a block|double free).*$",
     _with_frames("misuse")),
    (r"^.*(?:ERROR|WARNING): (\w+Sanitizer): ([a-zA-Z -]+)",
     _with_frames(lambda m: f"{m[1]}/{_slug(re.split(r' (?:on|in|detected) ', m[2])[0])}")),
    (r"^(\S+?):(\d+)(?::\d+)?: runtime error: (.*)$", _at_line("UndefinedBehaviorSanitizer")),
    (r"^==\d+== (?:Invalid|Conditional jump|Use of uninit|Jump to|Syscall param|Process terminating"
     r"|Mismatched).*$", _with_frames("Memcheck")),
    (r"^\S*: MODEL: .*$", _with_frames("model")),
    (r"^(check failed|data race|deadlock|livelock|crash|misuse): .*$", _hunt),
    (r"^\[-+\]\s+(\S+?):(\d+): (Assertion [Ff]ailed.*|.*)$", _at_line("test")),
    (r"^GATE \w+ \S+: .*$", _said("performance")),
    (r"^(\S+?):(\d+):\d+: ((?:fatal )?error: .*)$", _at_line("build")),
)
SECONDARY = (
    (r"^hakmem-stress: FAIL .*$", _said("stress")),
    (r"^\s+(\S+):(\d+): (.*)$", _at_line("check")),
    (r"^\s+\d+ - \S+ \((?:Failed|Timeout|Subprocess aborted|SEGFAULT|Not Run)\).*$", _said("test")),
)
CONTROL = ((r"^FAIL  (.*)$", _said("control")),)


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read(LOG_BYTES_MAX).decode("utf-8", "replace")
    except OSError:
        return ""


def text_of(stage, out):
    """The log, and the first failure that a stability run kept."""
    text = read(Path(out) / stage["log"]) if stage["log"] else ""
    for kept in re.findall(r"^first failure: (/?\S+)$", text, re.M):
        text += "\n" + read(ROOT / kept)
    return text


def how_to_repeat(finding, match, text, stage):
    """Fills in the token, the seed and the command nearest after the report."""
    near = text[match.start():match.start() + NEAR] if match else text
    token = re.search(r"\btoken: (h1\.[\w.-]+)", near)
    repeat = re.search(r"^(?:.*\s)?(?:repeat with|replay): (.*)$", near, re.M)
    seed = re.search(r"\bseed=(\d+)", near) or re.search(r"--seed (\d+)",
                                                         " ".join(stage["command"]))
    finding.token = token[1] if token else ""
    finding.seed = seed[1] if seed else ""
    finding.repeat = repeat[1].strip() if repeat else " ".join(stage["command"])
    return finding


def _collect(patterns, text, stage):
    found, seen = [], set()
    for pattern, make in patterns:
        for match in re.finditer(pattern, text, re.M):
            finding = make(match, text)
            key = (finding.rule, finding.path, finding.line or finding.message)
            if key not in seen and len(found) < MOST:
                seen.add(key)
                found.append(how_to_repeat(finding, match, text, stage))
    return found


def _reports(stage, text):
    """What the tools reported."""
    if stage["group"] == "control":
        return _collect(CONTROL, text, stage)
    return _collect(PRIMARY, text, stage) or _collect(SECONDARY, text, stage)


def _complaint(stage, text):
    """Why a command could not do its work: status 2, and the log ends with it."""
    last = text.strip().split("\n")[-1]
    is_one = stage["exit_status"] == USAGE and re.match(r"[\w./-]+: \S", last)
    return last[:240] if is_one else ""


def of_stage(stage, out):
    """The findings of a stage; at least one if it did not pass."""
    if stage["status"] not in BAD:
        return []
    text = text_of(stage, out)
    found = _reports(stage, text)
    if not found:
        rule = {"control": "control", "build": "build"}.get(stage["group"], "stage")
        said = _complaint(stage, text)
        why = stage["reason"] if not said or said in stage["reason"] else \
            f"{stage['reason']}: {said}"
        found = [how_to_repeat(Finding(rule, f"{stage['title']}: {why}"), None, text, stage)]
    for finding in found:
        finding.message = f"[{stage['name']}] {finding.message}"
    return found


def first_said(stage, out):
    """What the first report of a failed stage says, in a line, or what its
    command complains of; "" if neither is there: the end of the log has to do."""
    if stage["status"] not in BAD:
        return ""
    text = text_of(stage, out)
    for finding in _reports(stage, text)[:1]:
        return finding.message[:240] if finding.rule not in ("test", "build") else ""
    return _complaint(stage, text)
