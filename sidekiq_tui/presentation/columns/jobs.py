"""The jobs of a queue, a set, or a search: one kind of list, whose columns follow the place."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import (
    Cell,
    Column,
    Context,
    SortKey,
    Span,
    label_role,
    number_key,
    text_key,
    value_cell,
)
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.presentation.values import json_text, screen_args
from sidekiq_tui.servers.job_on import JobOn

if TYPE_CHECKING:
    from sidekiq_tui.sidekiq.job import JobRecord

ListKind = Literal["queue", "retry", "schedule", "dead", "search"]

CLOCK_CELLS: Final = 12
AGE_CELLS: Final = 8
_LAST_TRIES: Final = 0.8
"""From this part of its tries on, a job is about to die."""
_PROBE: Final = 4096


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job and the server it is on, where jobs of several servers stand in one list."""

    job: JobRecord
    server: str | None = None
    label: str | None = None


def job_of(row: JobRow | JobRecord) -> JobRecord:
    """The job of a row."""
    return row.job if isinstance(row, JobRow) else row


def _server(row: JobRow | JobRecord, context: Context, width: int | None) -> Cell:
    if not isinstance(row, JobRow | JobOn) or row.server is None:
        return ()
    return (Span(context.safe(row.server), label_role(row.label)),)


def _upcoming(row: JobRow | JobRecord, context: Context, width: int | None) -> Cell:
    shown = units.time_cell(job_of(row).score, context.now, context.time_mode, upcoming=True)
    return (Span(shown, "ok strong" if shown == "due" else "muted" if shown == units.UNKNOWN else "text"),)


def _died(row: JobRow | JobRecord, context: Context, width: int | None) -> Cell:
    return value_cell(units.time_cell(job_of(row).score, context.now, context.time_mode))


def _waiting(row: JobRow | JobRecord, context: Context, width: int | None) -> Cell:
    return value_cell(units.time_cell(job_of(row).waiting_since, context.now, context.time_mode))


def _tries(row: JobRow | JobRecord, context: Context, width: int | None) -> Cell:
    """Which of its retries comes next: a job that failed once waits for the first."""
    job = job_of(row)
    if job.retry_count is None:
        return value_cell(units.UNKNOWN)
    tries = job.retry_count + 1
    if job.retry_limit is None:
        return (Span(units.count(tries)),)
    last = job.retry_limit > 0 and tries >= _LAST_TRIES * job.retry_limit
    return (Span(f"{units.count(tries)}/{units.count(job.retry_limit)}", "warn" if last else "text"),)


def _tries_key(row: JobRow | JobRecord, context: Context) -> SortKey:
    return number_key(job_of(row).retry_count)


def _queue(row: JobRow | JobRecord, context: Context, width: int | None) -> Cell:
    queue = job_of(row).queue
    return value_cell(units.UNKNOWN) if queue is None else (Span(context.safe(queue)),)


_PLACES: Final = {"retry": "retries", "schedule": "scheduled", "dead": "dead", "work": "running"}


def _where(row: JobRow | JobRecord, context: Context, width: int | None) -> Cell:
    place = job_of(row).place
    if place.kind == "queue":
        return (Span(context.safe(place.queue or "")),)
    return (Span(_PLACES[place.kind], "muted"),)


def _jid(row: JobRow | JobRecord, context: Context, width: int | None) -> Cell:
    jid = job_of(row).jid
    return (Span(context.safe(jid) if jid is not None else units.UNKNOWN, "muted"),)


def _class(row: JobRow | JobRecord, context: Context, width: int | None) -> Cell:
    job = job_of(row)
    if job.malformed:
        return (Span(f"{context.glyphs.bad} undecodable", "bad"),)
    return class_cell(job.display_class, context)


def class_cell(name: str | None, context: Context) -> Cell:
    """A Ruby class: the namespace muted, the name itself bold."""
    if name is None:
        return value_cell(units.UNKNOWN)
    shown = context.safe(name)
    space, separator, last = shown.rpartition("::")
    if not separator:
        return (Span(last, "strong"),)
    return (Span(space + separator, "muted"), Span(last, "strong"))


def _args(row: JobRow | JobRecord, context: Context, width: int | None) -> Cell:
    job = job_of(row)
    if job.malformed:
        return (Span(_what_it_is(job.raw), "muted"),)
    return (Span(json_text(screen_args(job), context.limit), "muted"),)


def _what_it_is(raw: bytes) -> str:
    """Size and kind of bytes that are no job, such as `214 B, not JSON`."""
    shown = units.size(len(raw))
    number, unit = (shown[:-1], shown[-1]) if shown[-1].isalpha() else (shown, "B")
    return f"{number} {unit if unit == 'B' else unit + 'B'}, {'no object' if _is_json(raw) else 'not JSON'}"


def _is_json(raw: bytes) -> bool:
    """Whether it is JSON all the same, for payloads small enough to look."""
    try:
        json.loads(raw if len(raw) <= _PROBE else b"")
    except (ValueError, RecursionError):
        return False
    return True


