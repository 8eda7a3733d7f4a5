"""How one deed came out on several servers, a line each; stays until it was read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from sidekiq_tui.presentation.columns.base import Cell, Span
from sidekiq_tui.presentation.glyphs import to_ascii
from sidekiq_tui.presentation.text import cell_width, wrap_words
from sidekiq_tui.tui.actions import bindings
from sidekiq_tui.tui.modals.titled import put_title
from sidekiq_tui.tui.widgets.line import Line
from sidekiq_tui.tui.widgets.span_lines import SpanLines

WIDEST: Final = 100
_EDGE_CELLS: Final = 4
_EDGE_ROWS: Final = 2
_GAP: Final = 2


class OutcomesModal(ModalScreen[None]):
    """Asks nothing: any of its keys closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("outcomes")]

    def __init__(self, title: str, lines: Sequence[tuple[Span, Cell]], *, ascii: bool = False) -> None:
        """`lines`: each server and how it came out there; safe text."""
        super().__init__()
        self._title = title
        self._told = tuple(lines)
        self._ascii = ascii

    def compose(self) -> ComposeResult:
        """The lines, and how to close them."""
        with Vertical(id="dialog") as dialog:
            put_title(dialog, self._title, ascii=self._ascii)
            yield SpanLines(ascii=self._ascii, id="confirm-facts")
            yield Line(id="dialog-foot", ground="panel")

    def on_mount(self) -> None:
        """Nothing has the focus."""
        self.query_one(SpanLines).can_focus = False
        self.query_one("#dialog-foot", Line).put((Span("esc", "key"), Span(" close", "muted")))
        self._lay_out(self.app.size.width, self.app.size.height)

    def on_resize(self, event: events.Resize) -> None:
        """Wraps the lines anew."""
        self._lay_out(event.size.width, event.size.height)

    def _lay_out(self, width: int, height: int) -> None:
        outer = max(20, min(WIDEST, width - 6))
        lines = [line for one in self._told for line in _lines(*one, outer - _EDGE_CELLS)]
        if self._ascii:
            lines = [[Span(to_ascii(text), role) for text, role in line] for line in lines]
        around = _EDGE_ROWS + 2
        most = max(1, height - 2 - around)
        dialog = self.query_one("#dialog")
        dialog.styles.width = outer
        dialog.styles.height = min(len(lines), most) + around
        hidden = len(lines) - most
        dialog.border_subtitle = f"{hidden} more · down" if hidden > 0 and not self._ascii else ""
        self.query_one(SpanLines).put([tuple(line) for line in lines])

    def action_close(self) -> None:
        """It was read."""
        self.dismiss(None)

    def action_scroll(self, rows: int) -> None:
        """More of it, where it does not fit."""
        self.query_one(SpanLines).scroll_relative(y=rows, animate=False)


def _lines(server: Span, words: Cell, cells: int) -> list[list[Span]]:
    """The name, and beside it the words in as many lines as they take."""
    beside = cell_width(server.text) + _GAP
    empty = Span(" " * beside)
    lead = (server, Span(" " * _GAP))
    told = wrap_words("".join(span.text for span in words), max(10, cells - beside))
    role = words[0].role if words else "text"
    return [[*(lead if not row else (empty,)), Span(line, role)] for row, line in enumerate(told)]
