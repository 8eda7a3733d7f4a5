"""A real terminal for tests: a program on a pty, the bytes it writes, and what it leaves behind."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from tests.support.grid import Grid

_WHOLE_SCREEN = b"\x1b[?1049h"
ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30.0
"""Seconds after which a test gives up waiting; nothing is ever asserted about how long something took."""


class Terminal:
    """Runs a program on a pseudo terminal. Use it in a `with` block."""

    def __init__(
        self, argv: Sequence[str], *, columns: int = 80, rows: int = 24, env: Mapping[str, str] | None = None
    ) -> None:
        self.output = b""
        self._grid = Grid()
        self._drawn = 0
        self.status: int | None = None
        self._master, slave = pty.openpty()
        self._size(columns, rows)
        self.before = termios.tcgetattr(slave)
        environ = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **(env or {})}
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._master)
            os.login_tty(slave)
            os.chdir(ROOT)
            os.execvpe(argv[0], list(argv), environ)
        self._slave = slave  # kept open, so that its settings can be read when the program is gone

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.status is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._slave)
        os.close(self._master)

    @property
    def after(self) -> list[object]:
        """The settings of the terminal now."""
        return list(termios.tcgetattr(self._slave))

    def resize(self, columns: int, rows: int) -> None:
        """Another size, and the signal that says so."""
        self._size(columns, rows)
        os.kill(self.pid, signal.SIGWINCH)

    def send(self, keys: str | bytes) -> None:
        """Types."""
        os.write(self._master, keys.encode() if isinstance(keys, str) else keys)

    def kill(self, number: signal.Signals) -> None:
        """Sends the program a signal."""
        os.kill(self.pid, number)

    def read(self, seconds: float = 0.05) -> bytes:
        """What comes within a while; also kept in `output`."""
        fresh = b""
        if select.select([self._master], [], [], seconds)[0]:
            with contextlib.suppress(OSError):
                fresh = os.read(self._master, 1 << 16)
        self.output += fresh
        return fresh

    @property
    def screen(self) -> str:
        """What it shows now, of a program that takes the whole screen; of others nothing."""
        if _WHOLE_SCREEN in self.output:
            fresh, self._drawn = self.output[self._drawn :], len(self.output)
            self._grid.feed(fresh)
        return self._grid.text

    def wait(self, ready: Callable[[], bool], what: str = "") -> None:
        """Reads until a condition holds; a program that is gone is not waited for."""
        deadline = time.monotonic() + PATIENCE
        while not ready():
            fresh = self.read()
            gone = self._gone() and not fresh and not ready()
            if gone or time.monotonic() > deadline:
                raise AssertionError(f"no {what or 'such thing'} in:\n{self.screen}\n{self.output[-500:]!r}")

    def wait_for(self, text: str, since: int = 0) -> None:
        """Reads until text is there, on the screen or written, that was not when `output` had `since` bytes."""
        before = Grid()
        before.feed(self.output[:since] if _WHOLE_SCREEN in self.output[:since] else b"")
        stood = text in before.text
        self.wait(lambda: text.encode() in self.output[since:] or (not stood and text in self.screen), text)

    def wait_quiet(self, seconds: float = 0.3) -> None:
        """Reads until nothing has come for a while."""
        deadline = time.monotonic() + PATIENCE
        while self.read(seconds) and time.monotonic() < deadline:
            pass

    def wait_exit(self) -> int:
        """Reads until the program is gone; its exit code, negative for a signal."""
        self.wait(lambda: bool(self._gone()), "exit")
        while self.read(0):
            pass
        assert self.status is not None
        return self.status

    def wait_stopped(self) -> None:
        """Reads until the program has been stopped by ctrl+z."""

        deadline = time.monotonic() + PATIENCE
        while self._gone() is not None:
            assert time.monotonic() < deadline, "was not stopped"
            self.read()

    def _gone(self) -> bool | None:
        """Whether the program has ended; None if it has been stopped since the last question."""
        if self.status is not None:
            return True
        pid, status = os.waitpid(self.pid, os.WNOHANG | os.WUNTRACED)
        if pid and os.WIFSTOPPED(status):
            return None
        if pid:
            self.status = os.waitstatus_to_exitcode(status)
        return bool(pid)

    def _size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def sqtui(*arguments: str) -> list[str]:
    """The command under test."""
    return [sys.executable, "-m", "sidekiq_tui", *arguments]


def assert_restored(terminal: Terminal) -> None:
    """The shell gets its terminal back: settings, main screen, cursor, mouse, paste, focus, wrapping."""
    assert terminal.after == list(terminal.before), "the terminal's settings are not what they were"
    for on, off in (
        (b"\x1b[?1049h", b"\x1b[?1049l"),
        (b"\x1b[?25l", b"\x1b[?25h"),
        (b"\x1b[?1000h", b"\x1b[?1000l"),
        (b"\x1b[?1003h", b"\x1b[?1003l"),
        (b"\x1b[?2004h", b"\x1b[?2004l"),
        (b"\x1b[?1004h", b"\x1b[?1004l"),
        (b"\x1b[?7l", b"\x1b[?7h"),
    ):
        assert terminal.output.rfind(off) >= terminal.output.rfind(on), f"{on!r} is still on"
