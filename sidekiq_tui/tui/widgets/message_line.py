"""The last line but one: pending keys, progress, outcome, that a server is away, or more about a row; one at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.tui.widgets.line import Line

Layer = Literal["chord", "progress", "outcome", "away", "row"]

LAYERS: Final[tuple[Layer, ...]] = ("chord", "progress", "outcome", "away", "row")


class MessageLine(Line):
    """Always there, often empty. Each layer keeps its words; the first that has any is shown."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._layers: dict[Layer, tuple[Span, ...]] = {}

    def set(self, layer: Layer, spans: Sequence[Span] = ()) -> None:
        """Puts words into a layer; none clears it."""
        self._layers[layer] = tuple(spans)
        shown = next((self._layers[name] for name in LAYERS if self._layers.get(name)), ())
        self.put((Span(" "), *shown) if shown else ())
