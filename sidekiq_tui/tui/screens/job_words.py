"""What a list of jobs says around its rows: title, reasons for emptiness, and more about one job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Column, Context, Span
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.iteration import IterationState
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.overview import QueueSummary
from sidekiq_tui.tui.screens.dashboard_panels import denied_line
from sidekiq_tui.tui.screens.listing import unread_notice
from sidekiq_tui.tui.widgets.rows import PAGE_SIZE
from sidekiq_tui.tui.widgets.sorting import Order

USUAL_PACE: Final = 50_000.0
"""Entries a second of a scan, where none was measured: half of what benchmarks/README.md shows without a network."""

_CURSOR_CELLS: Final = 40

_NAMES = {"retry": "Retries", "schedule": "Scheduled", "dead": "Dead"}
_EMPTY = {
    "retry": ("No retries", "Jobs come here when they fail."),
    "schedule": ("No scheduled jobs", "Jobs come here when they are pushed for later."),
    "dead": ("No dead jobs", "Jobs come here after their last retry."),
}


@dataclass(frozen=True, slots=True)
class Found:
    """How far the reading for a filter is; `stopped` if a person ended it, `full` if the limit did."""

    filter: str
    matches: int = 0
    read: int = 0
    total: int = 0
    complete: bool = False
    stopped: bool = False
    full: bool = False


def place_name(place: Place) -> str:
    """The list as its title calls it."""
    return display_text(place.queue or "") if place.kind == "queue" else _NAMES[place.kind]


def title_spans(
    place: Place, size: int | None, found: Found | None, *, server: str, narrow: bool, order: str = ""
) -> list[Span]:
    """Name and size, the filter, how much of the list it has been held against, and an order that is not the list's.

    `server` if it must be named.
    """
    # A list that is filtered from the start was never read as a page: what reads for the filter knows its size.
    number = units.count(found.total if size is None and found is not None and found.total else size)
    by = [Span(f"  {order}", "sorted")] if order else []
    on = [Span(f"  on {display_text(server)}", "muted")] if server else []
    if found is None:
        return [Span(f"{place_name(place)} {number}", "title"), *on, *by]
    words = Span(display_text(found.filter), "accent")
    if narrow:
        of = f"of {number}" if found.complete else f"in {units.count(found.read)} of {number}"
        of += _stopped(found)
        return [Span(f"{units.count(found.matches)} {of}", "title"), *by, Span("  / ", "muted"), words]
    return [
        Span(f"{place_name(place)} {number}", "title"),
        *on,
        Span("  filter ", "muted"),
        words,
        Span(f"  {units.count(found.matches)} match", "strong"),
        Span((", all read" if found.complete else _read(found)) + _stopped(found), "muted"),
        *by,
    ]


def _read(found: Found) -> str:
    return f", {units.share(found.read / found.total)} scanned" if found.total else ", nothing scanned yet"


def _stopped(found: Found) -> str:
    return ", stopped: more are not kept" if found.full else ", stopped" if found.stopped else ""


def order_words(place: Place, order: Order, columns: Sequence[Column[JobRecord]], size: int | None) -> str:
    """An order other than the list's own, and what it covers. `size`: of a list that is here page by page."""
    if order.key is None:
        if not order.falling:
            return ""
        return "oldest first" if place.kind in ("queue", "dead") else "latest first"
    heading = next((column.heading for column in columns if column.key == order.key), order.key)
    words = f"by {heading}" + (" falling" if order.falling else "")
    return f"this page {words}" if size is not None and size > PAGE_SIZE else words


def price_words(size: int, pace: float | None) -> str:
    """What it takes to read a list; `pace` in entries a second, as seen in the last scan of this screen."""
    return f"{units.count(size)} entries: reading all takes about {units.duration(size / (pace or USUAL_PACE))}"


