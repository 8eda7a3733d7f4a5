"""The queues of a server."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import (
    Cell,
    Column,
    Context,
    SortKey,
    Span,
    number_key,
    text_key,
    value_cell,
)
from sidekiq_tui.presentation.spark import spark

if TYPE_CHECKING:
    from sidekiq_tui.servers.series import SeriesView
    from sidekiq_tui.servers.snapshot import ServerSnapshot
    from sidekiq_tui.sidekiq.overview import QueueSummary
    from sidekiq_tui.sidekiq.process import Process
    from sidekiq_tui.sidekiq.work import Work

TREND_PERIOD: Final = 1800.0
"""Seconds that a trend in a row covers."""
GROWTH_PERIOD: Final = 300.0
"""Seconds over which growth is measured."""

_TREND_CELLS: Final = 10


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One queue and what a history adds to it."""

    summary: QueueSummary
    server: str | None = None
    """Named where queues of several servers stand in one list."""
    series: SeriesView | None = None
    growth: float | None = None
    """Jobs more than `GROWTH_PERIOD` ago."""
    busy: int | None = None
    """Threads that run a job of this queue; known only where work was read."""
    fetching: int | None = None
    """Processes that take new jobs from it: `summary.processes` without lost and quiet ones."""

    @property
    def serving(self) -> int | None:
        """Processes that serve it: those that fetch from it, as far as that is known."""
        return self.summary.processes if self.fetching is None else self.fetching

    @property
    def empty_in(self) -> float | None:
        """Seconds until it is empty if it goes on as in the last `GROWTH_PERIOD`; infinite if it does not shrink."""
        size = self.summary.size
        if size == 0:
            return 0.0
        if size is None or self.growth is None:
            return None
        return size / -self.growth * GROWTH_PERIOD if self.growth < 0 else math.inf


def queue_rows(
    snapshot: ServerSnapshot, work: Sequence[Work] | None = None, *, server: bool = False
) -> tuple[QueueRow, ...]:
    """The queues of a snapshot by name; `work` fills the busy column, `server` names the server in each row."""
    if snapshot.overview is None:
        return ()
    busy: dict[str | None, int] = {}
    for one in work or ():
        busy[one.queue] = busy.get(one.queue, 0) + 1
    fetching = fetching_processes(snapshot.overview.processes)
    return tuple(
        QueueRow(
            summary,
            server=snapshot.server if server else None,
            series=snapshot.series,
            growth=snapshot.series.queue_change(summary.name, "size", GROWTH_PERIOD),
            busy=None if work is None else busy.get(summary.name, 0),
            fetching=None if summary.processes is None else fetching.get(summary.name, 0),
        )
        for summary in snapshot.overview.queues
    )


def fetching_processes(processes: Iterable[Process]) -> dict[str, int]:
    """How many processes take new jobs from each queue: those that are neither lost nor quiet."""
    counts: dict[str, int] = {}
    for process in processes:
        if not process.stale and not process.quiet:
            for queue in set(process.queues):
                counts[queue] = counts.get(queue, 0) + 1
    return counts


def _server(row: QueueRow, context: Context, width: int | None) -> Cell:
    return (Span(context.safe(row.server or ""), "muted"),)


def _name(row: QueueRow, context: Context, width: int | None) -> Cell:
    return (Span(context.safe(row.summary.name)),)


def _size(row: QueueRow, context: Context, width: int | None) -> Cell:
    return value_cell(units.count(row.summary.size))


def _latency(row: QueueRow, context: Context, width: int | None) -> Cell:
    return value_cell(units.duration(row.summary.latency))


def _trend(row: QueueRow, context: Context, width: int | None) -> Cell:
    if row.series is None:
        return ()
    cells = width or _TREND_CELLS
    points = row.series.queue_points(row.summary.name, "size", TREND_PERIOD, cells, context.now)
    return (Span(spark(points, cells, context.ascii), "chart"),)


def _growth(row: QueueRow, context: Context, width: int | None) -> Cell:
    return value_cell(units.delta(row.growth))


def _empty_in(row: QueueRow, context: Context, width: int | None) -> Cell:
    left = row.empty_in
    if left is not None and math.isinf(left):
        grows = (row.growth or 0) > 0
        return (Span("never", "warn" if grows else "muted"),)
    return value_cell(units.UNKNOWN if left is None else "0" if left <= 0 else units.age(left))


def _busy(row: QueueRow, context: Context, width: int | None) -> Cell:
    return value_cell(units.count(row.busy))


def _served(row: QueueRow, context: Context, width: int | None) -> Cell:
    nobody = _unserved(row) and row.summary.size
    return value_cell(units.count(row.serving), "bad strong" if nobody else "text")


def _unserved(row: QueueRow) -> bool:
    return row.serving == 0


def _state(row: QueueRow, context: Context, width: int | None) -> Cell:
    """Paused comes first: a paused queue that nobody serves is paused on purpose."""
    glyphs = context.glyphs
    if row.summary.paused:
        return (Span(f"{glyphs.paused} paused", "warn"),)
    if _unserved(row):
        if row.summary.size:
            return (Span(f"{glyphs.bad} nobody", "bad"),)
        return (Span("  nobody", "muted"),)
    return (Span(glyphs.ok, "ok"), Span(" ok"))


def _number(value: Callable[[QueueRow], float | None]) -> Callable[[QueueRow, Context], SortKey]:
    return lambda row, context: number_key(value(row))


_Column = Column[QueueRow]

SERVER: Final = _Column("server", "server", 8, 12, _server, weight=2, sort=lambda row, context: text_key(row.server))
"""Comes first where queues of several servers stand in one list."""

QUEUES: Final[tuple[_Column, ...]] = (
    _Column("queue", "queue", 12, 32, _name, weight=3, sort=lambda row, context: text_key(row.summary.name)),
    _Column("size", "size", 5, 5, _size, align="right", sort=_number(lambda row: row.summary.size)),
    _Column("latency", "latency", 8, 8, _latency, align="right", sort=_number(lambda row: row.summary.latency)),
    _Column("trend", "trend", 8, 16, _trend, weight=1, goes=2, live=True),
    _Column(
        "growth", "grows/5m", 8, 8, _growth, align="right", goes=3, sort=_number(lambda row: row.growth), live=True
    ),
    _Column(
        "empty_in",
        "empty in",
        8,
        8,
        _empty_in,
        align="right",
        goes=4,
        sort=_number(lambda row: row.empty_in),
        live=True,
    ),
    _Column("busy", "busy", 5, 5, _busy, align="right", goes=1, sort=_number(lambda row: row.busy)),
    _Column("served", "served", 6, 6, _served, align="right", goes=5, sort=_number(lambda row: row.serving)),
    _Column("state", "state", 8, 8, _state),
)