def _error(row: JobRow | JobRecord, context: Context, width: int | None) -> Cell:
    job = job_of(row)
    if job.malformed:
        return (Span(_raw_start(job.raw, context), "muted"), Span(" kept as it is", "muted"))
    return error_cell(job.error_class, job.error_message, context)


def error_cell(error: str | None, message: str | None, context: Context) -> Cell:
    """An error's class, then its message; a message that begins with the class says it once."""
    if error is None and message is None:
        return value_cell(units.UNKNOWN)
    if error is None:
        return (Span(context.safe(message or ""), "muted"),)
    shown = Span(context.safe(error))
    if message is None or message == error or not message.strip():
        return (shown,)
    if error and message.startswith(error):
        return (shown, Span(context.safe(message[len(error) :]), "muted"))
    return (shown, Span("  ", "muted"), Span(context.safe(message), "muted"))


def _raw_start(raw: bytes, context: Context) -> str:
    """The first bytes, escaped; enough to recognise what wrote them."""
    start = raw if context.complete else raw[:12]
    shown = "".join(chr(byte) if 0x20 <= byte < 0x7F and byte != 0x5C else f"\\x{byte:02x}" for byte in start)
    return shown if len(start) == len(raw) else shown + "…"


def _score_key(row: JobRow | JobRecord, context: Context) -> SortKey:
    return number_key(job_of(row).score)


def _waiting_key(row: JobRow | JobRecord, context: Context) -> SortKey:
    since = job_of(row).waiting_since
    return number_key(None if since is None else context.now - since)


def _died_key(row: JobRow | JobRecord, context: Context) -> SortKey:
    score = job_of(row).score
    return number_key(None if score is None else context.now - score)


def _text(value: Callable[[JobRecord], str | None]) -> Callable[[JobRow | JobRecord, Context], SortKey]:
    return lambda row, context: text_key(value(job_of(row)))


def _args_key(row: JobRow | JobRecord, context: Context) -> SortKey:
    return text_key(display_text(json_text(screen_args(job_of(row)))))


_Column = Column["JobRow | JobRecord"]

SERVER: Final = _Column(
    "server",
    "server",
    8,
    12,
    _server,
    weight=2,
    sort=lambda row, context: text_key(row.server if isinstance(row, JobRow | JobOn) else None),
    still=True,
)
JID: Final = _Column("jid", "jid", 24, 24, _jid, goes=4, still=True)
"""For one-shot tables, from which one copies it; screens show it below the list."""
TRIES: Final = _Column("tries", "tries", 5, 5, _tries, align="right", goes=3, sort=_tries_key, still=True)
QUEUE: Final = _Column("queue", "queue", 8, 12, _queue, weight=1, goes=2, sort=_text(lambda job: job.queue), still=True)
_WHERE: Final = _Column(
    "where", "where", 10, 10, _where, sort=_text(lambda job: job.place.queue or job.place.kind), still=True
)
_CLASS: Final = _Column(
    "class", "class", 22, 32, _class, weight=2, cut="left", sort=_text(lambda job: job.display_class), still=True
)
_ARGS: Final = _Column("args", "args", 16, None, _args, weight=3, goes=1, sort=_args_key, still=True)
_ARGS_STAY: Final = _Column("args", "args", 16, None, _args, weight=3, sort=_args_key, still=True)
_ERROR: Final = _Column(
    "error", "error", 22, None, _error, weight=4, sort=_text(lambda job: job.error_class), still=True
)

_REST: Final[Mapping[ListKind, tuple[_Column, ...]]] = {
    "queue": (_CLASS, _ARGS_STAY),
    "retry": (TRIES, QUEUE, _CLASS, _ARGS, _ERROR),
    "schedule": (QUEUE, _CLASS, _ARGS_STAY),
    "dead": (QUEUE, _CLASS, _ARGS, _ERROR),
    "search": (_WHERE, _CLASS, _ARGS, replace(_ERROR, goes=2)),
}

# Heading of the list's own time: while it is relative, and while it is a point in time.
_TIMES: Final = {
    "queue": ("waiting", "enqueued", _waiting, _waiting_key),
    "retry": ("next in", "next at", _upcoming, _score_key),
    "schedule": ("runs in", "runs at", _upcoming, _score_key),
    "dead": ("died", "died", _died, _died_key),
    "search": ("age", "created", _waiting, _waiting_key),
}


def job_columns(kind: ListKind, *, server: bool = False, time_mode: units.TimeMode = "relative") -> tuple[_Column, ...]:
    """The columns of a list of jobs; `server` adds the server first. Points in time need a wider first column."""
    return (*((SERVER,) if server else ()), own_time_column(kind, time_mode), *_REST[kind])


def own_time_column(kind: ListKind, time_mode: units.TimeMode) -> _Column:
    """The time that a list is about."""
    relative, absolute, draw, key = _TIMES[kind]
    wide = AGE_CELLS if time_mode == "relative" else CLOCK_CELLS
    return _Column("time", relative if time_mode == "relative" else absolute, wide, wide, draw, align="right", sort=key)


JOBS: Final[Mapping[ListKind, tuple[_Column, ...]]] = {kind: job_columns(kind) for kind in _REST}
"""The columns of each list on one server, with relative times."""
