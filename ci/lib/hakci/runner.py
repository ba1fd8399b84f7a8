# SPDX-License-Identifier: MIT
"""Runs one stage: a command in a process group of its own, its output in a
log, stopped at its limit with everything it started."""

import os
import re
import signal
import subprocess
import time

from .common import ROOT
from . import figures, findings


def fill(command, values):
    """The command with its {placeholders} filled in."""
    return [re.sub(r"\{(\w+)\}", lambda match: str(values[match[1]]), word) for word in command]


def file_name(stage_name):
    return re.sub(r"[^A-Za-z0-9_.-]", "_", stage_name)


def tail_of(path, lines=30, longest=400):
    """The last lines of a log, very long lines cut."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(line[:longest] for line in text.splitlines()[-lines:])


def end_group(process):
    """Ends a process and all it started: SIGTERM, two seconds, SIGKILL."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.wait(2)
        except subprocess.TimeoutExpired:
            continue
    process.wait()


def describe_exit(status):
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"


def run_command(command, log_path, limit_s, expect=0):
    """Returns (status, exit status, reason); success is ending with the exit
    status `expect`. The log begins with the command
    so that it can be repeated by hand."""
    with open(log_path, "w", encoding="utf-8") as log:
        log.write(f"$ {' '.join(command)}\n")
        log.flush()
        try:
            # A session of its own: the group can be ended whole, and an
            # interrupt at the terminal reaches only us.
            process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log,
                                       stderr=subprocess.STDOUT, start_new_session=True)
        except OSError as error:
            reason = f"cannot run {command[0]}: {error.strerror}"
            log.write(reason + "\n")
            return "fail", None, reason
        try:
            exit_status = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            end_group(process)
            return "timeout", None, f"still running after {limit_s} s, its limit"
        except BaseException:
            end_group(process)
            raise
    if exit_status != expect:
        wanted = f", not {expect}" if expect else ""
        return "fail", exit_status, describe_exit(exit_status) + wanted
    return "pass", exit_status, ""


def run_stage(stage, item, budget, values, logs):
    """Runs a stage and returns its entry of the result (ci/README.md)."""
    values = {**values, "work": budget.work, "item": item}
    name, title = (fill([text], values)[0] for text in (stage.name, stage.title))
    log_path = logs / (file_name(name) + ".log")
    command = fill(stage.command, values)
    start = time.monotonic()
    status, exit_status, reason = run_command(command, log_path, budget.limit_s,
                                               stage.expect)
    duration_s = time.monotonic() - start
    found, complaint = figures.read(stage.figures, log_path, command)
    complaint = complaint or unsaid(stage.says, log_path)
    if status == "pass" and complaint:
        # An exit status of 0 without the figures that prove work was done.
        status, reason = "fail", complaint
    entry = {"name": name, "group": stage.group, "title": title, "status": status,
             "reason": reason, "exit_status": exit_status, "duration_s": round(duration_s, 2),
             "limit_s": budget.limit_s, "command": command, "log": f"logs/{log_path.name}",
             "figures": found, "tail": "" if status == "pass" else tail_for(stage, log_path, command)}
    said = findings.first_said(entry, logs.parent)
    return {**entry, "reason": f"{reason}: {said}" if said else reason}


def unsaid(pattern, log_path):
    """A complaint if the log does not say what the stage must say."""
    if not pattern or re.search(pattern, log_path.read_text(encoding="utf-8", errors="replace")):
        return ""
    return f"its log has nothing that matches {pattern}"


def tail_for(stage, log_path, command):
    """What to show of a stage that failed: its failed tests, or its log's end."""
    failed = figures.failed_tests(command) if stage.figures == "ctest" else ""
    return failed or tail_of(log_path)


def entry_not_run(stage, status, reason, item=""):
    values = {"item": item or "all", "threads": "N", "work": ""}
    name = fill([stage.name], values)[0] if item else stage.name.replace(".{item}", "")
    title = stage.title.replace(": {item}", "").replace("{threads}", "N")
    return {"name": name, "group": stage.group, "title": title, "status": status,
            "reason": reason, "exit_status": None, "duration_s": 0.0, "limit_s": 0,
            "command": list(stage.command), "log": None, "figures": {}, "tail": ""}
