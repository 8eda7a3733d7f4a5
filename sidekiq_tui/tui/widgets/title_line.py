"""The line above a list or a chart: what it is at the left, how much of it at the right."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events

from sidekiq_tui.presentation.columns.base import Cell, Span, fit_cell
from sidekiq_tui.presentation.glyphs import to_ascii
from sidekiq_tui.presentation.text import cell_width
from sidekiq_tui.tui.widgets.line import Line


def title_spans(left: Sequence[Span], right: Sequence[Span], width: int) -> Cell:
    """Both sides with a blank at each end; the right one stays whole, and goes only when the left one has no room."""
    tail = sum(cell_width(text) for text, _ in right)
    room = width - 2 - (tail + 2 if tail else 0)
    if tail and room < min(12, sum(cell_width(text) for text, _ in left)):
        right, tail, room = (), 0, width - 2
    head = fit_cell(tuple(left), max(0, room))
    return (Span(" "), *head, Span("  " if tail else ""), *right, Span(" "))


def fitting(parts: Sequence[Sequence[Span]], right: Sequence[Span], width: int) -> list[Span]:
    """The parts of a title's left side that stand whole beside its right one: the last go first, the first never."""
    tail = sum(cell_width(text) for text, _ in right)
    room = width - 2 - (tail + 2 if tail else 0)
    shown: list[Span] = []
    for index, part in enumerate(parts):
        room -= sum(cell_width(text) for text, _ in part)
        if index and room < 0:
            break
        shown += part
    return shown


class TitleLine(Line):
    """One line with two sides."""

    def __init__(self, *, ascii: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._ascii = ascii
        self._left: tuple[Span, ...] = ()
        self._right: tuple[Span, ...] = ()

    def show(self, left: Sequence[Span], right: Sequence[Span] = ()) -> None:
        """Shows both sides; their text must be safe."""
        self._left, self._right = tuple(left), tuple(right)
        self._lay_out(self.size.width)

    def on_resize(self, event: events.Resize) -> None:
        """Lays the same words out anew."""
        self._lay_out(event.size.width)

    def _lay_out(self, width: int) -> None:
        spans = title_spans(self._left, self._right, width)
        self.put([Span(to_ascii(text), role) for text, role in spans] if self._ascii else spans)
