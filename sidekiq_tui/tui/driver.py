"""Textual's driver for a terminal that may go away: a closed window, a lost SSH line."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable
from functools import partial
from typing import IO, Any

from textual.drivers.linux_driver import LinuxDriver


class SqtuiDriver(LinuxDriver):
    """Ends the app when its terminal is gone, instead of waiting for ever to write to it.

    Textual's writer thread dies of the first failed write; its queue then fills, and the app blocks in it, deaf to
    signals. A hangup brings this about: the kernel sends SIGCONT after SIGHUP, and at SIGCONT Textual starts anew.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self._file is not None:
            self._file = _Losable(self._file, self._lost)  # type: ignore[assignment]

    def _lost(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended: so has the app
            self._loop.call_soon_threadsafe(partial(self._app.exit, return_code=128 + signal.SIGHUP))


class _Losable:
    """A file whose writes never fail: the first failure is told, and what follows is dropped."""

    def __init__(self, file: IO[str], lost: Callable[[], None]) -> None:
        self._file = file
        self._tell = lost
        self._gone = False

    def write(self, text: str) -> int:
        """As of a file."""
        self._try(partial(self._file.write, text))
        return len(text)

    def flush(self) -> None:
        """As of a file."""
        self._try(self._file.flush)

    def fileno(self) -> int:
        """As of a file."""
        return self._file.fileno()

    def isatty(self) -> bool:
        """As of a file."""
        return self._file.isatty()

    def _try(self, act: Callable[[], object]) -> None:
        if self._gone:
            return
        try:
            act()
        except OSError:
            self._gone = True
            self._tell()
