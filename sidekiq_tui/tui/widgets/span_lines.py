"""Lines of spans that scroll: for dialogs and panels that are text, not lists of records."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.tui.theme import style_for

SpanLine = tuple[Span, ...]


class SpanLines(ScrollView):
    """Text by roles, one tuple of spans a line; a line can be picked out."""

    DEFAULT_CSS = """
    SpanLines { height: 1fr; scrollbar-size-vertical: 1; overflow-x: hidden; }
    """

    def __init__(self, lines: Sequence[SpanLine] = (), *, ground: str = "panel", id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: tuple[SpanLine, ...] = tuple(lines)
        self._ground = ground
        self._picked: int | None = None
        self.virtual_size = Size(0, len(self._lines))

    @property
    def text(self) -> str:
        """All of it, as plain lines."""
        return "\n".join("".join(span.text for span in line) for line in self._lines)

    def put(self, lines: Sequence[SpanLine], picked: int | None = None) -> None:
        """Shows lines, whose text must be safe for a terminal, and keeps the picked one in sight."""
        self._lines = tuple(lines)
        self._picked = picked
        self.virtual_size = Size(0, len(self._lines))
        self.refresh()
        if picked is not None:
            top, height = round(self.scroll_offset.y), self.size.height
            if picked < top or picked >= top + height:
                self.scroll_to(y=max(0, picked - height // 2), animate=False)

    def render_line(self, y: int) -> Strip:
        """One line as styled segments."""
        index = y + round(self.scroll_offset.y)
        width = self.scrollable_content_region.width
        ground = "cursor" if index == self._picked else self._ground
        blank = style_for("text", ground, self.app.theme)
        if index >= len(self._lines):
            return Strip.blank(width, blank)
        segments: list[Segment] = []
        used = 0
        for span in self._lines[index]:
            length = min(cell_len(span.text), width - used)
            if length <= 0:
                break
            segments.append(Segment(set_cell_size(span.text, length), style_for(span.role, ground, self.app.theme)))
            used += length
        return Strip([*segments, Segment(" " * (width - used), blank)], width)
