"""Log lines with Sidekiq's fields, as text or JSON (job_logger.rb, logger.rb)."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final

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
    if LOGGER.isEnabledFor(logging.INFO):
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


class TextFormatter(logging.Formatter):
    """`INFO  2026-11-22T07:00:00.000Z pid=1 tid=abc jid=… class=…: done`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the traceback of an error below it."""
        context = _context.get()
        tid = context["tid"] if context and "tid" in context else _tid()
        more = "".join([f" {name}={value}" for name, value in context.items() if name != "tid"]) if context else ""
        if not more.isprintable():  # from a payload: it must not look like a line of its own
            more = more.encode("unicode_escape").decode()
        line = (
            f"{record.levelname:<5} {_stamps.stamp(record.created)} pid={os.getpid()} tid={tid}{more}: "
            f"{record.getMessage()}"
        )
        return line if record.exc_info is None else f"{line}\n{self.formatException(record.exc_info)}"


class JsonFormatter(logging.Formatter):
    """One JSON object a line: ts, pid, tid, lvl, msg, ctx."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        context = dict(_context.get() or {})
        said: dict[str, object] = {
            "ts": _stamps.stamp(record.created),
            "pid": os.getpid(),
            "tid": context.pop("tid", None) or _tid(),
            "lvl": record.levelname,
            "msg": record.getMessage(),
        }
        if context:
            said["ctx"] = context
        if record.exc_info is not None:
            said["err"] = self.formatException(record.exc_info)
        return json.dumps(said, default=str)


def log_to_stdout(*, as_json: bool = False, level: int = logging.INFO) -> None:
    """Logs as `sidekiq` does; for the command."""
    import sys

    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter() if as_json else TextFormatter())
    LOGGER.handlers[:] = [handler]
    LOGGER.setLevel(level)
    LOGGER.propagate = False
