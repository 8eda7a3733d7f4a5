"""Lines to read and scroll, of which some unfold: one cursor line, drawn line by line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from rich.segment import Segment
from textual import events
from textual.binding import BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from sidekiq_tui.presentation.columns.base import fit_cell
from sidekiq_tui.presentation.glyphs import glyph_set, to_ascii
from sidekiq_tui.presentation.json_view import DocLine
from sidekiq_tui.tui.actions import bindings
from sidekiq_tui.tui.actions.lists import LIST
from sidekiq_tui.tui.widgets.line import Inked

GUTTER: Final = 1
"""Cells at the left for the cursor's bar; one more stays blank at the right."""
WHEEL_LINES: Final = 3
_BLANK: Final = DocLine()


class Document(Inked, can_focus=True):
    """Shows lines, whose text must be safe for a terminal. What is drawn again is what differs."""

    DEFAULT_CSS = """
    Document { height: 1fr; width: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(LIST)]

    @dataclass
    class Moved(Message):
        """Another line is under the cursor, or others are visible."""

    @dataclass
    class Toggled(Message):
        """Enter on a line that folds, or a double click on it."""

        line: DocLine

    @dataclass
    class Resized(Message):
        """There is more or less room."""

    def __init__(self, *, ascii: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._ascii = ascii
        self._lines: tuple[DocLine, ...] = ()
        self._cursor = 0
        self._top = 0
        self._drawn: list[tuple[DocLine, bool]] = []

    # What it shows

    @property
    def text(self) -> str:
        """All of it, as plain lines."""
        return "\n".join("".join(span.text for span in line.cell) for line in self._lines)

    @property
    def room(self) -> int:
        """Cells for a line."""
        return self.size.width - GUTTER - 1

    @property
    def current(self) -> DocLine:
        """The line under the cursor."""
        return self._lines[self._cursor] if self._cursor < len(self._lines) else _BLANK

    @property
    def count(self) -> int:
        """How many lines there are."""
        return len(self._lines)

    @property
    def window(self) -> tuple[int, int]:
        """The first visible index and the one after the last."""
        return self._top, min(self._top + self.size.height, len(self._lines))

    @property
    def position(self) -> tuple[int, int]:
        """Cursor and first visible line, for coming back to them."""
        return self._cursor, self._top

    def put(self, lines: Sequence[DocLine], position: tuple[int, int] | None = None) -> None:
        """Shows lines; the cursor stays at its line number unless a `position` says otherwise."""
        self._lines = tuple(lines)
        if position is not None:
            self._cursor, self._top = position
        self._settle()

    # Keys and mouse

    def place(self, index: int) -> None:
        """Puts the cursor on a line and shows it."""
        self._cursor = index
        self._settle()

    def action_cursor_down(self) -> None:
        """One line down."""
        self.place(self._cursor + 1)

    def action_cursor_up(self) -> None:
        """One line up."""
        self.place(self._cursor - 1)

    def action_cursor_top(self) -> None:
        """The first line."""
        self.place(0)

    def action_cursor_bottom(self) -> None:
        """The last line."""
        self.place(len(self._lines) - 1)

    def action_page_down(self) -> None:
        """One screen down."""
        self._leap(self.size.height)

    def action_page_up(self) -> None:
        """One screen up."""
        self._leap(-self.size.height)

    def action_half_down(self) -> None:
        """Half a screen down."""
        self._leap(self.size.height // 2)

    def action_half_up(self) -> None:
        """Half a screen up."""
        self._leap(-(self.size.height // 2))

    def action_open(self) -> None:
        """Unfolds or folds the line under the cursor."""
        if self.current.fold is not None:
            self.post_message(self.Toggled(self.current))

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor, a double click unfolds."""
        if self._top + event.y < len(self._lines):
            self.place(self._top + event.y)
            if event.chain == 2:
                self.action_open()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel moves the view, and the cursor no further than it must."""
        event.stop()
        self._scroll(WHEEL_LINES)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel moves the view, and the cursor no further than it must."""
        event.stop()
        self._scroll(-WHEEL_LINES)

    # Drawing

    def on_resize(self) -> None:
        """Lines are laid out elsewhere."""
        self._drawn = []
        self._settle()
        self.post_message(self.Resized())

    def render_line(self, y: int) -> Strip:
        """One line as styled segments."""
        line, here = self._drawn[y] if y < len(self._drawn) else (_BLANK, False)
        ground = "cursor" if here else "ground"
        width = self.size.width
        glyphs = glyph_set(self._ascii)
        bar = Segment(glyphs.cursor if here else " ", self.ink("accent", ground))
        cell = fit_cell(line.cell, max(0, self.room), ellipsis=glyphs.cut)
        text = [Segment(to_ascii(text) if self._ascii else text, self.ink(role, ground)) for text, role in cell]
        return Strip([bar, *text]).adjust_cell_length(width, self.ink("text", ground)).simplify()

    def _leap(self, lines: int) -> None:
        self._top += lines
        self.place(self._cursor + lines)

    def _scroll(self, lines: int) -> None:
        height = self.size.height
        self._top = max(0, min(self._top + lines, len(self._lines) - height))
        self.place(max(self._top, min(self._cursor, self._top + height - 1)))

    def _settle(self) -> None:
        height, count = self.size.height, len(self._lines)
        self._cursor = max(0, min(self._cursor, count - 1))
        self._top = max(0, min(self._top, count - height))
        if not height:
            return
        self._top = max(min(self._top, self._cursor), self._cursor - height + 1)
        before = self._drawn
        first, last = self.window
        self._drawn = [(self._lines[index], index == self._cursor) for index in range(first, last)]
        self._drawn += [(_BLANK, False)] * (height - len(self._drawn))
        changed = [y for y in range(height) if before[y : y + 1] != self._drawn[y : y + 1]]
        if changed:
            self.refresh(*[Region(0, y, self.size.width, 1) for y in changed])
            self.post_message(self.Moved())
