"""What a list of jobs can show besides the columns it comes with."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Final

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Column, Context, SortKey, Span, number_key, text_key, value_cell
from sidekiq_tui.presentation.columns.jobs import (
    AGE_CELLS,
    CLOCK_CELLS,
    QUEUE,
    TRIES,
    JobRow,
    ListKind,
    job_columns,
    job_of,
)
from sidekiq_tui.presentation.job_options import context_fields
from sidekiq_tui.presentation.values import json_text

if TYPE_CHECKING:
    from sidekiq_tui.sidekiq.job import JobRecord

_Column = Column["JobRow | JobRecord"]

JOB_COLUMN_WORDS: Final = {
    "time": "the list's own time",
    "tries": "which retry comes next, of how many",
    "queue": "the queue it came from and goes to",
    "where": "the queue or set it lies in",
    "class": "the class, unwrapped",
    "args": "the arguments, unwrapped",
    "error": "the last error and its message",
    "created": "when it was first pushed",
    "failed": "when it failed first",
    "retried": "when it failed last",
    "wrapped": "the class that Sidekiq runs",
    "jid": "the job's id",
    "tags": "labels that the application gave it",
    "context": "what it took along from the request that pushed it",
    "bid": "its batch",
    "size": "bytes of the payload",
}
"""What each column holds."""


def every_job_column(kind: ListKind, time_mode: units.TimeMode = "relative") -> tuple[_Column, ...]:
    """All columns that a list of jobs can show, in their fixed order."""
    time, *own = job_columns(kind, time_mode=time_mode)
    has = {column.key for column in own}
    wanted = () if kind == "queue" else (TRIES, QUEUE)
    missing = [column for column in wanted if column.key not in has]
    errors = (
        []
        if kind in ("queue", "schedule")
        else [_past("failed", _failed, time_mode), _past("retried", _retried, time_mode)]
    )
    facts = (_past("created", _created, time_mode), *errors)
    return (time, *missing, *own, *facts, _WRAPPED, _JID, _TAGS, _CONTEXT, _BID, _SIZE)


def chosen_job_columns(
    kind: ListKind, shown: Collection[str] | None, time_mode: units.TimeMode = "relative"
) -> tuple[_Column, ...]:
    """The columns of these keys, as far as the list has them; without any those that it comes with."""
    wanted = () if shown is None else shown
    found = tuple(column for column in every_job_column(kind, time_mode) if column.key in wanted)
    return found or job_columns(kind, time_mode=time_mode)


def _created(job: JobRecord) -> float | None:
    return job.created_at


def _failed(job: JobRecord) -> float | None:
    return job.failed_at


def _retried(job: JobRecord) -> float | None:
    return job.retried_at


def _past(key: str, value: Callable[[JobRecord], float | None], time_mode: units.TimeMode) -> _Column:
    """A point in time that has passed; its order is by age, the newest first."""

    def draw(row: JobRow | JobRecord, context: Context, width: int | None) -> Cell:
        return value_cell(units.time_cell(value(job_of(row)), context.now, context.time_mode))

    def order(row: JobRow | JobRecord, context: Context) -> SortKey:
        at = value(job_of(row))
        return number_key(None if at is None else context.now - at)

    wide = AGE_CELLS if time_mode == "relative" else CLOCK_CELLS
    return _Column(key, key, wide, wide, draw, align="right", goes=4, sort=order)


def _plain(value: Callable[[JobRecord], str | None], role: str = "text") -> Callable[..., Cell]:
    def draw(row: JobRow | JobRecord, context: Context, width: int | None) -> Cell:
        shown = value(job_of(row))
        return value_cell(units.UNKNOWN) if shown is None else (Span(context.safe(shown), role),)

    return draw


def _by(value: Callable[[JobRecord], str | None]) -> Callable[[JobRow | JobRecord, Context], SortKey]:
    return lambda row, context: text_key(value(job_of(row)))


def _jid(job: JobRecord) -> str | None:
    return job.jid


def _tags(job: JobRecord) -> str | None:
    return " ".join(job.tags) or None


def _context(job: JobRecord) -> str | None:
    fields = dict(context_fields(job.item))
    return json_text(fields["cattr"] if fields.keys() == {"cattr"} else fields) if fields else None


def _bid(job: JobRecord) -> str | None:
    return job.bid


def _wrapped(job: JobRecord) -> str | None:
    return job.klass


def _size(row: JobRow | JobRecord, context: Context, width: int | None) -> Cell:
    return value_cell(units.size(len(job_of(row).raw)))


def _size_key(row: JobRow | JobRecord, context: Context) -> SortKey:
    return number_key(len(job_of(row).raw))


_WRAPPED: Final = _Column(
    "wrapped", "runs as", 16, 28, _plain(_wrapped), weight=1, goes=5, cut="left", sort=_by(_wrapped), still=True
)
_JID: Final = _Column("jid", "jid", 24, 24, _plain(_jid, "muted"), goes=6, sort=_by(_jid), still=True)
_TAGS: Final = _Column("tags", "tags", 10, 20, _plain(_tags), weight=1, goes=5, sort=_by(_tags), still=True)
_CONTEXT: Final = _Column(
    "context", "context", 12, 30, _plain(_context), weight=1, goes=5, sort=_by(_context), still=True
)
_BID: Final = _Column("bid", "batch", 14, 14, _plain(_bid, "muted"), goes=4, sort=_by(_bid), still=True)
_SIZE: Final = _Column("size", "bytes", 5, 5, _size, align="right", goes=3, sort=_size_key, still=True)
