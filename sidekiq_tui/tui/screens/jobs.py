"""The jobs of a queue or of a set: one list, whatever its length, that moves under a cursor that does not."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.message import Message
from textual.worker import Worker, WorkerState

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Column, Span
from sidekiq_tui.presentation.columns.jobs import ListKind, job_columns
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.sidekiq.errors import FilterError, SidekiqError
from sidekiq_tui.sidekiq.filter import Filter, parse_filter
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.search import Slice
from sidekiq_tui.tui.actions import Action, bindings
from sidekiq_tui.tui.actions.lists import FILTER, LIST, SCAN
from sidekiq_tui.tui.screens.base import ViewScreen
from sidekiq_tui.tui.screens.job_reader import Seen, Window, job_key, job_weight, read_again
from sidekiq_tui.tui.screens.job_words import Found, empty_notice, job_note, queue_spans, title_spans
from sidekiq_tui.tui.screens.listing import context_of, left_out, range_spans
from sidekiq_tui.tui.state import AppState
from sidekiq_tui.tui.widgets.record_table import RecordTable
from sidekiq_tui.tui.widgets.rows import PAGE_SIZE, PagedRows, StaticRows
from sidekiq_tui.tui.widgets.title_line import TitleLine

LOADING_SECONDS: Final = 0.15
"""Reads faster than this show nothing."""
NARROW: Final = 100
MOST_MATCHES: Final = 50_000
TELL_SECONDS: Final = 0.2
"""How often a running scan shows what it has found."""

Source = tuple[str, Place]


class JobsScreen(ViewScreen):
    """Subclasses say which list of which server it is."""

    scopes: ClassVar[tuple[str, ...]] = (LIST, FILTER, SCAN)
    BINDINGS = bindings(FILTER, SCAN)
    place: Place

    @dataclass
    class Read(Message):
        """A window of the list arrived."""

        source: Source
        window: Window

    @dataclass
    class Scanned(Message):
        """Some more of the list was held against the filter."""

        source: Source
        filter: Filter
        slices: tuple[Slice, ...]

    @dataclass
    class Failed(Message):
        """A read failed."""

        source: Source
        error: SidekiqError

    def __init__(self, app_state: AppState) -> None:
        super().__init__(app_state)
        self._source: Source | None = None
        self._pages: PagedRows[JobRecord] = self._no_pages()
        self._read_at: float | None = None
        self._reading = False
        self._slow = False
        self._error: SidekiqError | None = None
        self._typed = ""
        self._filter: Filter | None = None
        self._found: Found | None = None
        self._matches: list[JobRecord] = []
        self._scanning = False

    # What it is of

    @property
    def server(self) -> str:
        """The server whose list this is."""
        return self.app_state.preferred

    @property
    def source(self) -> Source:
        """The list that is to be shown."""
        return (self.server, self.place)

    @property
    def table(self) -> RecordTable[JobRecord]:
        """The list."""
        return self.query_one("#table", RecordTable)

    def body(self) -> ComposeResult:
        """Title and list."""
        yield TitleLine(ascii=self.app_state.ascii, id="title")
        yield RecordTable[JobRecord](self._columns(), id="table")

    def on_mount(self) -> None:
        """Keys go to the list."""
        self.table.focus()

    def on_screen_suspend(self) -> None:
        """Nothing is read for a list that is not seen."""
        self._stop()

    def reason_against(self, action: Action) -> str | None:
        """Rows do not open, and only what runs can be stopped."""
        if action.id == "open":
            return "there is no more to a job than its row and the message line"
        if action.id == "stop-scan" and not self._scanning:
            return "nothing is being read for a filter"
        return None

    # Data

    def show(self, snapshots: Mapping[str, ServerSnapshot]) -> None:
        """Draws what is known and reads again what a newer poll may have outdated."""
        if self._source != self.source:
            self._restart()
        self._draw()
        taken = snapshots[self.server].taken_at
        if self._filter is None and (self._read_at is None or (taken is not None and taken > self._read_at)):
            self._start_reading()

    def tick(self, now: float) -> None:
        """Times in rows and title."""
        self._draw()

    def refresh_now(self) -> None:
        """Reads window or matches again."""
        if self._filter is not None:
            self._start_scan(self._filter)
        else:
            self._start_reading()

    def _restart(self) -> None:
        self._stop()
        self._source = self.source
        self._pages = self._no_pages()
        self._read_at = self._error = self._filter = self._found = None
        self._matches = []
        self.table.restart()

    def _stop(self) -> None:
        self.workers.cancel_group(self, "page")
        self.workers.cancel_group(self, "scan")
        self._reading = self._slow = False
        self._scan_ended()

    def _start_reading(self) -> None:
        """One read at a time, of what is visible when it runs."""
        if self._reading or self.app_state.frozen or self._filter is not None or not self.is_front:
            return
        if self.app_state.snapshots[self.server].error is not None:
            return  # the poller tries; when it gets through, this is drawn again
        self._reading = True
        self.set_timer(LOADING_SECONDS, self._still_reading)
        self._read_window()

    def _still_reading(self) -> None:
        self._slow = self._reading
        if self._slow and self.is_front:
            self._draw_title()

    @work(group="page", exclusive=True, exit_on_error=False)
    async def _read_window(self) -> None:
        server, place = source = self.source
        rows, table = self._pages, self.table
        first, last = table.window
        seen = Seen(rows.size, rows.keys(first, last), table.cursor if first <= table.cursor <= last else None)
        try:
            window = await read_again(
                self.app_state.registry.server(server),
                place,
                rows.span(first, last),
                seen,
                lambda shift: rows.span(*table.window_after(shift)),
            )
        except SidekiqError as error:
            self.post_message(self.Failed(source, error))
        else:
            self.post_message(self.Read(source, window))

    def on_jobs_screen_read(self, message: Read) -> None:
        """Puts a window in its place; the cursor goes with its job."""
        self._reading = self._slow = False
        if message.source != self._source or self._filter is not None:
            return
        window, page = message.window, message.window.page
        self._error = None
        self._read_at = self.app_state.now()
        if window.shift or page.size != self._pages.size:
            self._pages.renew(page.offset, page.jobs, page.size)
        else:
            self._pages.put(page.offset, page.jobs, page.size)
        if self.is_front:
            self._draw(window.shift)

    def on_jobs_screen_failed(self, message: Failed) -> None:
        """Keeps what was there; says why where there is nothing."""
        self._reading = self._slow = False
        self._scan_ended()
        if message.source != self._source:
            return
        self._error = message.error
        self._read_at = self.app_state.now()
        if self.is_front:
            self._draw()
            if self.app_state.snapshots[self.server].error is None:
                self.say(display_text(message.error.message), "warn")

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A reader that broke in a way nobody thought of."""
        if event.state == WorkerState.ERROR and self._source is not None:
            reason = f"reading failed: {type(event.worker.error).__name__}"
            self.post_message(self.Failed(self._source, SidekiqError(reason)))

    @on(RecordTable.Wanted)
    def _rows_wanted(self) -> None:
        # After an error the next poll says when it is worth another try.
        if self._error is None:
            self._start_reading()

    # The filter

    def action_filter(self) -> None:
        """Asks what to look for."""
        self.ask("/", self._typed, self._filter_typed, (Span("words  class:  error:  jid:  age>2h", "muted"),))

    def _filter_typed(self, text: str | None) -> None:
        if text is None:
            return
        self._typed = text.strip()
        try:
            wanted = parse_filter(self._typed)
        except FilterError as error:
            self.say(display_text(f"{error.message}  {error.hint}".strip()), "bad")
            return
        if wanted.empty:
            self.clear()
        else:
            self._start_scan(wanted)

    def _start_scan(self, wanted: Filter) -> None:
        if self.app_state.frozen:
            self.say("frozen: Z lets the screen go on", "warn")
            return
        self._stop()
        self._filter, self._error = wanted, None
        self._found = Found(wanted.text)
        self._matches = []
        self._scanning = True
        self.table.restart()
        self.refresh_footer()
        self._draw()
        self._scan(wanted)

    @work(group="scan", exclusive=True, exit_on_error=False)
    async def _scan(self, wanted: Filter) -> None:
        server, place = source = self.source
        waiting: list[Slice] = []
        told = time.monotonic()
        try:
            async with aclosing(self.app_state.registry.server(server).scan(place, wanted)) as slices:
                async for found in slices:
                    waiting.append(found)
                    if found.complete or time.monotonic() - told >= TELL_SECONDS:
                        self.post_message(self.Scanned(source, wanted, tuple(waiting)))
                        waiting, told = [], time.monotonic()
        except SidekiqError as error:
            self.post_message(self.Failed(source, error))
        if waiting:
            self.post_message(self.Scanned(source, wanted, tuple(waiting)))

    def on_jobs_screen_scanned(self, message: Scanned) -> None:
        """Shows what was found so far."""
        if message.source != self._source or message.filter is not self._filter or self._found is None:
            return
        for found in message.slices:
            self._matches.extend(found.jobs)
        last = message.slices[-1]
        full = len(self._matches) >= MOST_MATCHES
        self._found = replace(
            self._found,
            matches=len(self._matches),
            read=last.read,
            total=last.total,
            complete=last.complete,
            stopped=self._found.stopped or (full and not last.complete),
        )
        if full or last.complete:
            self.workers.cancel_group(self, "scan")
            self._scan_ended()
        if self.is_front:
            self._draw()

    def action_stop_scan(self) -> None:
        """Stops reading and keeps what was found."""
        if self._scanning and self._found is not None:
            self.workers.cancel_group(self, "scan")
            self._found = replace(self._found, stopped=True)
            self._scan_ended()
            self._draw()

    def clear(self) -> bool:
        """`esc` ends the filter and goes back to the whole list."""
        if self._filter is None:
            return False
        self._stop()
        self._filter = self._found = self._read_at = None
        self._matches = []
        self.table.restart()
        self.redraw()
        return True

    def _scan_ended(self) -> None:
        if self._scanning:
            self._scanning = False
            if self._found is not None and not self._found.complete:
                self._found = replace(self._found, stopped=True)
            self.refresh_footer()

    # Drawing

    def _no_pages(self) -> PagedRows[JobRecord]:
        return PagedRows(job_key, job_weight)

    def _columns(self) -> tuple[Column[JobRecord], ...]:
        kind: ListKind = "search" if self.place.kind == "work" else self.place.kind
        return job_columns(kind, time_mode=self.app_state.time_mode)

    def _draw(self, shift: int = 0) -> None:
        state = self.app_state
        snapshot, context = state.snapshots[self.server], context_of(state)
        self.table.set_columns(self._columns())
        rows = StaticRows(self._matches, job_key) if self._filter is not None else self._pages
        notice: list[Cell] = []
        if self._filter is not None or self._read_at is not None or snapshot.error is not None:
            notice = empty_notice(self.place, snapshot, self._error, self._found, context, self._read_at)
        self.table.show(
            rows,
            context,
            shift=shift,
            sorted_by=("time", self.place.kind == "dead"),
            stale=snapshot.error is not None,
            notice=notice,
        )
        self._draw_title()
        self._draw_note()

    def _draw_title(self) -> None:
        state = self.app_state
        snapshot, context = state.snapshots[self.server], context_of(state)
        narrow = self.size.width < NARROW
        named = self.server if state.scope is None else ""
        size = self._pages.size if self._read_at is not None and self._error is None else None
        spans = title_spans(self.place, size, self._found, server=named, narrow=narrow)
        shown = len(self._matches) if self._filter is not None else self._pages.size
        if self._slow:
            spans.append(Span(f"  reading {self._reading_words()} …", "muted"))
        elif snapshot.error is not None and self._read_at is not None:
            spans.append(Span(f"  as of {units.age(state.now() - self._read_at)} ago", "warn"))
        elif self.place.kind == "queue" and self._found is None and not narrow and snapshot.overview is not None:
            queue = next((one for one in snapshot.overview.queues if one.name == self.place.queue), None)
            spans += queue_spans(queue, context)
        self.query_one("#title", TitleLine).show(spans, range_spans(self.table, shown))

    def _reading_words(self) -> str:
        first, last = self.table.window
        if last < first:
            return f"1–{PAGE_SIZE}"
        return f"{first + 1:,}–{last + 1:,} of {units.count(self._pages.size)}"

    def _draw_note(self) -> None:
        job, context = self.table.current, context_of(self.app_state)
        if job is None:
            self.note()
        else:
            self.note(job_note(job, left_out(self.table, self._columns(), job, context), context))

    @on(RecordTable.Moved)
    def _moved(self) -> None:
        if self.is_front:
            self._draw_title()
            self._draw_note()


class QueueJobsScreen(JobsScreen):
    """The jobs of one queue, newest first, opened from a list of queues."""

    view: ClassVar[str] = "queues"

    def __init__(self, app_state: AppState, server: str, queue: str) -> None:
        self._opened_on = server
        self.place = Place("queue", queue)
        super().__init__(app_state)

    @property
    def server(self) -> str:
        """The server in view; the one it was opened on while all are."""
        return self.app_state.scope or self._opened_on


class RetriesScreen(JobsScreen):
    """Jobs that failed and will run again, soonest first."""

    view: ClassVar[str] = "retries"
    place = Place("retry")


class ScheduledScreen(JobsScreen):
    """Jobs for later, soonest first."""

    view: ClassVar[str] = "scheduled"
    place = Place("schedule")


class DeadScreen(JobsScreen):
    """Jobs that will not run again by themselves, the newest first."""

    view: ClassVar[str] = "dead"
    place = Place("dead")
