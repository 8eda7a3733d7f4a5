"""What is known of a job's past: from its payload, this session, the audit, and what changed round it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sidekiq_tui.operations.audit_line import AuditedOperation
from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Column, Context, Span, value_cell
from sidekiq_tui.presentation.columns.jobs import AGE_CELLS, CLOCK_CELLS
from sidekiq_tui.presentation.timeline import event_cell, operation_event
from sidekiq_tui.servers.timeline_events import Event
from sidekiq_tui.sidekiq.job import JobRecord

_ROUND: Final = frozenset({"deploy", "versions", "offline", "back", "redis started", "redis role"})
"""Events of a server that concern every job on it."""
_OF_QUEUES: Final = frozenset({"paused", "resumed", "queues new", "queues gone"})
_OF_PROCESSES: Final = frozenset({"started", "ended", "lost"})


@dataclass(frozen=True, slots=True)
class PastRow:
    """One thing that happened to a job or round it; `at` in Unix seconds."""

    at: float
    server: str
    source: str
    """Who tells it: payload, seen, audit, server."""
    cell: Cell

    @property
    def key(self) -> tuple[object, ...]:
        """What makes it the same row from one look to the next."""
        return (self.at, self.server, self.source, self.cell)


def told_rows(job: JobRecord, server: str, context: Context) -> Iterator[PastRow]:
    """What the payload says of itself."""
    tries = job.retry_count
    again = "" if tries is None else f", {units.count(tries + 1)} times so far"
    events = (
        (job.created_at, "created"),
        (job.enqueued_at, "pushed to a queue"),
        (job.failed_at, "failed for the first time" if job.retried_at is not None else "failed"),
        (job.retried_at, f"failed last{again}"),
        (job.score if job.place.kind == "dead" else None, "died"),
    )
    for at, words in events:
        if at is not None:
            error = words.startswith("failed") and job.error_class
            beside = (Span(f"  {context.safe(job.error_class or '')}", "muted"),) if error else ()
            yield PastRow(at, server, "payload", (Span(words), *beside))


def audit_rows(jid: str, operations: Iterable[AuditedOperation], context: Context) -> Iterator[PastRow]:
    """The operations of ours that name the job."""
    for one in operations:
        jids = one.outcome.fields.get("jids") if one.outcome is not None else None
        if isinstance(jids, list) and jid in jids:
            yield PastRow(one.intent.time, one.intent.server, "audit", event_cell(operation_event(one), context))


def round_rows(job: JobRecord, events: Iterable[Event], workers: Sequence[str], context: Context) -> Iterator[PastRow]:
    """What happened round it since it was created: deploys, its queue, its class's errors, its `workers`."""
    since = job.created_at or job.enqueued_at or 0.0
    for event in events:
        if event.at < since:
            continue
        concerned = (
            event.kind in _ROUND
            or (event.kind in _OF_QUEUES and job.queue in event.names)
            or (event.kind in _OF_PROCESSES and any(name in workers for name in event.names))
            or (event.kind == "errors new" and event.cause is not None and event.cause.klass == job.display_class)
        )
        if concerned:
            yield PastRow(event.at, event.server, "server", event_cell(event, context))


def _when(row: PastRow, context: Context, width: int | None) -> Cell:
    return value_cell(units.time_cell(row.at, context.now, context.time_mode))


def _server(row: PastRow, context: Context, width: int | None) -> Cell:
    return (Span(context.safe(row.server), "muted"),)


def _source(row: PastRow, context: Context, width: int | None) -> Cell:
    return (Span(row.source, "muted"),)


def _what(row: PastRow, context: Context, width: int | None) -> Cell:
    return row.cell


def past_columns(time_mode: units.TimeMode = "relative") -> tuple[Column[PastRow], ...]:
    """The columns of the list."""
    wide = AGE_CELLS if time_mode == "relative" else CLOCK_CELLS
    return (
        Column("at", "ago" if time_mode == "relative" else "at", wide, wide, _when, align="right"),
        Column("server", "server", 8, 12, _server, weight=1),
        Column("source", "told by", 7, 7, _source, goes=1),
        Column("what", "what", 20, None, _what, weight=2),
    )
