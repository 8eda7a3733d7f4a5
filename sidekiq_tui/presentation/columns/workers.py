"""Processes and the jobs they run: two kinds of rows that share their columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Column, Context, Span, value_cell
from sidekiq_tui.presentation.spark import meter
from sidekiq_tui.presentation.text import cell_width
from sidekiq_tui.presentation.values import json_text, screen_args

if TYPE_CHECKING:
    from sidekiq_tui.sidekiq.process import Process
    from sidekiq_tui.sidekiq.work import Work

_METER_CELLS: Final = 5

# Status: glyph (a name of GlyphSet), role.
_STATES: Final = {
    "running": ("ok", "ok"),
    "quieting": ("quiet", "warn"),
    "quiet": ("quiet", "warn"),
    "stopping": ("stopping", "warn"),
}


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """A process; `odd_version` where it runs another version than most."""

    process: Process
    odd_version: bool = False


@dataclass(frozen=True, slots=True)
class WorkRow:
    """A job in progress and the process that runs it, if that is known.

    `usual`: seconds that 95 of 100 runs of its class take at most, where that is known.
    """

    work: Work
    process: Process | None = None
    usual: float | None = None

    def runs_long(self, now: float) -> bool:
        """Whether it had run far longer than its class does at the process's last beat: it may have ended since.

        Where nothing is known of its class an hour is long.
        """
        if self.work.run_at is None:
            return False
        beat = self.process.beat if self.process is not None else None
        limit = LONG if self.usual is None else max(LONG_LEAST, LONG_TIMES * self.usual)
        return min(now, beat or now) - self.work.run_at > limit


WorkerRow = ProcessRow | WorkRow
WorkerOrder = Literal["name", "state", "threads", "memory", "running"]
"""Processes by name, trouble, busy threads, memory, or their longest job."""

LONG: Final = 3600.0
LONG_TIMES: Final = 2.0
LONG_LEAST: Final = 10.0
"""Seconds under which nothing is long, however short its class usually is."""


def worker_rows(
    processes: Iterable[Process],
    work: Iterable[Work],
    folded: Iterable[str] = (),
    *,
    usual: Mapping[str, float] | None = None,
    order: WorkerOrder = "name",
    falling: bool = False,
    now: float = 0.0,
) -> tuple[WorkerRow, ...]:
    """The tree: processes in an order, under each the jobs it runs (not those of `folded` identities), oldest first.

    Work of processes that are gone comes last. `usual`: the usual longest time of classes, in seconds; `now`: Unix
    seconds, for orders that need it.
    """
    every = list(processes)
    versions = [process.version for process in every]
    most = max(versions, key=versions.count, default=None)
    known = {process.identity: process for process in every}
    under: dict[str, list[WorkRow]] = {}
    for one in work:
        limit = (usual or {}).get(one.job.display_class or "")
        under.setdefault(one.identity, []).append(WorkRow(one, known.get(one.identity), limit))
    named = sorted(every, key=lambda process: (process_name(process).casefold(), process.identity), reverse=falling)
    trees = [
        (ProcessRow(process, process.version != most), _oldest_first(under.pop(process.identity, [])))
        for process in named
    ]
    trees.sort(key=lambda tree: _RANKS[order](tree[0], tree[1], now), reverse=falling)
    hidden = set(folded)
    rows: list[WorkerRow] = []
    for row, jobs in trees:
        rows.append(row)
        if row.process.identity not in hidden:
            rows.extend(jobs)
    return (*rows, *(job for jobs in under.values() for job in _oldest_first(jobs)))


def _trouble(row: ProcessRow, jobs: list[WorkRow], now: float) -> float:
    process = row.process
    if process.stale:
        return 0
    if process.status != "running":
        return 1 if process.status == "stopping" else 2
    return 3 if any(job.runs_long(now) for job in jobs) else 4 if row.odd_version else 5


def _longest(row: ProcessRow, jobs: list[WorkRow], now: float) -> float:
    return -max((now - job.work.run_at for job in jobs if job.work.run_at is not None), default=-1.0)


# Worst, or most, first; equals stay by name.
_RANKS: Final[Mapping[WorkerOrder, Callable[[ProcessRow, list[WorkRow], float], float]]] = {
    "name": lambda row, jobs, now: 0,
    "state": _trouble,
    "threads": lambda row, jobs, now: -(row.process.busy or 0),
    "memory": lambda row, jobs, now: -(row.process.rss or 0),
    "running": _longest,
}


def _oldest_first(jobs: list[WorkRow]) -> list[WorkRow]:
    return sorted(jobs, key=lambda job: (job.work.run_at is None, job.work.run_at or 0.0))


def process_name(process: Process) -> str:
    """`host:pid` where the process says both, else its identity; not yet safe to show."""
    if process.hostname is None or process.pid is None:
        return process.identity
    return f"{process.hostname}:{process.pid}"


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
    process = row.process
    folded = process.identity in context.folded
    mark = Span((context.glyphs.folded if folded else context.glyphs.open) + " ", "accent")
    words = [process.tag or "", "leader" if process.leader else "", "embedded" if process.embedded else ""]
    about = context.safe("  ".join(word for word in words if word))
    name_span = Span(context.safe(process_name(process)), "strong")
    named = (name_span,) if context.complete else (mark, name_span)
    return (*named, Span("  "), Span(about, "muted")) if about else named


def _queues(row: WorkerRow, context: Context, width: int | None) -> Cell:
    if isinstance(row, ProcessRow):
        return (Span(context.safe(queue_words(row.process))),)
    queue = row.work.queue
    return (Span(units.UNKNOWN if queue is None else context.safe(queue), "muted"),)


def _threads(row: WorkerRow, context: Context, width: int | None) -> Cell:
    if isinstance(row, WorkRow):
        return (Span(context.safe(row.work.tid), "muted"),)
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
    if isinstance(row, ProcessRow):
        return (Span(units.time_cell(row.process.started_at, context.now, context.time_mode)),)
    role = "warn strong" if row.runs_long(context.now) else "text"
    return (Span(units.time_cell(row.work.run_at, context.now, context.time_mode), role),)


def _beat(row: WorkerRow, context: Context, width: int | None) -> Cell:
    if isinstance(row, WorkRow):
        return ()
    beat = row.process.beat
    shown = units.age(None if beat is None else context.now - beat)
    return (Span(shown, "bad strong" if row.process.stale else "muted"),)


def _state(row: WorkerRow, context: Context, width: int | None) -> Cell:
    if isinstance(row, WorkRow):
        if row.runs_long(context.now):
            return (Span(f"{context.glyphs.warn} long", "warn"),)
        leaving = row.process is not None and row.process.status != "running"
        return (Span("finishing", "muted"),) if leaving else ()
    if row.process.stale:
        return (Span(f"{context.glyphs.bad} lost", "bad"),)
    glyph, role = _STATES[row.process.status]
    return (
        Span(getattr(context.glyphs, glyph), role),
        Span(f" {row.process.status}", "text" if role == "ok" else role),
    )


def _version(row: WorkerRow, context: Context, width: int | None) -> Cell:
    if isinstance(row, WorkRow):
        return ()
    shown = units.UNKNOWN if row.process.version is None else context.safe(row.process.version)
    return (Span(shown, "warn" if row.odd_version else "muted"),)


_Column = Column[WorkerRow]


def worker_columns(time_mode: units.TimeMode = "relative") -> tuple[_Column, ...]:
    """The columns of the tree; points in time need a wider column than run times."""
    relative = time_mode == "relative"
    wide = 7 if relative else 12
    return (
        _Column("name", "process / job", 28, 42, _name, weight=3),
        _Column("queues", "queues", 10, 34, _queues, weight=2, goes=4),
        _Column("threads", "threads", 11, 13, _threads),
        _Column("memory", "memory", 6, 6, _memory, align="right", goes=3),
        _Column("running", "running" if relative else "since", wide, wide, _running, align="right"),
        _Column("beat", "beat", 5, 5, _beat, align="right", goes=2),
        _Column("state", "state", 11, 11, _state),
        _Column("version", "version", 7, 7, _version, goes=1),
    )


WORKERS: Final = worker_columns()
"""The columns with relative times."""
