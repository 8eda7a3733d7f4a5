"""Processes and the jobs they run: kinds of rows that share their columns."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Column, Context, Span, value_cell
from sidekiq_tui.presentation.columns.worker_tree import GoneRow, ProcessRow, WorkerRow, WorkRow, process_name
from sidekiq_tui.presentation.spark import meter
from sidekiq_tui.presentation.text import cell_width
from sidekiq_tui.presentation.values import json_text, screen_args

if TYPE_CHECKING:
    from sidekiq_tui.sidekiq.process import Process

_METER_CELLS: Final = 5
_NARROW_NAME: Final = 16

# Status: glyph (a name of GlyphSet), role.
_STATES: Final = {
    "running": ("ok", "ok"),
    "quieting": ("quiet", "warn"),
    "quiet": ("quiet", "warn"),
    "stopping": ("stopping", "warn"),
}


def queue_words(process: Process) -> str:
    """The queues it fetches from, with their weights where some are fetched more often; not yet safe to show."""
    weights: dict[str, int] = {}
    for capsule in process.capsules:
        weights.update(capsule.weights)
    weights = weights or dict(process.weights) or dict.fromkeys(process.queues, 0)
    return " ".join(f"{queue}×{weight}" if weight > 1 else queue for queue, weight in weights.items())


def _name(row: WorkerRow, context: Context, width: int | None) -> Cell:
    if isinstance(row, WorkRow):
        job = row.work.job
        name = context.safe(job.display_class) if job.display_class is not None else units.UNKNOWN
        if job.malformed:
            return (Span("    "), Span(f"{context.glyphs.bad} undecodable", "bad"))
        return (Span("    "), Span(name), Span("  "), Span(json_text(screen_args(job), context.limit), "muted"))
    identity = row.identity if isinstance(row, GoneRow) else row.process.identity
    mark = context.glyphs.folded if identity in context.folded else context.glyphs.open
    opening = () if context.complete else (Span(mark + " ", "accent"),)
    if isinstance(row, GoneRow):
        return (*opening, Span(context.safe(identity), "strong"))
    process = row.process
    words = [process.tag or "", "leader" if process.leader else "", "embedded" if process.embedded else ""]
    about = context.safe("  ".join(word for word in words if word))
    named = (*opening, Span(context.safe(process_name(process)), "strong"))
    return (*named, Span("  "), Span(about, "muted")) if about else named


def _queues(row: WorkerRow, context: Context, width: int | None) -> Cell:
    match row:
        case ProcessRow(process):
            return (Span(context.safe(queue_words(process))),)
        case WorkRow(work):
            return (Span(units.UNKNOWN if work.queue is None else context.safe(work.queue), "muted"),)
    return ()


def _threads(row: WorkerRow, context: Context, width: int | None) -> Cell:
    if isinstance(row, WorkRow):
        return (Span(context.safe(row.work.tid), "muted"),)
    if isinstance(row, GoneRow):
        return ()
    busy, threads = row.process.busy, row.process.concurrency
    shown = f"{units.count(busy)}/{units.count(threads)}"
    if width is None:
        return (Span(shown),)
    cells = min(_METER_CELLS, width - 1 - cell_width(shown))
    if cells < 1:
        return (Span(shown),)
    full, empty = meter(busy / threads if busy is not None and threads else None, cells, context.ascii)
    return (Span(full, "accent"), Span(empty, "rule"), Span(shown.rjust(width - cells)))


def _memory(row: WorkerRow, context: Context, width: int | None) -> Cell:
    return value_cell(units.size(row.process.rss or None)) if isinstance(row, ProcessRow) else ()


def _running(row: WorkerRow, context: Context, width: int | None) -> Cell:
    if isinstance(row, GoneRow):
        return ()
    if isinstance(row, ProcessRow):
        return (Span(units.time_cell(row.process.started_at, context.now, context.time_mode)),)
    role = "warn strong" if row.runs_long(context.now) else "text"
    return (Span(units.time_cell(row.work.run_at, context.now, context.time_mode), role),)


def _beat(row: WorkerRow, context: Context, width: int | None) -> Cell:
    if not isinstance(row, ProcessRow):
        return ()
    beat = row.process.beat
    shown = units.age(None if beat is None else context.now - beat)
    return (Span(shown, "bad strong" if row.process.stale else "muted"),)


def _state(row: WorkerRow, context: Context, width: int | None) -> Cell:
    if isinstance(row, GoneRow):
        return (Span(f"{context.glyphs.bad} gone", "bad"),)
    if isinstance(row, WorkRow):
        if row.runs_long(context.now):
            return (Span(f"{context.glyphs.warn} long", "warn"),)
        if row.process is None:
            return (Span("orphaned", "bad"),)
        return (Span("finishing", "muted"),) if row.process.status != "running" and not row.process.stale else ()
    if row.process.stale:
        return (Span(f"{context.glyphs.bad} lost", "bad"),)
    glyph, role = _STATES[row.process.status]
    return (
        Span(getattr(context.glyphs, glyph), role),
        Span(f" {row.process.status}", "text" if role == "ok" else role),
    )


def _version(row: WorkerRow, context: Context, width: int | None) -> Cell:
    if not isinstance(row, ProcessRow):
        return ()
    shown = units.UNKNOWN if row.process.version is None else context.safe(row.process.version)
    return (Span(shown, "warn" if row.odd_version else "muted"),)


_Column = Column[WorkerRow]


def worker_columns(time_mode: units.TimeMode = "relative", *, narrow: bool = False) -> tuple[_Column, ...]:
    """The columns of the tree; points in time need a wider column than run times.

    `narrow`: for terminals where the states would be cut else.
    """
    relative = time_mode == "relative"
    wide = 7 if relative else 12
    columns = (
        _Column("name", "process / job", 28, 42, _name, weight=3),
        _Column("queues", "queues", 10, 34, _queues, weight=2, goes=4),
        _Column("threads", "threads", 11, 13, _threads),
        _Column("memory", "memory", 6, 6, _memory, align="right", goes=3),
        _Column("running", "running" if relative else "since", wide, wide, _running, align="right"),
        _Column("beat", "beat", 5, 5, _beat, align="right", goes=2),
        _Column("state", "state", 11, 11, _state),
        _Column("version", "version", 8, 8, _version, goes=1),
    )
    return (replace(columns[0], min=_NARROW_NAME), *columns[1:]) if narrow else columns


WORKERS: Final = worker_columns()
"""The columns with relative times."""
