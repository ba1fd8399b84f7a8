# SPDX-License-Identifier: MIT
"""Progress while stages run: one line for each stage that ends and, on a
terminal, a bar below it that moves. Elsewhere, plain lines only."""

import os
import shutil
import sys
import threading
import time

MARKS = {"pass": ("ok", "32"), "fail": ("FAILED", "31"), "timeout": ("TIMED OUT", "31"),
         "not_run": ("NOT RUN", "31"), "absent": ("absent", "33")}


def clock(seconds):
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


class Progress:
    """`expected` seconds are the work planned; the bar is work done over it."""

    def __init__(self, stream=None):
        self.stream = stream or sys.stderr
        self.is_terminal = self.stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self.started = time.monotonic()
        self.done_s = 0.0
        self.total_s = 1.0
        self.current = None  # (title, expected seconds, start)
        self.lock = threading.Lock()
        self.stop_event = threading.Event()
        if self.is_terminal:
            threading.Thread(target=self._redraw_forever, daemon=True).start()

    def plan(self, expected_s):
        """The stages still to come, the running one included, take this long."""
        with self.lock:
            self.total_s = self.done_s + max(expected_s, 0.1)

    def begin(self, title, expected_s):
        with self.lock:
            self.current = (title, max(expected_s, 0.1), time.monotonic())
            self._draw()

    def end(self, title, status, duration_s, note=""):
        mark, colour = MARKS[status]
        if self.is_terminal:
            mark = f"\x1b[{colour}m{mark}\x1b[0m"
        line = f"{title} ... {mark}"
        if status in ("pass", "fail", "timeout"):
            line += f" ({duration_s:.1f} s)"
        with self.lock:
            if self.current:
                self.done_s += self.current[1]
            self.current = None
            self._clear()
            print(line + (f": {note}" if note else ""), file=self.stream, flush=True)
            self._draw()

    def say(self, text):
        with self.lock:
            self._clear()
            print(text, file=self.stream, flush=True)

    def close(self):
        self.stop_event.set()
        with self.lock:
            self.current = None
            self._clear()

    def _redraw_forever(self):
        while not self.stop_event.wait(0.2):
            with self.lock:
                self._draw()

    def _clear(self):
        if self.is_terminal:
            self.stream.write("\r\x1b[K")
            self.stream.flush()

    def _draw(self):
        if not self.is_terminal or not self.current:
            return
        title, expected_s, start = self.current
        # A stage that overruns its estimate creeps towards its end, never past it.
        elapsed = time.monotonic() - start
        part = elapsed / expected_s
        inside = expected_s * (part if part < 0.9 else 1 - 0.1 / (1 + 10 * (part - 0.9)))
        share = min((self.done_s + inside) / self.total_s, 1.0)
        left_s = max(self.total_s - self.done_s - inside, 0)
        width = 24
        filled = int(width * share)
        text = (f"[{'#' * filled}{'.' * (width - filled)}] {share * 100:3.0f} % "
                f"{clock(time.monotonic() - self.started)}, about {clock(left_s)} left: {title}")
        columns = shutil.get_terminal_size().columns
        self.stream.write("\r\x1b[K" + text[:columns - 1])
        self.stream.flush()
