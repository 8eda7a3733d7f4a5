"""The last line but one: pending keys, progress, an outcome, a server that is away, more about a row; one at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from textual import events

from sidekiq_tui.presentation.columns.base import Span, fit_cell
from sidekiq_tui.presentation.glyphs import glyph_set, to_ascii
from sidekiq_tui.tui.widgets.line import Line

Layer = Literal["chord", "progress", "outcome", "away", "row"]

LAYERS: Final[tuple[Layer, ...]] = ("chord", "progress", "outcome", "away", "row")


class MessageLine(Line):
    """Always there, often empty. Each layer keeps its words; the first that has any is shown."""

    def __init__(self, *, ascii: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._ascii = ascii
        self._layers: dict[Layer, tuple[Span, ...]] = {}

    def set(self, layer: Layer, spans: Sequence[Span] = ()) -> None:
        """Puts words into a layer; none clears it."""
        self._layers[layer] = tuple(spans)
        self._lay_out(self.size.width)

    def on_resize(self, event: events.Resize) -> None:
        """Cuts the same words anew."""
        self._lay_out(event.size.width)

    def _lay_out(self, width: int) -> None:
        shown = next((self._layers[name] for name in LAYERS if self._layers.get(name)), ())
        room = max(0, width - 2)
        if self._ascii:
            shown = tuple(Span(to_ascii(text), role) for text, role in shown)
        self.put((Span(" "), *fit_cell(shown, room, ellipsis=glyph_set(self._ascii).cut)) if shown else ())
