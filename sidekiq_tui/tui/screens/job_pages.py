"""A list of jobs of any length, read page by page: what is visible, again and again while the list moves."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from textual import on, work
from textual.message import Message
from textual.worker import Worker, WorkerState

from sidekiq_tui.operations.selection import Selection, Whole
from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.jobs import ListKind
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.servers.server import Server
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.sidekiq.errors import ServerTimeout, SidekiqError
from sidekiq_tui.sidekiq.iteration import IterationState, keeps_iterations
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.queue import Page
from sidekiq_tui.sidekiq.search import Matcher, Slice
from sidekiq_tui.tui.screens.job_list import OWN_TIME
from sidekiq_tui.tui.screens.job_reader import (
    PageReader,
    Range,
    Seen,
    Window,
    WithIterations,
    job_key,
    job_weight,
    read_again,
    read_range,
)
from sidekiq_tui.tui.screens.job_scan import ScanScreen
from sidekiq_tui.tui.screens.listing import context_of
from sidekiq_tui.tui.state import AppState
from sidekiq_tui.tui.subject import Subject
from sidekiq_tui.tui.widgets.record_table import RecordTable
from sidekiq_tui.tui.widgets.rows import PagedRows, Rows
from sidekiq_tui.tui.widgets.sorting import Order, SortedPages, in_order

LOADING_SECONDS: Final = 0.15
"""Reads faster than this show nothing."""
MOST_IN_RANGE: Final = 10_000
"""So many rows are read to mark a range that reaches over pages never seen."""
READS: Final = frozenset({"page", "ahead", "range"})
"""The groups of workers that read here."""

Source = tuple[tuple[str, ...], Place, bool]
"""Servers, list, and whether its own order is turned round."""


class PagedScreen(ScanScreen):
    """The pages of one list of one server, or what a matcher found in it. Subclasses say which and find the words."""

    place: Place

    @dataclass
    class Read(Message):
        """A window of the list arrived."""

        source: Source
        window: Window
        hurried: bool = False
        """Whether there is more to it."""

    @dataclass
    class ReadAhead(Message):
        """A page arrived that nobody sees yet."""

        source: Source
        page: Page

    @dataclass
    class ReadFailed(Message):
        """A read failed."""

        source: Source
        error: SidekiqError

    @dataclass
    class RangeRead(Message):
        """The rows between two of them; None if they could not be found again."""

        source: Source
        jobs: Sequence[JobRecord] | None

    def __init__(self, app_state: AppState) -> None:
        super().__init__(app_state)
        self._source: Source | None = None
        self._pages: PagedRows[JobRecord] = PagedRows(job_key, job_weight)
        self._by_page: SortedPages[JobRecord] | None = None
        self._iterations: Mapping[str, IterationState] = {}
        self._read_at: float | None = None
        self._reading = False
        self._hurried = False
        """Whether the read under way leaves out what is slow."""
        self._slow = False
        self._error: SidekiqError | None = None

    # What it is of.

    @property
    def server(self) -> str:
        """The server whose list this is."""
        return self.app_state.preferred

    @property
    def kind(self) -> ListKind:
        """The kind of the list."""
        return "search" if self.place.kind == "work" else self.place.kind

    @property
    def source(self) -> Source:
        """The list that is to be shown."""
        return (self.servers, self.place, self.order == Order(None, True))

    @property
    def servers(self) -> tuple[str, ...]:
        """The servers whose list this is."""
        return (self.server,)

    @property
    def reader(self) -> PageReader:
        """What reads its pages."""
        return self.app_state.registry.server(self.server)

    @property
    def hurried_reader(self) -> PageReader | None:
        """What reads for a key when `reader` would take long: all but what is slow. None where that is no choice."""
        return None

    @property
    def outdated(self) -> bool:
        """Whether a newer poll may have found another list."""
        taken = self.app_state.snapshots[self.server].taken_at
        return self._read_at is None or (taken is not None and taken > self._read_at)

    @property
    def own_order(self) -> Order:
        """By time: soonest first, newest first in queues and among the dead."""
        return Order(OWN_TIME, (self.place.kind == "dead") != self.order.falling)

    # Data.

    def show(self, snapshots: Mapping[str, ServerSnapshot]) -> None:
        """Draws what is known and reads again what a newer poll may have outdated."""
        if self._source is None or self._source[:2] != self.source[:2]:
            self._restart()
        self.draw()
        if self.matcher is None and self.outdated:
            self._start_reading()

    def tick(self, now: float) -> None:
        """Times in rows and title."""
        self.draw()

    def refresh_now(self) -> None:
        """Reads window or matches again."""
        if self.matcher is not None:
            self.start_scan(self.matcher, again=True)
        else:
            self._start_reading()

    def _restart(self) -> None:
        """Another list: nothing of the one before is left."""
        self.end_scan()
        self.marks.clear()
        self._renew()

    def _renew(self) -> None:
        """The same list from its other end, or another one: pages and cursor begin anew."""
        self.stop_reading()
        self._source = self.source
        self._pages = PagedRows(job_key, job_weight)
        self._by_page = None
        self._iterations = {}
        self._read_at = self._error = None
        self.table.restart()

    def stop_reading(self) -> None:
        """Ends all reads."""
        self.workers.cancel_group(self, "page")
        self.workers.cancel_group(self, "ahead")
        self.workers.cancel_group(self, "range")
        self._reading = self._slow = False
        super().stop_reading()

    def _start_reading(self, hurried: PageReader | None = None) -> None:
        """One read at a time, of what is visible when it runs; a `hurried` one takes the place of one that is not."""
        held = self._reading and (self._hurried or hurried is None)
        if held or self.app_state.frozen or self.matcher is not None or not self.is_front:
            return
        if self.stale:
            return  # the poller tries; when it gets through, this is drawn again
        self._reading, self._hurried = True, hurried is not None
        self.set_timer(LOADING_SECONDS, self._still_reading)
        self._read_window(hurried)

    def _still_reading(self) -> None:
        # Where somebody always takes long, only what is not there yet is worth a word.
        self._slow = self._reading and (self.hurried_reader is None or self.table.wanted is not None)
        if self._slow and self.is_front:
            self.draw_around()

    @work(group="page", exclusive=True, exit_on_error=False)
    async def _read_window(self, hurried: PageReader | None) -> None:
        source, rows, table, reader = self.source, self._pages, self.table, hurried or self.reader
        first, last = table.window
        jids = self._visible_jids(first, last)
        if jids and isinstance(reader, Server):
            reader = WithIterations(reader, jids)
        if self._by_page is not None:  # what is visible is anywhere on its pages
            offset, length = rows.span(first, last)
            seen = Seen(rows.size, rows.keys(offset, offset + length - 1))
        else:
            seen = Seen(rows.size, rows.keys(first, last), table.cursor if first <= table.cursor <= last else None)
        try:
            window = await read_again(
                reader,
                source[1],
                rows.span(first, last),
                seen,
                lambda shift: rows.span(*table.window_after(shift)),
                backwards=source[2],
            )
        except SidekiqError as error:
            self.post_message(self.ReadFailed(source, error))
        else:
            self.post_message(self.Read(source, window, hurried is not None))

    def _visible_jids(self, first: int, last: int) -> tuple[str, ...]:
        """The visible jobs whose iteration states are worth a look: none where no process writes any."""
        overview = self.app_state.snapshots[self.server].overview
        if overview is None or not keeps_iterations(overview.sidekiq_versions):
            return ()
        rows = self.given()
        jobs = (rows.get(index) for index in range(first, last + 1))
        return tuple({job.jid: None for job in jobs if job is not None and job.jid})

    def iteration_of(self, job: JobRecord) -> IterationState | None:
        """As the last page said that was read while the job was visible."""
        return self._iterations.get(job.jid or "")

    @on(Read)
    def _window_read(self, message: Read) -> None:
        """Puts a window in its place; the cursor goes with its job."""
        self._reading = self._slow = False
        if message.source != self._source or self.matcher is not None:
            return
        self._error = None
        self._read_at = self.app_state.now()
        self._iterations = message.window.page.iterations
        self._put(message.window)
        if self.is_front:
            self.draw(0 if self._by_page is not None else message.window.shift)
        if message.hurried:
            self._start_reading()

    def _put(self, window: Window) -> None:
        page = window.page
        if window.shift or page.size != self._pages.size:
            self._pages.renew(page.offset, page.jobs, page.size)
        else:
            self._pages.put(page.offset, page.jobs, page.size)
        if len(self.marks) and page.size <= len(page.jobs):  # all there is: what is not here is gone
            before = len(self.marks)
            self.marks.keep({job.identity for job in page.jobs})
            if len(self.marks) != before:
                self.refresh_footer()

    @on(ReadFailed)
    def _read_failed(self, message: ReadFailed) -> None:
        """Keeps what was there; says why where there is nothing."""
        self._reading = self._slow = False
        if message.source == self._source:
            self.scan_failed(message.error)

    def scan_failed(self, error: SidekiqError) -> None:
        """Keeps what was there; says why where there is nothing."""
        self._error = error
        self._read_at = self.app_state.now()
        if self.is_front:
            self.draw()
            if not self.stale:
                self.say_error(error)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A reader that broke in a way nobody thought of."""
        if event.state == WorkerState.ERROR and event.worker.group in READS and self._source is not None:
            reason = f"reading failed: {type(event.worker.error).__name__}"
            self.post_message(self.ReadFailed(self._source, SidekiqError(reason)))

    @on(RecordTable.Wanted)
    def _rows_wanted(self) -> None:
        # After an error the next poll says when it is worth another try.
        if self._error is None:
            self._start_reading(self.hurried_reader)

    def look_ahead(self) -> None:
        """Reads the next page, too, where there is but one server to ask."""
        super().look_ahead()
        asks = len(self.servers) == 1 and self._pages.light and self.matcher is None and self._by_page is None
        if asks and not (self._reading or self._error or self.app_state.frozen):
            span = self.table.wanted_soon
            if span is not None:
                self._read_ahead(*span)

    @work(group="ahead", exclusive=True, exit_on_error=False)
    async def _read_ahead(self, offset: int, length: int) -> None:
        source = self.source
        with contextlib.suppress(SidekiqError):  # whoever gets there reads it, and says what is wrong
            page = await self.reader.page(source[1], offset, length, backwards=source[2])
            self.post_message(self.ReadAhead(source, page))

    @on(ReadAhead)
    def _ahead_read(self, message: ReadAhead) -> None:
        """Keeps a page of the list as it stands; once the list has another size, what is visible is read first."""
        fits = message.source == self._source and message.page.size == self._pages.size
        if fits and message.page.jobs and self.matcher is None and self._by_page is None:
            self._pages.put(message.page.offset, message.page.jobs, message.page.size)
            self.app_state.pace.when_free("ahead", self._look_ahead)

    async def load(self, index: int) -> None:
        """Reads the page with the row at `index`, also while another screen lies over this one."""
        if self.app_state.frozen:
            raise ServerTimeout("frozen: Z lets the screen go on")
        _, place, backwards = self.source
        page = await self.reader.page(place, *self._pages.span(index, index), backwards=backwards)
        self._put(Window(page))

    # Rows and orders.

    def given(self) -> Rows[JobRecord]:
        """The whole list page by page, or what a filter found."""
        if self.matcher is not None:
            return self.arranged(self.matches)
        return self._pages if self._by_page is None else self._by_page

    def why_not_sorted(self) -> str | None:
        """Another order of the whole list may have to be read."""
        if self.matcher is None and self.app_state.frozen:
            return "frozen: Z lets the screen go on"
        if self.matcher is None and self.stale:
            return f"{display_text(self.server)} does not answer"
        return super().why_not_sorted()

    def order_changed(self) -> None:
        """The list's own order is Redis's, also turned round; by a column each page is sorted by itself."""
        if self.matcher is not None:
            return
        if self.source != self._source:
            self._renew()
            return
        self._by_page = None
        if self.order.key is not None:
            self._by_page = SortedPages(self._pages, self._in_order)

    def _in_order(self, jobs: Sequence[JobRecord]) -> Sequence[JobRecord]:
        return in_order(jobs, self.columns, self.order, context_of(self.app_state))

    @property
    def size_matched(self) -> int | None:
        """The whole list, once it has been read, or what a filter found."""
        if self.matcher is not None:
            return len(self.matches)
        return None if self._read_at is None else self._pages.size

    def mark_all(self) -> str:
        """What a filter found; without one the list as a whole, of which nothing is read for that."""
        if self.matcher is not None:
            return super().mark_all()
        self.marks.mark_whole()
        size = self.size_matched
        known = "" if size is None else f": {units.count(size)} now"
        return f"all of {self.list_name} is marked{known}, as a rule; they are not read one by one"

    def range_not_loaded(self, first: int, last: int) -> None:
        """Reads the rows of a range and marks them."""
        if last - first >= MOST_IN_RANGE or self._by_page is not None or self.app_state.frozen or self.matcher:
            super().range_not_loaded(first, last)
            return
        self.say(f"reading {last - first + 1:,} rows …", "muted")
        here = self.table.current
        if self.marks.anchor is not None and here is not None:
            self._read_range(Range(first, last, self.marks.anchor, here.identity))

    @work(group="range", exclusive=True, exit_on_error=False)
    async def _read_range(self, wanted: Range) -> None:
        source = self.source
        try:
            jobs = await read_range(self.reader, source[1], wanted, backwards=source[2])
        except SidekiqError as error:
            self.post_message(self.ReadFailed(source, error))
        else:
            self.post_message(self.RangeRead(source, jobs))

    @on(RangeRead)
    def _range_read(self, message: RangeRead) -> None:
        if message.source != self._source:
            return
        if message.jobs is None:
            self.say("the list has moved on: one end of the range is gone", "warn")
        elif not self.mark_these(message.jobs):
            self.say(f"{len(message.jobs):,} rows marked", "muted")

    @property
    def searched(self) -> tuple[Place, ...]:
        """The list alone."""
        return (self.place,)

    @property
    def selected(self) -> Selection | None:
        """The whole list where it is marked by a rule."""
        return Whole(self.place) if self.marks.whole and self.matcher is None else super().selected

    def subject(self) -> Subject:
        """With the list itself, which can be cleared."""
        return replace(super().subject(), whole=self.place, queue=self.place.queue)

    def slices(self, matcher: Matcher) -> AsyncGenerator[Slice, None]:
        """The list, held against a filter."""
        return self.app_state.registry.server(self.server).scan(self.place, matcher)
