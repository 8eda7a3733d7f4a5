"""A filter of plain words over rows that are all in memory."""

from __future__ import annotations

from typing import ClassVar

from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.tui.screens.base import ViewScreen


class WordFilter(ViewScreen):
    """Keeps the rows that have all words of `filter_text`; asks no server. Subclasses draw by it."""

    filter_hint: ClassVar[str]
    """Which words rows have, for who is asked for some."""

    _filter = ""

    @property
    def filter_text(self) -> str:
        """Words that rows must have."""
        return self._filter

    def wanted(self, text: str) -> bool:
        """Whether a row with this text is kept; case makes no difference."""
        text = text.casefold()
        return all(word in text for word in self._filter.casefold().split())

    def apply_filter(self, text: str) -> None:
        """Keeps the rows that have all words."""
        self._filter = text.strip()
        self.redraw()

    def clear(self) -> bool:
        """`esc` clears the filter."""
        cleared = bool(self._filter)
        if cleared:
            self.apply_filter("")
        return cleared

    def action_filter(self) -> None:
        """Asks for words, and shows what has them so far."""
        before = self._filter

        def done(text: str | None) -> None:
            self.apply_filter(before if text is None else text)

        self.ask("/", before, done, (Span(self.filter_hint, "muted"),), self.apply_filter)
