"""A few ways to go on, one of which is taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.presentation.glyphs import glyph_set, to_ascii
from sidekiq_tui.tui.actions import bindings
from sidekiq_tui.tui.modals.titled import put_title
from sidekiq_tui.tui.widgets.line import Line
from sidekiq_tui.tui.widgets.span_lines import SpanLines

Way = tuple[str, str]
"""What it is called, and what it means; safe text."""
_ROWS_AROUND = 4


class ChoiceModal(ModalScreen[int | None]):
    """Gives the index of the way taken; None: none. The first is the safe one."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("choice")]

    def __init__(self, title: str, ways: Sequence[Way], *, cancel: str = "cancel", ascii: bool = False) -> None:
        super().__init__()
        self._title = title
        self._ways = tuple(ways)
        self._cancel = cancel
        self._ascii = ascii
        self._cursor = 0

    def compose(self) -> ComposeResult:
        """The ways, and what the keys do."""
        with Vertical(id="dialog") as dialog:
            dialog.styles.height = len(self._ways) + _ROWS_AROUND
            put_title(dialog, self._title, ascii=self._ascii)
            yield SpanLines(ascii=self._ascii, id="choice-lines")
            yield Line(id="dialog-foot", ground="panel")

    def on_mount(self) -> None:
        """Draws all ways."""
        keys = (("enter", "takes it"), ("j k", "choose"), ("esc", self._cancel))
        self.query_one(Line).put(
            [part for key, verb in keys for part in (Span(key, "key"), Span(f" {verb}  ", "muted"))]
        )
        self.query_one(SpanLines).can_focus = False
        self._draw()

    def _draw(self) -> None:
        glyphs = glyph_set(self._ascii)
        widest = max(len(name) for name, _ in self._ways)
        lines = []
        for index, (name, meaning) in enumerate(self._ways):
            mark = Span(glyphs.cursor if index == self._cursor else " ", "accent")
            line = (mark, Span(f" {name.ljust(widest)}", "strong"), Span(f"  {meaning}", "muted"))
            lines.append(tuple(Span(to_ascii(text), role) for text, role in line) if self._ascii else line)
        self.query_one(SpanLines).put(lines, self._cursor)

    def action_move(self, rows: int) -> None:
        """To another way."""
        self._cursor = (self._cursor + rows) % len(self._ways)
        self._draw()

    def action_take(self) -> None:
        """This one."""
        self.dismiss(self._cursor)

    def action_cancel(self) -> None:
        """None of them."""
        self.dismiss(None)