def queue_spans(queue: QueueSummary | None, fetching: int, context: Context) -> list[Span]:
    """What the last poll said about a queue, which so many processes fetch from (not quiet, not lost)."""
    if queue is None:
        return []
    spans = [Span(f"  {units.duration(queue.latency)} latency", "muted")]
    if queue.processes is not None and not fetching:
        spans += [
            Span(f" {context.glyphs.apart} ", "muted"),
            Span("served by nobody", "bad" if queue.size else "muted"),
        ]
    elif queue.processes is not None:
        spans.append(Span(f" {context.glyphs.apart} served by {units.count(fetching)}", "muted"))
    if queue.paused:
        spans += [Span(f" {context.glyphs.apart} ", "muted"), Span(f"{context.glyphs.paused} paused", "warn")]
    return spans


def empty_notice(
    place: Place,
    snapshot: ServerSnapshot,
    error: SidekiqError | None,
    found: Found | None,
    context: Context,
    read_at: float | None,
    frozen: bool = False,
) -> list[Cell]:
    """Why there are no rows. `read_at` is when the list was read last, in Unix seconds."""
    server = display_text(snapshot.server)
    if error is not None and snapshot.error is None:
        return [denied_line(place_name(place), error.message, context.glyphs)]
    if found is not None and (found.complete or found.stopped):
        return [no_match_line(found)]
    if found is not None:
        return []
    if read_at is None:
        return unread_notice(snapshot.server, away=snapshot.error is not None, frozen=frozen)
    if place.kind == "queue":
        words, why = f"Queue {place_name(place)} is empty on {server}.", "Jobs come here when clients push them."
        return [(Span(words, "strong"), Span(f" {why}", "muted"))]
    return nothing_in(place, server)


def nothing_in(place: Place, where: str) -> list[Cell]:
    """An empty set, and how jobs come there; `where` must be safe."""
    head, why = _EMPTY[place.kind]
    return [(Span(f"{head} on {where}.", "strong"), Span(f" {why}", "muted"))]


def no_match_line(found: Found) -> Cell:
    """A filter that found nothing in what was read."""
    read = f"{units.count(found.read)} read"
    if not found.complete:
        read = f"{units.count(found.read)} of {units.count(found.total)} read, stopped"
    return (
        Span("Nothing matches ", "strong"),
        Span(display_text(found.filter), "accent"),
        Span(f"  {read}.  ", "muted"),
        Span("esc", "key"),
        Span(" clears the filter", "muted"),
    )


def job_note(
    job: JobRecord, left_out: Sequence[Span], context: Context, iteration: IterationState | None = None
) -> list[Span]:
    """What one job has besides its columns: its jid in full, how far it has come, its times, its tags."""
    now, mode = context.now, context.time_mode
    if job.malformed:
        return [Span(display_text(job.raw, 200), "muted")]
    spans = [Span(display_text(job.jid), "text")] if job.jid else [Span("no jid", "muted")]
    times: list[str] = []
    last = job.retried_at if job.retried_at is not None else job.failed_at
    if last is not None:
        first = job.failed_at if job.retried_at is not None else None
        words = f"failed {units.time_at(last, now, mode)}"
        times.append(words + (f", first {units.time_at(first, now, mode)}" if first is not None else ""))
    if job.created_at is not None:
        times.append(f"created {units.time_at(job.created_at, now, mode)}")
    if iteration is not None:
        spans += _iteration_spans(iteration, context)
    if left_out:
        spans += [Span("  "), *left_out]
    if times:
        spans.append(Span("  " + f" {context.glyphs.apart} ".join(times), "muted"))
    if job.tags:
        spans += [Span("  tags ", "muted"), Span(display_text(" ".join(job.tags), 200))]
    return spans


def _iteration_spans(state: IterationState, context: Context) -> list[Span]:
    cursor = units.UNKNOWN if state.cursor_text is None else display_text(state.cursor_text, _CURSOR_CELLS)
    runs = f"  {units.count(state.executions)} runs" if state.executions != 1 else "  1 run"
    spans = [Span("  cursor ", "muted"), Span(cursor), Span(f"{runs}, {units.duration(state.runtime)}", "muted")]
    if state.cancelled is not None:
        asked = units.time_at(state.cancelled, context.now, context.time_mode)
        spans.append(Span(f"  asked to stop {asked}", "warn"))
    return spans
