"""To which queue: one that exists, a new one, or the front of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual.fuzzy import FuzzySearch

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.presentation.glyphs import GlyphSet
from sidekiq_tui.presentation.text import fit
from sidekiq_tui.tui.modals.picker import Picker
from sidekiq_tui.tui.widgets.span_lines import SpanLine

OWN_FRONT: Final = "\x00front"
"""The answer that stands for the front of their own queue."""
_NAME_CELLS: Final = 36


@dataclass(frozen=True, slots=True)
class Destination:
    """A queue with how many jobs wait there and who serves it; or the words of another answer."""

    name: str
    size: int | None = None
    served: int | None = None
    words: str = ""


class QueuePicker(Picker[Destination]):
    """Gives back a queue's name, or `OWN_FRONT`."""

    TITLE_TEXT: ClassVar[str] = "To which queue"
    PLACEHOLDER: ClassVar[str] = "name of a queue, also a new one"
    VERB: ClassVar[str] = "goes on"
    NONE: ClassVar[str] = "a queue needs a name"

    def __init__(self, title: str, entries: Sequence[Destination], *, ascii: bool = False) -> None:
        super().__init__(entries, ascii=ascii)
        self.TITLE_TEXT = title  # type: ignore[misc]  # of this dialog

    def matching(self, query: str) -> Sequence[Destination]:
        """What fits, and last the name as typed, where no queue is called that."""
        typed = query.strip()
        if not typed:
            return self._entries
        search = FuzzySearch()
        queues = [entry for entry in self._entries if not entry.words]
        scored = [(search.match(typed, entry.name)[0], entry) for entry in queues]
        found = [entry for score, entry in sorted(scored, key=lambda pair: -pair[0]) if score > 0]
        same = [entry for entry in found if entry.name == typed]
        found = [*same, *(entry for entry in found if entry.name != typed)]
        return found if same else [*found, Destination(typed, words="a new queue")]

    def answer(self, entry: Destination) -> str:
        """Its name."""
        return entry.name

    def spans(self, entry: Destination, glyphs: GlyphSet) -> SpanLine:
        """Name, size, who serves it."""
        if entry.name == OWN_FRONT:
            return (Span(f" {fit('the front', _NAME_CELLS)}", "strong"), Span(f"  {entry.words}", "muted"))
        lead = Span(f" {fit(entry.name, _NAME_CELLS, ellipsis=glyphs.cut)}", "strong")
        if entry.words:
            return (lead, Span(f"  {entry.words}", "warn"))
        waiting = Span(f"  {units.count(entry.size or 0):>5} jobs", "muted")
        if entry.served is None:
            return (lead, waiting)
        by = "nobody serves it" if not entry.served else f"served by {entry.served:,}"
        return (lead, waiting, Span(f"  {by}", "muted" if entry.served else "warn"))
