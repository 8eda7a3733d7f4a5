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
    said = {name: value for name, value in fields.items() if value is not None}
    token = _context.set({**(_context.get() or {}), **said})
    try:
        yield
    finally:
        _context.reset(token)


def thread_name(number: int) -> str:
    """A thread or task number as Sidekiq writes it: base 36."""
    text = ""
    while number or not text:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return text


def _stamp(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _tid() -> str:
    return thread_name(threading.get_ident() & 0xFFFFFFFF)


class TextFormatter(logging.Formatter):
    """`INFO  2026-11-22T07:00:00.000Z pid=1 tid=abc jid=… class=…: done`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the traceback of an error below it."""
        fields = {"pid": os.getpid(), "tid": _tid(), **(_context.get() or {})}
        said = " ".join(f"{name}={value}" for name, value in fields.items())
        line = f"{record.levelname:<5} {_stamp(record)} {said}: {record.getMessage()}"
        return line if record.exc_info is None else f"{line}\n{self.formatException(record.exc_info)}"


class JsonFormatter(logging.Formatter):
    """One JSON object a line: ts, pid, tid, lvl, msg, ctx."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        said: dict[str, object] = {
            "ts": _stamp(record),
            "pid": os.getpid(),
            "tid": _tid(),
            "lvl": record.levelname,
            "msg": record.getMessage(),
        }
        if context := _context.get():
            said["ctx"] = dict(context)
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
