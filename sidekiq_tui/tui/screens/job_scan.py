"""A list of jobs that can show what a matcher finds while places are being read for it."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final

from textual import on, work
from textual.message import Message
from textual.worker import Worker, WorkerState

from sidekiq_tui.operations.selection import Matching, Selection
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.servers.slice_on import SliceOn
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.search import Matcher, Slice
from sidekiq_tui.tui.actions import Action
from sidekiq_tui.tui.screens.job_list import JobListScreen
from sidekiq_tui.tui.screens.job_reader import job_key, job_weight
from sidekiq_tui.tui.screens.job_words import Found
from sidekiq_tui.tui.screens.listing import context_of
from sidekiq_tui.tui.state import AppState
from sidekiq_tui.tui.widgets.rows import Rows, StaticRows
from sidekiq_tui.tui.widgets.sorting import Order, in_order

MOST_MATCHES: Final = 50_000
BYTES_MATCHED: Final = 128 << 20
"""Of payloads that match: more are not kept, whatever their number."""
TELL_SECONDS: Final = 0.2
"""How often a running scan shows what it has found."""


class ScanScreen(JobListScreen):
    """Subclasses give `slices`; `start_scan` begins, `found` and `matches` say what came of it so far."""

    @dataclass
    class Scanned(Message):
        """Some more was held against the matcher; `ended`: that was the last."""

        number: int
        slices: tuple[Slice, ...]
        ended: bool = False

    @dataclass
    class ScanFailed(Message):
        """Reading for the matcher failed."""

        number: int
        error: SidekiqError

    def __init__(self, app_state: AppState) -> None:
        super().__init__(app_state)
        self.matcher: Matcher | None = None
        self.found: Found | None = None
        self.matches: list[JobRecord] = []
        self.scanning = False
        self.pace: float | None = None
        """Entries a second that the last scan read."""
        self._coming: list[JobRecord] = []
        """What the running scan has found: `matches`, but where the same is being read again."""
        self._found_before: Found | None = None
        self._cut_short = False
        self._scan_number = 0
        self._scan_began = 0.0
        self._weight = 0
        self._progress: dict[tuple[str, Place], Slice] = {}
        self._sorted: tuple[tuple[object, ...], Rows[JobRecord]] | None = None

    @abstractmethod
    def slices(self, matcher: Matcher) -> AsyncGenerator[Slice, None]:
        """The reads of the scan, each with what matched in it. Raises SidekiqError while iterating."""

    @property
    def scanned_all(self) -> bool:
        """Whether a scan that has ended left nothing out that it does not say itself."""
        return True

    @property
    def found_told(self) -> Found | None:
        """How far the scan is, as titles tell it."""
        return self.found

    def scan_failed(self, error: SidekiqError) -> None:
        """A scan ended with an error; what it had found is kept."""

    # Running.

    def start_scan(self, matcher: Matcher, *, again: bool = False) -> None:
        """Begins to read for a matcher. What was found before is forgotten; where the same is read `again` it stays,
        with its order and the cursor, until that has been done.
        """
        if self.app_state.frozen:
            self.say("frozen: Z lets the screen go on", "warn")
            return
        self._interrupt()
        self._found_before = self.found
        self.matcher, self.found = matcher, Found(matcher.text)
        self._coming, self._weight, self._progress = [], 0, {}
        if self.marks.whole:
            self.marks.clear()
        self.scanning = True
        self._scan_number += 1
        self._scan_began = time.monotonic()
        if not again:
            self.matches, self.order = self._coming, Order()
            self.table.restart()
        self.refresh_footer()
        self.draw()
        self._scan(self._scan_number, matcher)

    def end_scan(self) -> None:
        """Forgets matcher and matches."""
        self.stop_reading()
        self.matcher = self.found = None
        self.matches = self._coming = []
        self._weight, self._progress = 0, {}
        self.order = Order()

    def stop_reading(self) -> None:
        """Ends all reads of this screen; what they brought stays."""
        self.workers.cancel_group(self, "scan")
        self._scan_ended()

    def stop_scan(self) -> None:
        """Stops reading and keeps what was found."""
        if self.scanning:
            self.stop_reading()
            self.draw()

    def on_screen_suspend(self) -> None:
        """Nothing is read for a list that is not seen."""
        self._cut_short = self._interrupt()

    def on_screen_resume(self) -> None:
        """What was being read again is."""
        if self._cut_short and self.matcher is not None and not self.app_state.frozen:
            self.call_later(self.refresh_now)

    def _interrupt(self) -> bool:
        """Ends all reads; True where one was of the same again: then what was there before stays as it was."""
        before = (self._found_before, self.matches) if self.scanning and self.matches is not self._coming else None
        self.stop_reading()
        if before is not None:
            self.found, self.matches = before
        return before is not None

    @work(group="scan", exclusive=True, exit_on_error=False)
    async def _scan(self, number: int, matcher: Matcher) -> None:
        waiting: list[Slice] = []
        told = time.monotonic()
        try:
            async with aclosing(self.slices(matcher)) as slices:
                async for found in slices:
                    waiting.append(found)
                    if time.monotonic() - told >= TELL_SECONDS:
                        self.post_message(self.Scanned(number, tuple(waiting)))
                        waiting, told = [], time.monotonic()
        except SidekiqError as error:
            self.post_message(self.Scanned(number, tuple(waiting)))
            self.post_message(self.ScanFailed(number, error))
        else:
            self.post_message(self.Scanned(number, tuple(waiting), ended=True))

    @on(Scanned)
    def _more_found(self, message: Scanned) -> None:
        if message.number != self._scan_number or not self.scanning or self.found is None:
            return
        full = False
        for found in message.slices:
            self._progress[(found.server if isinstance(found, SliceOn) else "", found.place)] = found
            for job in found.jobs:
                self._weight += job_weight(job)
                full = full or len(self._coming) >= MOST_MATCHES or self._weight > BYTES_MATCHED
                if not full:
                    self._coming.append(job)
        places = self._progress.values()
        self.found = replace(
            self.found,
            matches=len(self._coming),
            read=sum(place.read for place in places),
            total=sum(place.total for place in places),
            complete=message.ended and not full and all(place.complete for place in places) and self.scanned_all,
            full=full,
        )
        if full or message.ended:
            self.pace = self.found.read / max(time.monotonic() - self._scan_began, 0.001)
            self.workers.cancel_group(self, "scan")
            self._scan_ended()
        if self.is_front:
            self.draw()

    @on(ScanFailed)
    def _failed_scanning(self, message: ScanFailed) -> None:
        if message.number == self._scan_number and self.scanning:
            self._interrupt()
            self.scan_failed(message.error)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A reader that broke in a way nobody thought of."""
        if event.state == WorkerState.ERROR and event.worker.group == "scan":
            reason = f"reading failed: {type(event.worker.error).__name__}"
            self.post_message(self.ScanFailed(self._scan_number, SidekiqError(reason)))

    def _scan_ended(self) -> None:
        if self.scanning:
            self.scanning, self.matches = False, self._coming
            if self.found is not None and not self.found.complete:
                self.found = replace(self.found, stopped=True)
            self.refresh_footer()

    # What was found, as a list.

    def given(self) -> Rows[JobRecord]:
        """What was found so far, in the present order."""
        return self.arranged(self.matches)

    def arranged(self, jobs: Sequence[JobRecord]) -> Rows[JobRecord]:
        """Jobs that are all in memory, in the present order."""
        if self.order == Order():
            return StaticRows[JobRecord](jobs, job_key)
        state: tuple[object, ...] = (id(jobs), len(jobs), self.order, self.kind)
        if self._sorted is None or self._sorted[0] != state:
            ordered = in_order(jobs, self.columns, self.order, context_of(self.app_state))
            self._sorted = (state, StaticRows[JobRecord](ordered, job_key))
        return self._sorted[1]

    def why_not_sorted(self) -> str | None:
        """What is still coming has no place yet."""
        return "sorts when all is read; ctrl+x stops reading" if self.scanning else None

    def mark_all(self) -> str:
        """Marks what was found; says so when that may not be all."""
        words = self.mark_these(self.matches)
        self.marks.all_matching = bool(self.marks)
        if self.found is not None and not self.found.complete:
            words = f"marked the {len(self.marks):,} found so far; an action reads all and counts before it asks"
        return words

    @property
    def selected(self) -> Selection | None:
        """All that the filter matches where `A` said so; a plan looks for them anew."""
        if self.marks.all_matching and self.matcher is not None:
            return Matching(self.searched, self.matcher)
        return super().selected

    @property
    @abstractmethod
    def searched(self) -> tuple[Place, ...]:
        """The places that the matcher is held against."""

    def reason_against(self, action: Action) -> str | None:
        """Only what runs can be stopped."""
        if action.id == "stop-scan":
            return None if self.scanning else "nothing is being read for a filter"
        return super().reason_against(action)

    @property
    def filter_text(self) -> str:
        """What is being looked for."""
        return "" if self.matcher is None else self.matcher.text

    def say_error(self, error: SidekiqError) -> None:
        """Says why a read failed."""
        self.say(display_text(error.message), "warn")
