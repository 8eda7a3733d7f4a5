"""A question about one row, in the message line: `delete Invoice::ChargeJob e5d1f0a9…?` and then y or n."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from sidekiq_tui.presentation.columns.base import Span, fit_cell
from sidekiq_tui.presentation.glyphs import glyph_set, to_ascii
from sidekiq_tui.tui.actions import bindings
from sidekiq_tui.tui.widgets.line import Line


class RowQuestion(ModalScreen[bool]):
    """Lies over the last two lines; only y says yes."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("row-question")]

    def __init__(self, words: str, deed: str, notes: Sequence[Span] = (), *, bad: bool = False, ascii: bool = False):
        """`words`: the question, safe; `deed`: what y does; `notes`: what follows the question where there is room."""
        super().__init__()
        self._words = words
        self._deed = deed
        self._notes = tuple(notes)
        self._bad = bad
        self._ascii = ascii

    def compose(self) -> ComposeResult:
        """The question, and the keys that answer it."""
        with Vertical(id="row-question"):
            yield Line(id="row-words")
            yield Line(id="row-keys", ground="panel")

    def on_mount(self) -> None:
        """Draws both."""
        self._draw()

    def on_resize(self) -> None:
        """Cuts the same words anew."""
        self._draw()

    def _draw(self) -> None:
        room = max(0, self.app.size.width - 2)
        spans = (Span(self._words, "bad strong" if self._bad else "strong"), Span(" "), Span("y/n", "key"))
        line = fit_cell((*spans, *self._notes), room, ellipsis=glyph_set(self._ascii).cut)
        keys = (Span(" y", "key"), Span(f" {self._deed}"), Span("  n", "key"), Span(" no", "muted"))
        self.query_one("#row-words", Line).put(self._plain((Span(" "), *line)))
        self.query_one("#row-keys", Line).put(self._plain(keys))

    def _plain(self, spans: Sequence[Span]) -> tuple[Span, ...]:
        return tuple(Span(to_ascii(text), role) for text, role in spans) if self._ascii else tuple(spans)

    def action_yes(self) -> None:
        """Do it."""
        self.dismiss(True)

    def action_no(self) -> None:
        """Nothing happens."""
        self.dismiss(False)
