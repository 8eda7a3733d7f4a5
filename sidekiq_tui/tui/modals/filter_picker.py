"""Find a saved filter by a few letters of its name or of what it looks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual.fuzzy import FuzzySearch

from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.presentation.glyphs import GlyphSet
from sidekiq_tui.presentation.text import display_text, fit
from sidekiq_tui.tui.modals.picker import Picker
from sidekiq_tui.tui.widgets.span_lines import SpanLine

_NAME_CELLS: Final = 20

SavedFilter = tuple[str, str]
"""Its name, and the filter as typed."""


class FilterPicker(Picker[SavedFilter]):
    """Gives back the name."""

    TITLE_TEXT: ClassVar[str] = "Saved filters"
    PLACEHOLDER: ClassVar[str] = "name or words"
    VERB: ClassVar[str] = "filters"
    NONE: ClassVar[str] = "no saved filter is like that"

    def matching(self, query: str) -> Sequence[SavedFilter]:
        """A name that fits counts more than words that do."""
        if not query.strip():
            return self._entries
        search = FuzzySearch()

        def score(entry: SavedFilter) -> float:
            return max(search.match(query, entry[0])[0] * 2, search.match(query, entry[1])[0])

        scored = [(score(entry), entry) for entry in self._entries]
        return [entry for value, entry in sorted(scored, key=lambda pair: -pair[0]) if value > 0]

    def answer(self, entry: SavedFilter) -> str:
        """The filter's name."""
        return entry[0]

    def spans(self, entry: SavedFilter, glyphs: GlyphSet) -> SpanLine:
        """Name and words."""
        name, text = entry
        return (
            Span(f" {fit(name, _NAME_CELLS, ellipsis=glyphs.cut)}", "strong"),
            Span(f"  {display_text(text)}", "accent"),
        )
