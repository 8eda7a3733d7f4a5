"""A question about one row, in the message line: `delete Invoice::ChargeJob e5d1f0a9…?` and then y or n."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from sidekiq_tui.presentation.columns.base import Cell, Span, fit_cell, wrap_cell
from sidekiq_tui.presentation.glyphs import glyph_set, to_ascii
from sidekiq_tui.tui.actions import bindings
from sidekiq_tui.tui.widgets.line import Line
from sidekiq_tui.tui.widgets.text_block import TextBlock


class RowQuestion(ModalScreen[bool]):
    """Lies over the last lines, as many as the words take; only y says yes."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("row-question")]

    def __init__(self, words: str, deed: str, notes: Sequence[Span] = (), *, bad: bool = False, ascii: bool = False):
        """`words`: the question, safe; `deed`: what y does; `notes`: what follows the question."""
        super().__init__()
        self._words = words
        self._deed = deed
        self._notes = tuple(notes)
        self._bad = bad
        self._ascii = ascii

    def compose(self) -> ComposeResult:
        """The question, and the keys that answer it."""
        with Vertical(id="row-question"):
            yield TextBlock(ascii=self._ascii, id="row-words")
            yield Line(id="row-keys", ground="panel")

    def on_mount(self) -> None:
        """Draws both."""
        self._draw()

    def on_resize(self) -> None:
        """Wraps the same words anew."""
        self._draw()

    def _draw(self) -> None:
        lines = self._lines(max(1, self.app.size.width - 2))
        keys = (Span(" y", "key"), Span(f" {self._deed}"), Span("  n", "key"), Span(" no", "muted"))
        self.query_one("#row-question").styles.height = len(lines) + 1
        words = self.query_one("#row-words", TextBlock)
        words.styles.height = len(lines)
        words.put([(Span(" "), *line) for line in lines])
        self.query_one("#row-keys", Line).put(self._plain(keys))

    def _lines(self, width: int) -> list[Cell]:
        spans = (Span(self._words, "bad strong" if self._bad else "strong"), Span(" "), Span("y/n", "key"))
        cut = glyph_set(self._ascii).cut
        return [fit_cell(line, width, ellipsis=cut) for line in wrap_cell((*spans, *self._notes), width)]

    def _plain(self, spans: Sequence[Span]) -> tuple[Span, ...]:
        return tuple(Span(to_ascii(text), role) for text, role in spans) if self._ascii else tuple(spans)

    def action_yes(self) -> None:
        """Do it."""
        self.dismiss(True)

    def action_no(self) -> None:
        """Nothing happens."""
        self.dismiss(False)
