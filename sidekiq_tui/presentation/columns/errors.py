"""The groups of failed jobs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Column, Context, SortKey, Span, number_key, text_key, value_cell
from sidekiq_tui.presentation.columns.jobs import class_cell
from sidekiq_tui.presentation.spark import meter, spark

if TYPE_CHECKING:
    from sidekiq_tui.servers.error_book import ErrorBoard
    from sidekiq_tui.sidekiq.error_groups import ErrorGroup

FRESH: Final = 60.0
"""Seconds since a failure for which it counts as going on."""

_SHARE_CELLS: Final = 5
_METER_CELLS: Final = 5
_TREND_CELLS: Final = 12
_CLOCK_CELLS: Final = 12


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """A group and what the others make of it."""

    group: ErrorGroup
    jobs: int
    """Jobs in all groups."""
    new: bool | None = None
    """Whether none of its jobs failed before the latest deploy; None if no deploy is known."""

    @property
    def share(self) -> float | None:
        """Its part of all jobs."""
        return self.group.count / self.jobs if self.jobs else None


def error_rows(board: ErrorBoard) -> list[ErrorRow]:
    """The groups of a board, the largest first."""
    return [ErrorRow(group, board.jobs, board.is_new(group)) for group in board.groups]


def error_name(group: ErrorGroup, context: Context) -> Span:
    """What went wrong, in a word."""
    cause = group.cause
    if cause.kind == "undecodable":
        return Span(f"{context.glyphs.bad} undecodable", "bad")
    if cause.kind == "rest":
        return Span("all other errors", "muted")
    if cause.error_class is None:
        return Span("no error class" if cause.message else "no error in the payload", "muted")
    return Span(context.safe(cause.error_class), "strong")


def message_after(error_class: str | None, message: str, context: Context) -> Cell:
    """A message behind the class of its error; one that begins with the class says it once."""
    if error_class and message.startswith(error_class):
        message = message[len(error_class) :]
        return (Span(context.safe(message), "muted"),) if message.strip() else ()
    return (Span("  ", "muted"), Span(context.safe(message), "muted")) if message.strip() else ()


def group_count(number: int) -> str:
    """`1 error`, `12 errors`."""
    return f"{units.count(number)} error{'' if number == 1 else 's'}"


def job_count(number: int) -> str:
    """`1 job`, `973 jobs`."""
    return f"{units.count(number)} job{'' if number == 1 else 's'}"


def where_text(group: ErrorGroup) -> str:
    """The sets that the jobs lie in."""
    if group.retries and group.dead:
        return "both"
    return "dead" if group.dead else "retries"


def _jobs(row: ErrorRow, context: Context, width: int | None) -> Cell:
    return (Span(units.count(row.group.count), "strong"),)


def _share(row: ErrorRow, context: Context, width: int | None) -> Cell:
    if width is None:
        return value_cell(units.share(row.share))
    full, empty = meter(row.share, min(_METER_CELLS, max(0, width - _SHARE_CELLS - 1)), context.ascii)
    return (Span(full, "chart-bad"), Span(empty, "rule"), Span(f" {units.share(row.share):>{_SHARE_CELLS}}", "muted"))


def _class(row: ErrorRow, context: Context, width: int | None) -> Cell:
    return class_cell(row.group.cause.klass, context)


def _error(row: ErrorRow, context: Context, width: int | None) -> Cell:
    group = row.group
    new = (Span("new ", "accent strong"),) if row.new else ()
    if group.cause.kind == "undecodable":
        return (*new, error_name(group, context), Span("  payload is no job", "muted"))
    return (*new, error_name(group, context), *message_after(group.cause.error_class, group.shown_message, context))


def _where(row: ErrorRow, context: Context, width: int | None) -> Cell:
    return (Span(where_text(row.group)),)


def _queue(row: ErrorRow, context: Context, width: int | None) -> Cell:
    queues = row.group.queues
    if not queues:
        return value_cell(units.UNKNOWN)
    first = Span(context.safe(queues[0][0]))
    return (first, Span(f" +{len(queues) - 1}", "muted")) if len(queues) > 1 else (first,)


def _first(row: ErrorRow, context: Context, width: int | None) -> Cell:
    return value_cell(units.time_cell(row.group.first_at, context.now, context.time_mode))


def _last(row: ErrorRow, context: Context, width: int | None) -> Cell:
    last = row.group.last_at
    fresh = last is not None and context.now - last < FRESH
    return value_cell(units.time_cell(last, context.now, context.time_mode), "warn" if fresh else "text")


def _trend(row: ErrorRow, context: Context, width: int | None) -> Cell:
    cells = width or _TREND_CELLS
    return (Span(spark(row.group.history.day(context.now, cells), cells, context.ascii), "chart"),)


def _text(value: Callable[[ErrorGroup], str | None]) -> Callable[[ErrorRow, Context], SortKey]:
    return lambda row, context: text_key(value(row.group))


def _number(value: Callable[[ErrorGroup], float | None]) -> Callable[[ErrorRow, Context], SortKey]:
    return lambda row, context: number_key(value(row.group))


def _queue_name(group: ErrorGroup) -> str | None:
    return group.queues[0][0] if group.queues else None


_Column = Column[ErrorRow]


def error_columns(time_mode: units.TimeMode = "relative") -> tuple[_Column, ...]:
    """The columns; points in time need wider ones than ages."""
    wide = 6 if time_mode == "relative" else _CLOCK_CELLS
    return (
        _Column("jobs", "jobs", 5, 5, _jobs, align="right", sort=_number(lambda group: group.count)),
        _Column("share", "share", 8, 12, _share, weight=1, goes=5),
        _Column("class", "class", 16, 28, _class, weight=2, cut="left", sort=_text(lambda group: group.cause.klass)),
        _Column("error", "error", 26, None, _error, weight=5, sort=_text(lambda group: group.cause.error_class)),
        _Column("in", "in", 8, 10, _where, goes=3, sort=_text(where_text)),
        _Column("queue", "queue", 8, 12, _queue, weight=1, goes=2, sort=_text(_queue_name)),
        _Column("first", "first", wide, wide, _first, align="right", goes=1, sort=_number(lambda one: one.first_at)),
        _Column("last", "last", wide, wide, _last, align="right", goes=6, sort=_number(lambda one: one.last_at)),
        _Column("trend", "trend", 8, 12, _trend, weight=1, goes=4, live=True),
    )


ERRORS: Final = error_columns()
"""The columns with relative times."""
