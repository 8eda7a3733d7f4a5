"""The jobs of one operation that lie in the trash: looked through, marked, and put back in part."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import ClassVar, Final

from sidekiq_tui.operations.targets import digest
from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Span
from sidekiq_tui.presentation.columns.jobs import ListKind
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.sidekiq.errors import FilterError, SidekiqError
from sidekiq_tui.sidekiq.filter import parse_filter
from sidekiq_tui.sidekiq.job import Place
from sidekiq_tui.sidekiq.search import Matcher, Slice
from sidekiq_tui.tui.actions import Action, bindings
from sidekiq_tui.tui.actions.job import COPY
from sidekiq_tui.tui.actions.jobs import COLUMNS, MARKS
from sidekiq_tui.tui.actions.lists import FILTER, LIST, SORT
from sidekiq_tui.tui.actions.operations import TRASH
from sidekiq_tui.tui.breadcrumbs import trail_to
from sidekiq_tui.tui.screens.job_scan import ScanScreen
from sidekiq_tui.tui.screens.listing import NO_ROWS
from sidekiq_tui.tui.state import AppState
from sidekiq_tui.tui.subject import Subject

PAGE: Final = 500
"""Entries of one read."""


class TrashJobsScreen(ScanScreen):
    """Read when it is opened; a filter reads again. `R` puts back what is marked, or all where nothing is."""

    view: ClassVar[str] = "trash"
    scopes: ClassVar[tuple[str, ...]] = (LIST, SORT, MARKS, COLUMNS, COPY, FILTER, TRASH)
    BINDINGS = bindings(FILTER, TRASH)

    def __init__(self, app_state: AppState, server: str, operation: str, title: str) -> None:
        """`title`: what was done, safe text."""
        super().__init__(app_state)
        self._server = server
        self._operation = operation
        self._title = title
        self._typed = ""
        self._error: SidekiqError | None = None

    @property
    def server(self) -> str:
        """The server whose trash it is."""
        return self._server

    @property
    def kind(self) -> ListKind:
        """With the place of each job."""
        return "search"

    @property
    def list_name(self) -> str:
        """As its title calls it."""
        return "the trash"

    @property
    def searched(self) -> tuple[Place, ...]:
        """No place of Sidekiq's."""
        return ()

    @property
    def crumb(self) -> str:
        """What was done."""
        return self._title

    @property
    def operation(self) -> str:
        """The id of the operation that put the jobs here."""
        return self._operation

    # What is put back.

    def subject(self) -> Subject:
        """The operation; what is marked narrows it down."""
        count = len(self.marks) or None
        return Subject(self._server, count=count, entry=self._operation, entry_words=self._title)

    @property
    def chosen_digests(self) -> tuple[bytes, ...] | None:
        """What stands for the marked jobs; None: all, also those that were not read."""
        return tuple(digest(job.raw) for job in self.marks.jobs) if self.marks else None

    def why_not(self, action: Action) -> str | None:
        """Only putting back makes sense here."""
        if action.where == TRASH and action.id != "restore-entries":
            return "it has ended: R puts back what it did"
        return super().why_not(action)

    def reason_against(self, action: Action) -> str | None:
        """What is read can be filtered."""
        if action.id in ("filter", "save-filter", "pick-filter"):
            return None if self.found is not None else NO_ROWS
        return super().reason_against(action)

    # Reading.

    async def slices(self, matcher: Matcher) -> AsyncGenerator[Slice, None]:
        """The trash, held against a filter."""
        operations, now = self.app_state.operations, self.app_state.now()
        if operations is None:
            return
        offset, place = 0, Place("dead")
        while True:
            page = await operations.trash_jobs(self._server, self._operation, offset, PAGE)
            offset += len(page)
            jobs = tuple(job for job in page if matcher.may_match(job.raw) and matcher.matches(job, now))
            ended = len(page) < PAGE
            yield Slice(place, jobs, offset, offset if ended else offset + PAGE, ended)
            if ended:
                return

    def show(self, snapshots: Mapping[str, ServerSnapshot]) -> None:
        """Begins when it comes to the front; afterwards only `ctrl+r` and filters read again."""
        if self.matcher is None and not self.app_state.frozen:
            self.start_scan(parse_filter(""))
        self.draw()

    def tick(self, now: float) -> None:
        """Ages in rows."""
        self.draw()

    def refresh_now(self) -> None:
        """Reads again."""
        if self.matcher is not None:
            self._error = None
            self.start_scan(self.matcher, again=True)

    def scan_failed(self, error: SidekiqError) -> None:
        """Says why there is no more."""
        self._error = error
        if self.is_front:
            self.draw()
            self.say_error(error)

    def action_filter(self) -> None:
        """Asks what to look for."""
        hint = (Span("words  class:  error:  jid:", "muted"),)
        self.ask("/", self._typed, lambda text: None if text is None else self.apply_filter(text), hint)

    def apply_filter(self, text: str) -> None:
        """Looks for that."""
        try:
            wanted = parse_filter(text.strip())
        except FilterError as error:
            self.say(display_text(f"{error.message}  {error.hint}".strip()), "bad")
            return
        self._typed = text.strip()
        self.start_scan(wanted)

    @property
    def filter_text(self) -> str:
        """The filter in force."""
        return self._typed

    def clear(self) -> bool:
        """`esc` takes marks away, then the filter."""
        if super().clear():
            return True
        cleared = bool(self._typed)
        if cleared:
            self.apply_filter("")
        return cleared

    # Words.

    def title_left(self, narrow: bool) -> Sequence[Span]:
        """What was done, and how much of it lies here."""
        spans = trail_to(self, narrow=narrow)
        if self._typed:
            spans += [Span("  filter ", "muted"), Span(display_text(self._typed), "accent")]
        if self.found is not None:
            more = "" if self.found.complete else " so far"
            spans.append(Span(f"  {units.count(self.found.matches)}{more}", "strong"))
        return spans

    def notice(self) -> Sequence[Cell]:
        """Why there is nothing."""
        if self._error is not None:
            return [(Span(f"It can't be read: {display_text(self._error.message)}", "bad"),)]
        if self.scanning or self.found is None:
            return ()
        if self._typed:
            return [(Span("Nothing matches ", "strong"), Span(display_text(self._typed), "accent"))]
        return [(Span("Nothing of it is in the trash any more: it was put back, or a week has passed.", "strong"),)]
