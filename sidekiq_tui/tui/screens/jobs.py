"""The jobs of a queue or of a set: the whole list, or what a filter finds in it, and what its title says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Span
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.sidekiq.errors import FilterError
from sidekiq_tui.sidekiq.filter import Filter, parse_filter
from sidekiq_tui.sidekiq.job import JobRecord
from sidekiq_tui.tui.actions import Action, bindings
from sidekiq_tui.tui.actions.lists import FILTER
from sidekiq_tui.tui.actions.operations import PASTE, WHOLE_CHANGES
from sidekiq_tui.tui.screens.job_pages import PagedScreen
from sidekiq_tui.tui.screens.job_reader import job_key
from sidekiq_tui.tui.screens.job_words import empty_notice, order_words, place_name, price_words, title_spans
from sidekiq_tui.tui.screens.listing import context_of
from sidekiq_tui.tui.state import AppState
from sidekiq_tui.tui.widgets.rows import PAGE_SIZE, Rows, StaticRows

DEAR_ENTRIES: Final = 1_000_000
"""A filter over more entries says what it costs before it reads."""
HINT: Final = (Span("words  class:  error:  jid:  age>2h", "muted"),)


class JobsScreen(PagedScreen):
    """Subclasses say which list of which server it is."""

    scopes: ClassVar[tuple[str, ...]] = (*PagedScreen.scopes, FILTER, WHOLE_CHANGES, PASTE)
    BINDINGS = bindings(FILTER, WHOLE_CHANGES, PASTE)

    def __init__(self, app_state: AppState) -> None:
        super().__init__(app_state)
        self._typed = ""
        self._price = ""
        self._preview: tuple[str, Rows[JobRecord]] | None = None

    @property
    def list_name(self) -> str:
        """The list as its title calls it."""
        return place_name(self.place) if self.found is None else f"{self.found.matches:,} found"

    def on_screen_suspend(self) -> None:
        """Nothing is read for a list that is not seen."""
        self._preview = None

    def reason_against(self, action: Action) -> str | None:
        """An empty list has nothing to filter."""
        if action.id == "filter" and self.matcher is None and self._read_at is not None and not self._pages.size:
            return "the list is empty"
        return super().reason_against(action)

    def given(self) -> Rows[JobRecord]:
        """While one types what fits of what is loaded, else the list or what was found in it."""
        return super().given() if self._preview is None else self._preview[1]

    def _restart(self) -> None:
        """Another list has another filter."""
        super()._restart()
        self._typed = ""

    # The filter.

    def action_filter(self) -> None:
        """Asks what to look for; what is loaded is filtered while one types."""
        self.ask("/", self._typed, self._filter_typed, HINT, self._filter_changed)

    def apply_filter(self, text: str) -> None:
        """Filters as if `text` had been typed."""
        if self._source is None or self._source[:2] != self.source[:2]:
            self._restart()
        self._filter_typed(text)

    @property
    def filter_text(self) -> str:
        """The filter in force, as typed."""
        return "" if self.matcher is None else self._typed

    def _filter_changed(self, text: str) -> None:
        wanted = self._parsed(text, say=False)
        self._preview = None
        if wanted is not None and not wanted.empty:
            now = self.app_state.now()
            jobs = self.matches if self.matcher is not None else self._pages.loaded
            fitting = [job for job in jobs if wanted.may_match(job.raw) and wanted.matches(job, now)]
            self._preview = (
                f"{units.count(len(fitting))} of {units.count(len(jobs))} loaded",
                StaticRows[JobRecord](fitting, job_key),
            )
        self.draw()

    def _filter_typed(self, text: str | None) -> None:
        self._preview = None
        wanted = None if text is None else self._parsed(text, say=True)
        if text is not None and wanted is not None:
            self._typed = text.strip()
            if wanted.empty:
                self._unfilter()
            elif self._pages.size > DEAR_ENTRIES:
                self._ask_about_price(wanted)
            else:
                self.start_scan(wanted)
        self.draw()

    def _parsed(self, text: str, *, say: bool) -> Filter | None:
        try:
            return parse_filter(text.strip())
        except FilterError as error:
            if say:
                self._typed = text.strip()
                self.say(display_text(f"{error.message}  {error.hint}".strip()), "bad")
            return None

    def _ask_about_price(self, wanted: Filter) -> None:
        """Reading all of a large list is announced before."""

        def answered(answer: str | None) -> None:
            self._price = ""
            if answer is None:
                self.draw()
            elif answer.strip() == self._typed:
                self.start_scan(wanted)
            else:
                self._filter_typed(answer)

        self._price = price_words(self._pages.size, self.pace)
        keys = (Span("enter", "key"), Span(" reads  ", "muted"), Span("esc", "key"), Span(" stays", "muted"))
        self.ask("/", self._typed, answered, keys)

    def clear(self) -> bool:
        """`esc` ends marks first, then the filter, and goes back to the whole list."""
        if super().clear():
            return True
        if self.matcher is None:
            return False
        self._unfilter()
        return True

    def _unfilter(self) -> None:
        if self.matcher is None:
            return
        self.end_scan()
        self._renew()
        self.redraw()

    # Words.

    def notice(self) -> Sequence[Cell]:
        """Why there are no rows."""
        snapshot = self.app_state.snapshots[self.server]
        context, frozen = context_of(self.app_state), self.app_state.frozen
        return empty_notice(self.place, snapshot, self._error, self.found, context, self._read_at, frozen)

    def title_left(self, narrow: bool) -> Sequence[Span]:
        """Name, size, filter, order, and how current it is."""
        state = self.app_state
        size = self.known_size
        if self._price:
            return [Span(f"{place_name(self.place)} {self._price}", "warn strong")]
        if self._preview is not None:
            return [
                Span(f"{place_name(self.place)} {units.count(size)}", "title"),
                Span(f"  {self._preview[0]}", "muted"),
            ]
        order = order_words(self.place, self.order, self.columns, self._pages.size if self.found is None else None)
        spans = title_spans(self.place, size, self.found_told, server=self.named, narrow=narrow, order=order)
        if self._slow:
            spans.append(Span(f"  reading {self._reading_words()} …", "muted"))
        elif self.stale and self._read_at is not None:
            spans.append(Span(f"  as of {units.age(state.now() - self._read_at)} ago", "warn"))
        return spans

    @property
    def known_size(self) -> int | None:
        """How many there are in all, by the last read: of the list's pages, or for a filter."""
        found = self.found_told
        if found is not None and (found.complete or (found.total and len(self.servers) == 1)):
            return found.total
        return self._pages.size if self._read_at is not None and self._error is None else None

    @property
    def named(self) -> str:
        """The server, if the strip does not say which it is."""
        return self.server if self.app_state.scope is None else ""

    def _reading_words(self) -> str:
        first, last = self.table.window
        if last < first:
            return f"1–{PAGE_SIZE}"
        return f"{first + 1:,}–{last + 1:,} of {units.count(self._pages.size)}"
