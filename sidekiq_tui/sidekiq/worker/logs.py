"""Log lines with Sidekiq's fields, as text or JSON (job_logger.rb, logger.rb)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final, TextIO

LOGGER: Final = logging.getLogger("sidekiq")

_context: ContextVar[Mapping[str, object] | None] = ContextVar("sidekiq_log", default=None)
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


@contextmanager
def log_context(**fields: object) -> Iterator[None]:
    """Adds fields to every line that is logged inside; None adds nothing."""
    token = _context.set(_with(fields))
    try:
        yield
    finally:
        _context.reset(token)


def log_fields(fields: Mapping[str, object]) -> None:
    """Adds fields to every line of the running task from now on; None adds nothing."""
    _context.set(_with(fields))


def _with(fields: Mapping[str, object]) -> Mapping[str, object]:
    said = {name: value for name, value in fields.items() if value is not None}
    before = _context.get()
    return {**before, **said} if before else said


def say(message: str) -> None:
    """Logs at level INFO, without the costly look at which line of code says so."""
    if not LOGGER.isEnabledFor(logging.INFO):
        return
    handlers = LOGGER.handlers
    if len(handlers) == 1 and isinstance(handlers[0], LineHandler) and not LOGGER.propagate and not LOGGER.filters:
        handlers[0].say(message)
    else:
        LOGGER.handle(logging.LogRecord(LOGGER.name, logging.INFO, __file__, 0, message, (), None))


def thread_name(number: int) -> str:
    """A thread or task number as Sidekiq writes it: base 36."""
    text = ""
    while number or not text:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return text


class _Stamps:
    """Times as text; the part that stays for a second is made once."""

    def __init__(self) -> None:
        self._last: tuple[int, str] = (-1, "")

    def stamp(self, at: float) -> str:
        """ISO 8601 in UTC with milliseconds; `at` is Unix seconds."""
        milliseconds = int(at * 1000)
        second = milliseconds // 1000
        known, text = self._last
        if known != second:
            text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S.")
            self._last = (second, text)
        return f"{text}{milliseconds % 1000:03}Z"


_stamps: Final = _Stamps()
_names: Final[dict[int, str]] = {}
"""Of threads, by their ident; there are as many as the system had at a time."""


def _tid() -> str:
    """The name of this thread."""
    ident = threading.get_ident()
    return _names.get(ident) or _names.setdefault(ident, thread_name(ident & 0xFFFFFFFF))


class LineFormatter(logging.Formatter):
    """Makes a line of a message, with the context of the running task."""

    def line(self, level: str, at: float, message: str, error: str | None = None) -> str:
        """The line; `at` is Unix seconds, `error` a traceback."""
        raise NotImplementedError

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        error = None if record.exc_info is None else self.formatException(record.exc_info)
        return self.line(record.levelname, record.created, record.getMessage(), error)


class TextFormatter(LineFormatter):
    """`INFO  2026-11-22T07:00:00.000Z pid=1 tid=abc jid=… class=…: done`."""

    def line(self, level: str, at: float, message: str, error: str | None = None) -> str:
        """One line, and the traceback of an error below it."""
        context = _context.get()
        tid = context["tid"] if context and "tid" in context else _tid()
        more = "".join([f" {name}={value}" for name, value in context.items() if name != "tid"]) if context else ""
        if not more.isprintable():  # from a payload: it must not look like a line of its own
            more = more.encode("unicode_escape").decode()
        line = f"{level:<5} {_stamps.stamp(at)} pid={os.getpid()} tid={tid}{more}: {message}"
        return line if error is None else f"{line}\n{error}"


class JsonFormatter(LineFormatter):
    """One JSON object a line: ts, pid, tid, lvl, msg, ctx."""

    def line(self, level: str, at: float, message: str, error: str | None = None) -> str:
        """One line."""
        context = dict(_context.get() or {})
        said: dict[str, object] = {
            "ts": _stamps.stamp(at),
            "pid": os.getpid(),
            "tid": context.pop("tid", None) or _tid(),
            "lvl": level,
            "msg": message,
        }
        if context:
            said["ctx"] = context
        if error is not None:
            said["err"] = error
        return json.dumps(said, default=str)


class LineHandler(logging.StreamHandler[TextIO]):
    """Writes to a stream; what the loop says in one of its rounds is written at once."""

    def __init__(self, stream: TextIO, formatter: LineFormatter) -> None:
        super().__init__(stream)
        self.setFormatter(formatter)
        self._lines = formatter
        self._pending: list[str] = []

    def say(self, message: str) -> None:
        """A line of level INFO, from the thread of the running loop."""
        if not self._pending:
            asyncio.get_running_loop().call_soon(self.flush)
        self._pending.append(self._lines.line("INFO", time.time(), message))

    def emit(self, record: logging.LogRecord) -> None:
        """Writes a record, after what was said before it."""
        self._write_pending()
        super().emit(record)

    def flush(self) -> None:
        """Writes what waits."""
        self.acquire()
        try:
            self._write_pending()
            with contextlib.suppress(OSError, ValueError):  # nobody reads any more; jobs go on
                super().flush()
        finally:
            self.release()

    def _write_pending(self) -> None:
        lines, self._pending = self._pending, []
        if lines:
            with contextlib.suppress(OSError, ValueError):
                self.stream.write("\n".join(lines) + self.terminator)


def log_to_stdout(*, as_json: bool = False, level: int = logging.INFO) -> None:
    """Logs as `sidekiq` does; for the command."""
    LOGGER.handlers[:] = [LineHandler(sys.stdout, JsonFormatter() if as_json else TextFormatter())]
    LOGGER.setLevel(level)
    LOGGER.propagate = False
