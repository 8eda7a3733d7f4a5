"""The last line: the keys that work here and now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual import events

from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.presentation.text import cell_width
from sidekiq_tui.tui.widgets.line import Line

_ALWAYS: Final = (Span("?", "key"), Span(" keys", "muted"))


def footer_spans(items: Sequence[tuple[str, str]], width: int) -> list[Span]:
    """Pairs of key and verb, two blanks apart, as many as fit; ``? keys`` at the right end."""
    always = sum(cell_width(span.text) for span in _ALWAYS)
    spans = [Span(" ")]
    used = 1
    for key, verb in items:
        needed = cell_width(key) + 1 + cell_width(verb) + (2 if used > 1 else 0)
        if used + needed + 2 + always + 1 > width:
            break
        if used > 1:
            spans.append(Span("  "))
        spans += [Span(key, "key"), Span(f" {verb}", "muted")]
        used += needed
    return [*spans, Span(" " * max(0, width - used - always - 1)), *_ALWAYS, Span(" ")]


class Footer(Line):
    """Keys and verbs on the panel."""

    GROUND: ClassVar[str] = "panel"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._items: tuple[tuple[str, str], ...] = ()

    def show(self, items: Sequence[tuple[str, str]]) -> None:
        """Shows pairs of key and verb."""
        self._items = tuple(items)
        self.put(footer_spans(self._items, self.size.width))

    def on_resize(self, event: events.Resize) -> None:
        """Lays the same keys out anew."""
        self.put(footer_spans(self._items, event.size.width))
