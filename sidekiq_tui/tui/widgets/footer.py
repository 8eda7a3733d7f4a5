"""The last line: the keys that work here and now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual import events
from textual.keys import _character_to_key

from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.presentation.text import cell_width
from sidekiq_tui.tui.widgets.line import Line

HELP_KEY: Final = "?"


def footer_spans(items: Sequence[tuple[str, str]], width: int, help_key: str = HELP_KEY) -> list[Span]:
    """Pairs of key and verb, two blanks apart, as many as fit; ``? keys`` at the right end."""
    last = (Span(help_key, "key"), Span(" keys", "muted"))
    always = sum(cell_width(span.text) for span in last)
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
    return [*spans, Span(" " * max(0, width - used - always - 1)), *last, Span(" ")]


class Footer(Line):
    """Keys and verbs on the panel."""

    GROUND: ClassVar[str] = "panel"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._items: tuple[tuple[str, str], ...] = ()
        self._help_key = HELP_KEY
        self._words_over: tuple[Span, ...] = ()

    def show(self, items: Sequence[tuple[str, str]], help_key: str = HELP_KEY) -> None:
        """Shows pairs of key and verb, and the key that shows all keys."""
        self._items, self._help_key = tuple(items), help_key
        self._lay_out(self.size.width)

    def cover(self, spans: Sequence[Span] = ()) -> None:
        """Shows something else for a while; without spans the keys again."""
        self._words_over = tuple(spans)
        self._lay_out(self.size.width)

    def on_resize(self, event: events.Resize) -> None:
        """Lays the same keys out anew."""
        self._lay_out(event.size.width)

    def on_click(self, event: events.Click) -> None:
        """As if the key that was clicked, or whose verb was, had been pressed."""
        index = self.span_at(event.x)
        while index is not None and index > 0 and self.spans[index].role == "muted":
            index -= 1
        if index is not None and self.spans[index].role == "key":
            key = _pressed(self.spans[index].text)
            character = key if len(key) == 1 else None
            self.app.post_message(events.Key(_character_to_key(key) if character else key, character))

    def _lay_out(self, width: int) -> None:
        over = self._words_over
        self.put([Span(" "), *over] if over else footer_spans(self._items, width, self._help_key))


def _pressed(shown: str) -> str:
    """The key to press for a key as the footer writes it: where two stand there, the first one."""
    if shown == "esc":
        return "escape"
    single = len(shown) > 1 and not shown.isalnum() and "+" not in shown
    return shown[0] if single else shown
