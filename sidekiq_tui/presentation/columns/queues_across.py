"""The queues of several servers by name: what the queues of one name come to, and where one is worst."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Column, Context, SortKey, Span, number_key, text_key, value_cell
from sidekiq_tui.presentation.columns.queues import GROWTH_PERIOD, TREND_PERIOD, fetching_processes
from sidekiq_tui.presentation.spark import spark
from sidekiq_tui.presentation.text import clip
from sidekiq_tui.servers.across import QueueAcross, queues_across

if TYPE_CHECKING:
    from sidekiq_tui.servers.series import SeriesView
    from sidekiq_tui.servers.snapshot import ServerSnapshot

_TREND_CELLS: Final = 10


@dataclass(frozen=True, slots=True)
class QueueNameRow:
    """The queues of one name and what their histories add."""

    queue: QueueAcross
    series: Mapping[str, SeriesView] = field(default_factory=dict)
    growth: float | None = None
    """Jobs more than `GROWTH_PERIOD` seconds ago, on all servers where that is known."""
    fetching: int | None = None
    """Processes that take new jobs from it anywhere; None where no server says."""


def queue_name_rows(snapshots: Sequence[ServerSnapshot]) -> tuple[QueueNameRow, ...]:
    """The queues of the servers that answer, by name."""
    known = {one.server: one for one in snapshots if one.overview is not None and one.error is None}
    overviews = {name: one.overview for name, one in known.items() if one.overview is not None}
    fetching = {name: fetching_processes(overview.processes) for name, overview in overviews.items()}
    rows = []
    for queue in queues_across(overviews):
        grown = [known[name].series.queue_change(queue.name, "size", GROWTH_PERIOD) for name in queue.parts]
        taking = [fetching[name].get(queue.name, 0) for name, one in queue.parts.items() if one.processes is not None]
        rows.append(
            QueueNameRow(
                queue,
                {name: known[name].series for name in queue.parts},
                sum(one for one in grown if one is not None) if any(one is not None for one in grown) else None,
                sum(taking) if taking else None,
            )
        )
    return tuple(rows)


def _name(row: QueueNameRow, context: Context, width: int | None) -> Cell:
    return (Span(context.safe(row.queue.name)),)


def _servers(row: QueueNameRow, context: Context, width: int | None) -> Cell:
    return value_cell(units.count(len(row.queue.parts)))


def _size(row: QueueNameRow, context: Context, width: int | None) -> Cell:
    return value_cell(units.count(row.queue.size))


def _worst(row: QueueNameRow, context: Context, width: int | None) -> Cell:
    worst = row.queue.worst
    if worst is None:
        return value_cell("0" if row.queue.size == 0 else units.UNKNOWN)
    name, late = context.safe(worst[0]), units.duration(worst[1])
    if width is not None:
        name, late = clip(name, width - 6, ellipsis=context.glyphs.cut), f"{late:>5}"
    return (Span(name, "muted"), Span(" ", "muted"), Span(late))


def _trend(row: QueueNameRow, context: Context, width: int | None) -> Cell:
    cells = width or _TREND_CELLS
    every = [one.queue_points(row.queue.name, "size", TREND_PERIOD, cells, context.now) for one in row.series.values()]
    columns = zip(*every, strict=True)
    points = [sum(one for one in some if one is not None) if any(map(_known, some)) else None for some in columns]
    return (Span(spark(points, cells, context.ascii), "chart"),)


def _known(sample: float | None) -> bool:
    return sample is not None


def _growth(row: QueueNameRow, context: Context, width: int | None) -> Cell:
    return value_cell(units.delta(row.growth))


def _served(row: QueueNameRow, context: Context, width: int | None) -> Cell:
    nobody = row.fetching == 0 and row.queue.size
    return value_cell(units.count(row.fetching), "bad strong" if nobody else "text")


def _state(row: QueueNameRow, context: Context, width: int | None) -> Cell:
    """Where it is paused; else whether somebody serves it."""
    if row.queue.paused:
        where = ", ".join(map(context.safe, row.queue.paused))
        return (Span(f"{context.glyphs.paused} paused on {where}", "warn"),)
    if row.fetching == 0:
        return (Span(f"{context.glyphs.bad} nobody", "bad"),) if row.queue.size else (Span("  nobody", "muted"),)
    return (Span(context.glyphs.ok, "ok"), Span(" ok"))


def _number(value: Callable[[QueueNameRow], float | None]) -> Callable[[QueueNameRow, Context], SortKey]:
    return lambda row, context: number_key(value(row))


def _latency(row: QueueNameRow) -> float | None:
    return row.queue.worst[1] if row.queue.worst is not None else 0.0 if row.queue.size == 0 else None


_Column = Column[QueueNameRow]

QUEUE_NAMES: Final[tuple[_Column, ...]] = (
    _Column("queue", "queue", 12, 32, _name, weight=3, sort=lambda row, context: text_key(row.queue.name)),
    _Column("servers", "servers", 7, 7, _servers, align="right", sort=_number(lambda row: len(row.queue.parts))),
    _Column("size", "size", 5, 5, _size, align="right", sort=_number(lambda row: row.queue.size)),
    _Column("latency", "worst latency", 13, 20, _worst, weight=1, align="right", sort=_number(_latency)),
    _Column("trend", "trend", 8, 16, _trend, weight=1, goes=1, live=True),
    _Column(
        "growth", "grows/5m", 8, 8, _growth, align="right", goes=2, sort=_number(lambda row: row.growth), live=True
    ),
    _Column("served", "served", 6, 6, _served, align="right", goes=3, sort=_number(lambda row: row.fetching)),
    _Column("state", "state", 8, 24, _state, weight=1),
)
