"""Choose the columns of a list."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.presentation.glyphs import glyph_set
from sidekiq_tui.presentation.text import fit
from sidekiq_tui.tui.actions import bindings
from sidekiq_tui.tui.modals.titled import put_title
from sidekiq_tui.tui.widgets.line import Line
from sidekiq_tui.tui.widgets.span_lines import SpanLine, SpanLines

_HEADING_CELLS: Final = 14
_ROWS_AROUND: Final = 4

Choice = tuple[str, str, str]
"""A column's key, its heading, and what it holds; safe to show."""


class ColumnChooser(ModalScreen[list[str]]):
    """Columns in their order, each shown or not; gives the keys of those shown, of which one stays."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("chooser")]

    def __init__(
        self,
        name: str,
        choices: Sequence[Choice],
        shown: Collection[str],
        usual: Collection[str],
        *,
        ascii: bool = False,
    ) -> None:
        """`name` is what the list is called, `usual` the columns it comes with."""
        super().__init__()
        self._list = name
        self._choices = tuple(choices)
        self._shown = set(shown)
        self._usual = frozenset(usual)
        self._cursor = 0
        self._ascii = ascii

    def compose(self) -> ComposeResult:
        """The columns, and what the keys do."""
        with Vertical(id="dialog") as dialog:
            dialog.styles.height = min(len(self._choices) + _ROWS_AROUND, max(8, self.app.size.height - 2))
            put_title(dialog, f"Columns of {self._list}", ascii=self._ascii)
            yield SpanLines(ascii=self._ascii, id="chooser-lines")
            yield Line(id="dialog-foot", ground="panel")

    def on_mount(self) -> None:
        """Draws all columns."""
        keys = (("space", "shows or hides"), ("r", "as they come"), ("enter", "done"))
        self.query_one(Line).put(
            [part for key, verb in keys for part in (Span(key, "key"), Span(f" {verb}  ", "muted"))]
        )
        self.query_one(SpanLines).focus()
        self._draw()

    def action_move(self, rows: int) -> None:
        """To another column."""
        self._cursor = max(0, min(len(self._choices) - 1, self._cursor + rows))
        self._draw()

    def action_flip(self) -> None:
        """Shows the column or hides it, and goes on to the next."""
        key = self._choices[self._cursor][0]
        if self._shown != {key}:
            self._shown ^= {key}
        self.action_move(1)

    def action_reset(self) -> None:
        """The columns that the list comes with."""
        self._shown = set(self._usual)
        self._draw()

    def action_done(self) -> None:
        """Back to the list with these columns."""
        self.dismiss([key for key, _, _ in self._choices if key in self._shown])

    def _draw(self) -> None:
        self.query_one(SpanLines).put([self._line(index) for index in range(len(self._choices))], self._cursor)

    def _line(self, index: int) -> SpanLine:
        glyphs = glyph_set(self._ascii)
        key, heading, words = self._choices[index]
        shown = key in self._shown
        return (
            Span(glyphs.cursor if index == self._cursor else " ", "accent"),
            Span(f" {glyphs.marked if shown else ' '} ", "accent"),
            Span(fit(heading, _HEADING_CELLS, ellipsis=glyphs.cut), "strong" if shown else "text"),
            Span(f"  {words}", "muted"),
        )
