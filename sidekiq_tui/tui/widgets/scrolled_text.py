"""Lines of text in roles, of which there may be more than fit: scrolled with a list's keys, without a cursor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message

from sidekiq_tui.presentation.columns.base import Cell
from sidekiq_tui.tui.actions import bindings
from sidekiq_tui.tui.actions.lists import LIST
from sidekiq_tui.tui.widgets.document import WHEEL_LINES
from sidekiq_tui.tui.widgets.text_block import TextBlock


class ScrolledText(TextBlock, can_focus=True):
    """Shows a window of its lines."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(LIST)]

    @dataclass
    class Moved(Message):
        """Other lines are visible."""

    @dataclass
    class Opened(Message):
        """Enter."""

    def __init__(self, *, ascii: bool = False, id: str | None = None) -> None:
        super().__init__(ascii=ascii, id=id)
        self._every: tuple[Cell, ...] = ()
        self._top = 0

    @property
    def window(self) -> tuple[int, int]:
        """The first visible line and the one after the last."""
        return self._top, min(self._top + self.size.height, len(self._every))

    @property
    def count(self) -> int:
        """How many lines there are."""
        return len(self._every)

    def lay(self, lines: Sequence[Cell]) -> None:
        """Shows lines, from where it was."""
        self._every = tuple(lines)
        self._settle(self._top)

    def action_cursor_down(self) -> None:
        """One line down."""
        self._settle(self._top + 1)

    def action_cursor_up(self) -> None:
        """One line up."""
        self._settle(self._top - 1)

    def action_cursor_top(self) -> None:
        """To the first line."""
        self._settle(0)

    def action_cursor_bottom(self) -> None:
        """To the last line."""
        self._settle(len(self._every))

    def action_page_down(self) -> None:
        """One screen down."""
        self._settle(self._top + self.size.height)

    def action_page_up(self) -> None:
        """One screen up."""
        self._settle(self._top - self.size.height)

    def action_half_down(self) -> None:
        """Half a screen down."""
        self._settle(self._top + self.size.height // 2)

    def action_half_up(self) -> None:
        """Half a screen up."""
        self._settle(self._top - self.size.height // 2)

    def action_open(self) -> None:
        """What enter does is said elsewhere."""
        self.post_message(self.Opened())

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel."""
        event.stop()
        self._settle(self._top + WHEEL_LINES)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel."""
        event.stop()
        self._settle(self._top - WHEEL_LINES)

    def on_resize(self) -> None:
        """More lines or fewer."""
        self._settle(self._top)

    def _settle(self, top: int) -> None:
        before = self._top
        self._top = max(0, min(top, len(self._every) - self.size.height))
        first, last = self.window
        self.put(self._every[first:last])
        if self._top != before:
            self.post_message(self.Moved())
