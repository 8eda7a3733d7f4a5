"""From a key to its change on the terminal: how long, in lists of a thousand, 100,000 and a million entries?

CPU is what the program spends on a key, all that goes on beside it included (Linux only).

Run: python -m benchmarks.key_to_paint
"""

from __future__ import annotations

import math
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.common import fill, plain_client, private_server
from tests.support.grid import Grid
from tests.support.terminal import Terminal, sqtui

SIZES = (1_000, 100_000, 1_000_000)
TIMES = 200
FEWER = 100
HOME = "\x1b[H"
ESCAPE = "\x1b"
ECHO = "import os, tty; tty.setraw(0); os.write(1, b'ready')\nwhile True: os.write(1, os.read(0, 1))"
PATIENCE = 5.0
QUIET = 0.06
"""Seconds without output after which a key has had its effect."""

Shown = Callable[[str, str], bool]
"""Whether a key has had its effect, from the screen before and after."""


def main() -> None:
    """Prints p50, p99 and the worst for keys that only draw and for keys that read a page."""
    print(f"{'entries':>10}  {'key':24} {'p50':>8} {'p99':>8} {'worst':>8} {'CPU':>8}   milliseconds")
    _noise()
    done = 0
    with private_server() as server, plain_client(server) as client:
        for size in SIZES:
            fill(client, "retry", size - done, first=done)
            done = size
            with Terminal(sqtui("--url", server.url), columns=120, rows=40) as terminal:
                terminal.wait_for("Servers")
                terminal.wait_quiet(1.5)
                terminal.send("gr")
                terminal.wait_for(f" of {_count(size)}")
                terminal.wait_quiet(0.5)
                _measure(terminal, size)


def _measure(terminal: Terminal, size: int) -> None:
    keyboard = _Keyboard(terminal)

    def series(what: str, times: int, *keys: str, shown: Shown = _moved) -> None:
        spent = _cpu_seconds(terminal.pid)
        seconds = [keyboard.press(key, shown) for _ in range(times) for key in keys]
        _report(size, what, seconds, (_cpu_seconds(terminal.pid) - spent) / len(seconds))

    series("j, one row down", TIMES, "j")
    series("k, one row up", TIMES, "k")
    series("space, mark", TIMES, " ", shown=_marked)
    keyboard.press(ESCAPE, _marked)
    series("a, mark what is visible", FEWER, "a", shown=_marked)
    if "marked" in terminal.screen:
        keyboard.press(ESCAPE, _marked)
    keyboard.press(HOME, _moved)
    series("], a page down", min(FEWER, size // 33 - 2), "]")
    series("home and G", FEWER, HOME, "G")


def _noise() -> None:
    """What the machine adds by itself: a program that only echoes, on the same kind of terminal."""
    with Terminal([sys.executable, "-c", ECHO], columns=120, rows=40) as terminal:
        terminal.wait_for("ready")
        seconds = []
        for _ in range(TIMES):
            time.sleep(QUIET)
            started = time.perf_counter()
            terminal.send("j")
            while not terminal.read():
                pass
            seconds.append(time.perf_counter() - started)
    _report(0, "a program that echoes", seconds, None)


def _cpu_seconds(pid: int) -> float:
    """CPU time of a process so far (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class _Keyboard:
    """Types into a terminal and sees when the picture changes."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._grid = Grid()
        self._read = 0

    def press(self, keys: str, shown: Shown) -> float:
        """Seconds from a key to the first output after which its effect is on the screen, all rows there."""
        self._catch_up()
        before = self._grid.text
        chunks: list[tuple[float, bytes]] = []
        started = time.perf_counter()
        self._terminal.send(keys)
        found: float | None = None
        while found is None:
            while fresh := self._terminal.read(QUIET):
                chunks.append((time.perf_counter() - started, fresh))
            for seconds, part in chunks:
                self._grid.feed(part)
                if found is None and shown(before, self._grid.text):
                    found = seconds
            chunks.clear()
            self._read = len(self._terminal.output)
            if time.perf_counter() - started > PATIENCE:
                raise AssertionError(f"{keys!r} did nothing:\n{self._grid.text}")
        return found

    def _catch_up(self) -> None:
        self._grid.feed(self._terminal.output[self._read :])
        self._read = len(self._terminal.output)


def _moved(before: str, after: str) -> bool:
    """The cursor is on another row, and that row is there."""
    row = _cursor_row(after)
    return row is not None and not row[1].startswith("▌ …") and row != _cursor_row(before)


def _marked(before: str, after: str) -> bool:
    """The title says another number of marks."""
    return _title(before) != _title(after)


def _title(screen: str) -> str:
    return screen.splitlines()[3].partition(" marked")[0]


def _cursor_row(screen: str) -> tuple[int, str] | None:
    rows = ((number, line) for number, line in enumerate(screen.splitlines()) if line.startswith("▌"))
    return next(rows, None)


def _count(size: int) -> str:
    return {1_000: "1,000", 100_000: "100k", 1_000_000: "1.00M"}[size]


def _report(size: int, what: str, seconds: list[float], cpu: float | None) -> None:
    ordered = sorted(one * 1000 for one in seconds)
    p99 = ordered[math.ceil(len(ordered) * 0.99) - 1]
    own = "" if cpu is None else f"{cpu * 1000:8.1f}"
    print(
        f"{size:>10,}  {what:24} {statistics.median(ordered):8.1f} {p99:8.1f} {ordered[-1]:8.1f} {own:>8}", flush=True
    )


if __name__ == "__main__":
    main()
