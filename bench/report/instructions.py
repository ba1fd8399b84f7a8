# SPDX-License-Identifier: MIT
"""How many instructions an allocator's calls execute, counted by callgrind.

The count of a loop at two lengths, subtracted, leaves the loop without the
program's start; the same loop with functions of one instruction, subtracted,
leaves the calls alone. The result is repeatable to a tenth of an instruction.
"""

import re
import shutil
from dataclasses import dataclass

from hakci.common import UsageError

from .measure import Failure, clean_environment, run_command

LENGTH = 64000  # a multiple of the depth 64
TIMEOUT_SECONDS = 120


@dataclass(frozen=True)
class Shape:
    name: str
    loop: str
    empty_loop: str
    empty_instructions: int  # in the empty twins, per turn: one return a call


SHAPES = (
    Shape("pair-1", "count-pair-1", "count-none-1", 2),
    Shape("pair-64", "count-pair-64", "count-none-64", 2),
    Shape("calloc", "count-calloc", "count-none-calloc", 2),
    Shape("realloc", "count-realloc", "count-none-realloc", 1),
)


def require_valgrind():
    if shutil.which("valgrind") is None:
        raise UsageError("counting instructions needs valgrind; install the package valgrind")


def parse_total(stderr):
    """The number of instructions in callgrind's closing lines."""
    found = re.search(r"Collected\s*:\s*(\d+)", stderr)
    return int(found.group(1)) if found else None


def _count(programs, workload, operations, allocator):
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
               programs.bench_of(allocator), workload, "--operations", str(operations)]
    done = run_command(command, clean_environment(allocator), TIMEOUT_SECONDS)
    if isinstance(done, Failure):
        return done
    if allocator is not None and not allocator.is_what_ran(_library_of(done[0])):
        return Failure(f"malloc came from {_library_of(done[0])}")
    total = parse_total(done[1])
    return total if total is not None else Failure("callgrind printed no total")


def _library_of(stdout):
    """hakmem-bench's first line ends with the file that malloc came from."""
    return stdout.splitlines()[0].rpartition(" of ")[2] if stdout else "nowhere"


def per_turn(programs, workload, allocator):
    """Instructions a turn of the loop, or a Failure."""
    short = _count(programs, workload, LENGTH, allocator)
    long = _count(programs, workload, 2 * LENGTH, allocator)
    for outcome in (short, long):
        if isinstance(outcome, Failure):
            return outcome
    return (long - short) / LENGTH


def empty_turns(programs):
    """The cost of each shape's loop itself, whatever the allocator."""
    empties = {}
    for shape in SHAPES:
        turn = per_turn(programs, shape.empty_loop, None)
        if isinstance(turn, Failure):
            raise UsageError(f"{shape.empty_loop} under callgrind: {turn.reason}")
        empties[shape.name] = turn
    return empties


def count_shape(programs, shape, allocator, empties):
    """Instructions inside the allocator's functions, per turn; or a Failure."""
    turn = per_turn(programs, shape.loop, allocator)
    if isinstance(turn, Failure):
        return turn
    return round(turn - empties[shape.name] + shape.empty_instructions, 1)


def count_all(programs, allocators, progress):
    """{shape: {allocator: instructions or Failure}}"""
    empties = empty_turns(programs)
    counts = {}
    for shape in SHAPES:
        counts[shape.name] = {}
        for allocator in allocators:
            progress(shape.name, allocator)
            counts[shape.name][allocator.name] = count_shape(programs, shape, allocator, empties)
    return counts
