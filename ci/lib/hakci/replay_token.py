# SPDX-License-Identifier: MIT
"""The hunter's tokens, read without the hunter (stress/hunt/report/token.c
writes them): enough to hunt around a token's schedule in another build."""

import base64
import binascii
import re
from dataclasses import dataclass

from . import common

TOKEN = re.compile(r"h1\.([a-z0-9][\w-]*)\.([0-9a-f]{8})\.([\w-]+)")
WITH_STALE_LOADS, WITH_PLAIN_POINTS, WITH_RACES = 1, 2, 4  # engine.h
BODIES = 6
THREAD, LOAD = 0, 1  # kinds of decision, engine.h


@dataclass
class Token:
    text: str
    scenario: str
    build: str
    choices: str  # as text: the checksum is in it
    options: int
    seed: int
    thread_deviations: int  # at least as many as preemptions
    stale_loads: int

    def for_build(self, build):
        """The same choices, addressed to another build."""
        return f"h1.{self.scenario}.{build}.{self.choices}"


class _Bytes:
    def __init__(self, data):
        self.data, self.at = data, 0

    def byte(self):
        self.at += 1
        return self.data[self.at - 1]

    def number(self):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value


def _checksum(data):
    """hunt_hash() of finding.c, its lowest 16 bits."""
    mask = 2**64 - 1
    value = 1
    for byte in data:
        value = ((value ^ byte) + 0x9E3779B97F4A7C15) & mask
        value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & mask
        value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & mask
        value ^= value >> 31
    return (value & 0xFFFF).to_bytes(2, "little")


def _skip_programs(data):
    for _ in range(BODIES):
        for _ in range(data.byte()):
            data.number()


def parse(text):
    """Raises UsageError with one line if it is no whole token."""
    match = TOKEN.fullmatch(text)
    if not match:
        raise common.UsageError(f"'{text[:60]}' is not a token: one looks like "
                                "h1.SCENARIO.BUILD.CHOICES")
    scenario, build, choices = match.groups()
    try:
        data = _Bytes(base64.urlsafe_b64decode(choices + "=" * (-len(choices) % 4)))
        if base64.urlsafe_b64encode(data.data).decode().rstrip("=") != choices:
            raise ValueError("one text for one schedule")
        flags = data.byte()
        data.byte()  # which bodies take part
        seed = data.number()
        if flags & 1:
            _skip_programs(data)
        counts = {}
        for _ in range(data.number()):
            kind = data.number() & 3
            data.byte()
            counts[kind] = counts.get(kind, 0) + 1
    except (binascii.Error, IndexError, ValueError) as error:
        raise common.UsageError("the token is damaged: copy it whole") from error
    if data.data[data.at:] != _checksum(data.data[:data.at]):
        raise common.UsageError("the token is damaged: copy it whole")
    return Token(text, scenario, build, choices, flags >> 1, seed, counts.get(THREAD, 0),
                 counts.get(LOAD, 0))
