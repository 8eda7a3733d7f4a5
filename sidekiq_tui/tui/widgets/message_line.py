"""The last line but one: pending keys, progress, an outcome, a server that is away, more about a row; one at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from textual import events

from sidekiq_tui.presentation.columns.base import Span, fit_cell
from sidekiq_tui.presentation.glyphs import glyph_set, to_ascii
from sidekiq_tui.presentation.text import cell_width
from sidekiq_tui.tui.widgets.line import Line

Layer = Literal["chord", "progress", "outcome", "away", "row"]

_BESIDE: Final = frozenset({"away", "row"})
"""Layers that leave room at the right end."""
_APART: Final = 2
LAYERS: Final[tuple[Layer, ...]] = ("chord", "progress", "outcome", "away", "row")


class MessageLine(Line):
    """Always there, often empty. Each layer keeps its words; the first that has any is shown."""

    def __init__(self, *, ascii: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._ascii = ascii
        self._layers: dict[Layer, tuple[Span, ...]] = {}
        self._aside: tuple[Span, ...] = ()

    def set(self, layer: Layer, spans: Sequence[Span] = ()) -> None:
        """Puts words into a layer; none clears it."""
        self._layers[layer] = tuple(spans)
        self._lay_out(self.size.width)

    def put_aside(self, spans: Sequence[Span] = ()) -> None:
        """What stays at the right end, beside what a row has to say; whatever is more urgent covers it."""
        if self._aside != tuple(spans):
            self._aside = tuple(spans)
            self._lay_out(self.size.width)

    def on_resize(self, event: events.Resize) -> None:
        """Cuts the same words anew."""
        self._lay_out(event.size.width)

    def _lay_out(self, width: int) -> None:
        layer: Layer = next((name for name in LAYERS if self._layers.get(name)), "row")
        shown, aside = self._layers.get(layer, ()), self._aside if layer in _BESIDE else ()
        if self._ascii:
            shown, aside = (tuple(Span(to_ascii(text), role) for text, role in spans) for spans in (shown, aside))
        tail = sum(cell_width(text) for text, _ in aside)
        if tail > width - 2:
            tail, aside = 0, ()
        room = max(0, width - 2 - (tail + _APART if tail else 0))
        cut = glyph_set(self._ascii).cut
        between = (Span(" " * _APART),) if tail else ()
        self.put((Span(" "), *fit_cell(shown, room, ellipsis=cut), *between, *aside) if shown or aside else ())
