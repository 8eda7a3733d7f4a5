"""Search: jobs anywhere on a server, or on all at once: running, in sets or in queues."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import ClassVar, Final

from sidekiq_tui.presentation.columns.base import Cell, Span
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.sidekiq.errors import FilterError
from sidekiq_tui.sidekiq.filter import Filter, parse_filter
from sidekiq_tui.sidekiq.search import Matcher, Slice
from sidekiq_tui.tui.actions import bindings
from sidekiq_tui.tui.actions.lists import FILTER
from sidekiq_tui.tui.screens.across_list import AcrossList, absent_spans
from sidekiq_tui.tui.screens.found import ResultsScreen
from sidekiq_tui.tui.screens.job_words import price_words
from sidekiq_tui.tui.screens.listing import context_of
from sidekiq_tui.tui.screens.search_words import (
    entries_of,
    how_to_search,
    result_spans,
    scope_spans,
    servers_progress_spans,
    where_words,
)
from sidekiq_tui.tui.state import AppState

DEAR_ENTRIES: Final = 1_000_000
"""A search of more says what it costs before it reads."""
KEPT: Final = 20
_HINT: Final = (Span("words  class:  error:  a JID  age>2h", "muted"),)


class SearchScreen(AcrossList, ResultsScreen):
    """Asks what to look for and searches the servers in view; others are searched only on request."""

    view: ClassVar[str] = "search"
    scopes: ClassVar[tuple[str, ...]] = (*ResultsScreen.scopes, FILTER)
    BINDINGS = bindings(FILTER)

    def __init__(self, app_state: AppState) -> None:
        super().__init__(app_state)
        self.recent: list[str] = []
        """What was looked for, the latest first."""
        self._typed = ""
        self._searched = self.servers
        self._price = ""
        """What a search would take that waits for an answer."""

    @property
    def filter_text(self) -> str:
        """What is looked for, or was last."""
        return self._typed

    # Asking.

    def action_filter(self) -> None:
        """Asks what to look for."""
        self.ask("/", self._typed, self._answered, _HINT, assistant=_Recall(self.recent))

    def apply_filter(self, text: str) -> None:
        """Searches as if `text` had been typed; none ends the search."""
        self._answered(text)

    def _answered(self, text: str | None) -> None:
        if text is None:
            return
        self._typed = text.strip()
        try:
            wanted = parse_filter(self._typed)
        except FilterError as error:
            self.say(display_text(f"{error.message}  {error.hint}".strip()), "bad")
            return
        if wanted.empty:
            self._forget()
        elif not any(map(wanted.matches_server, self.servers)):
            self.say(f"{display_text(wanted.text)} leaves out {self._where}", "warn")
        else:
            self._begin(wanted)

    def _begin(self, wanted: Filter) -> None:
        self.recent[:] = [wanted.text, *(text for text in self.recent if text != wanted.text)][:KEPT]
        entries = self._entries
        if entries is None or entries <= DEAR_ENTRIES:
            same = self.matcher is not None and self.matcher.text == wanted.text and self._searched == self.servers
            self.start_scan(wanted, again=same)
            return

        def answered(answer: str | None) -> None:
            self._price = ""
            if answer is None:
                self.redraw()
            else:
                self.start_scan(wanted)

        self._forget()
        self._price = price_words(entries, self.pace)
        self.redraw()
        enter, stays = Span("enter", "key"), Span("esc", "key")
        self.ask("?", "", answered, (enter, Span(" reads, ", "muted"), stays, Span(" stays", "muted")))

    def start_scan(self, matcher: Matcher, *, again: bool = False) -> None:
        """Searches the servers in view."""
        self._searched = self.servers
        super().start_scan(matcher, again=again)

    def slices(self, matcher: Matcher) -> AsyncGenerator[Slice, None]:
        """All places of one server, cheap ones first, or of all servers at once."""
        return self.slices_across(matcher) if self.across else super().slices(matcher)

    @property
    def _entries(self) -> int | None:
        """How many jobs there are to read; None if nobody says."""
        snapshots = self.app_state.snapshots
        known = [size for name in self.servers if (size := entries_of(snapshots[name])) is not None]
        return sum(known) if known else None

    @property
    def _where(self) -> str:
        return where_words(self.servers)

    def refresh_now(self) -> None:
        """Searches again, on the servers in view."""
        if self._typed:
            self._answered(self._typed)

    def change_ended(self, server: str) -> None:
        """Searches again what was searched, where that takes no question first."""
        if self.matcher is not None and (self._entries or 0) <= DEAR_ENTRIES:
            super().change_ended(server)

    def clear(self) -> bool:
        """`esc` ends marks first, then the search."""
        if super().clear():
            return True
        if self.matcher is None and not self._typed:
            return False
        self._typed = ""
        self._forget()
        return True

    def _forget(self) -> None:
        self.end_scan()
        self.table.restart()
        self.redraw()

    # Drawing.

    def draw(self, shift: int = 0) -> None:
        """Of other servers nothing is shown until they are searched."""
        if self.matcher is not None and self._searched != self.servers:
            self.end_scan()
            self.marks.clear()
        super().draw(shift)

    def title_left(self, narrow: bool) -> Sequence[Span]:
        """What is looked for, and how much was found."""
        title = Span("Search", "title")
        if self.found is None:
            return [title, *scope_spans(self._where, self._entries, narrow=narrow)]
        words = Span(display_text(self.found.filter, 200), "accent")
        absent = absent_spans(self.absent, narrow=narrow) if self.across else []
        if narrow:
            return [title, *self.results(narrow), *absent, Span("  / ", "muted"), words]
        return [title, Span("  ", "muted"), words, *self.results(narrow), *absent]

    def draw_note(self) -> None:
        """Of several servers how far each is."""
        if self.scanning and self.across and self.searching is not None:
            self.note(servers_progress_spans(self.searching.progress, context_of(self.app_state)))
        else:
            super().draw_note()

    def results(self, narrow: bool) -> list[Span]:
        """How much was found in how much."""
        if (found := self.found_told) is None or not self.across:
            return super().results(narrow)
        return result_spans(found, self._entries, (), narrow=narrow)

    def notice(self) -> Sequence[Cell]:
        """How to ask, or why nothing was found."""
        if self.found is not None:
            return self.no_rows("clears the search")
        lines: list[Cell] = []
        if self._price:
            return [(), (Span(display_text(self._typed, 200), "accent"),), (Span(self._price, "warn"),)]
        if self._typed and self._searched != self.servers:
            words = Span(display_text(self._typed, 200), "accent")
            asked = (Span(" was looked for on ", "muted"), Span(where_words(self._searched)), Span(".  ", "muted"))
            again = (Span("ctrl+r", "key"), Span(f" searches {self._where}", "muted"))
            lines = [(), (words, *asked, *again)]
        return [*lines, *how_to_search(self.recent)]


class _Recall:
    """Brings back what was looked for before, with ↑ and ↓."""

    def __init__(self, recent: Sequence[str]) -> None:
        self._recent = recent
        self._place = -1

    def hint(self, text: str, cells: int) -> Sequence[Span]:
        """Always the same."""
        return _HINT

    def complete(self, text: str, step: int) -> str:
        """Nothing to complete."""
        return text

    def recall(self, text: str, step: int) -> str:
        """An earlier search, or a later one."""
        place = max(-1, min(self._place - step, len(self._recent) - 1))
        if not self._recent or place == self._place:
            return text
        self._place = place
        return self._recent[place] if place >= 0 else ""
