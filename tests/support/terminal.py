"""A program on a terminal of its own: what it is sent, every byte it writes, how it leaves."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from types import TracebackType

LIMIT = 30.0  # seconds after which waiting for something that never comes ends in an error


class Terminal:
    """Starts `argv` on a new pseudo-terminal. `output` holds all bytes written so far."""

    def __init__(
        self, argv: Sequence[str], *, columns: int = 120, rows: int = 40, env: Mapping[str, str] | None = None
    ) -> None:
        self.output = b""
        self.exit_code: int | None = None
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **(env or {})}
            os.execvpe(argv[0], list(argv), environment)
        self.resize(columns, rows)

    @classmethod
    def sqtui(cls, *args: str, columns: int = 120, rows: int = 40, env: Mapping[str, str] | None = None) -> Terminal:
        """sqtui of this checkout."""
        return cls([sys.executable, "-m", "sidekiq_tui", *args], columns=columns, rows=rows, env=env)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self.exit_code is None:
            os.kill(self.pid, signal.SIGKILL)
            self.wait()
        os.close(self._fd)

    def resize(self, columns: int, rows: int) -> None:
        """Changes the size; the kernel tells the program."""
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def send(self, keys: str) -> None:
        """Types."""
        os.write(self._fd, keys.encode())

    def read(self, seconds: float) -> bytes:
        """What it writes within that time (less if it ends before)."""
        start, deadline = len(self.output), time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and self._take(left) is not False:
            pass
        return self.output[start:]

    def wait_for(self, text: str, *, since: int = 0) -> int:
        """Reads until `text` was written after byte `since`; returns the number of bytes written by then."""
        deadline = time.monotonic() + LIMIT
        while text.encode() not in self.output[since:]:
            if time.monotonic() > deadline or self._take(0.2) is False:
                raise AssertionError(f"{text!r} never came; the last of it: {self.output[-3000:]!r}")
        return len(self.output)

    def wait(self) -> int:
        """Waits for the end; returns the exit code (negative: the signal's number)."""
        deadline = time.monotonic() + LIMIT
        while self.exit_code is None:
            self._take(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.exit_code = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > deadline:
                raise AssertionError(f"it does not end; the last of it: {self.output[-3000:]!r}")
        while self._take(0.05):
            pass
        return self.exit_code

    def modes(self) -> list[int | list[bytes | int]]:
        """The terminal's settings (termios), to compare before and after."""
        return termios.tcgetattr(self._fd)

    def _take(self, seconds: float) -> bool | None:
        """Reads what is there, waiting up to `seconds`. None: nothing came; False: nothing will."""
        ready, _, _ = select.select([self._fd], [], [], seconds)
        if not ready:
            return None
        try:
            data = os.read(self._fd, 1 << 16)
        except OSError:  # Linux: the other end is closed
            return False
        self.output += data
        return bool(data)
