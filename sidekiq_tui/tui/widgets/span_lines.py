"""Lines of spans that scroll: for dialogs and panels that are text, not lists of records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBarRender
from textual.strip import Strip

from sidekiq_tui.presentation.columns.base import Span, fit_cell
from sidekiq_tui.presentation.glyphs import glyph_set
from sidekiq_tui.tui.theme import style_for

SpanLine = tuple[Span, ...]


class WholeCellBar(ScrollBarRender):
    """A scroll bar of colours alone: no glyph of it needs more than ASCII."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * len(ScrollBarRender.VERTICAL_BARS)


class SpanLines(ScrollView):
    """Text by roles, one tuple of spans a line; a line can be picked out."""

    DEFAULT_CSS = """
    SpanLines { height: 1fr; scrollbar-size-vertical: 1; overflow-x: hidden; }
    """

    def __init__(
        self, lines: Sequence[SpanLine] = (), *, ground: str = "panel", ascii: bool = False, id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self._cut = glyph_set(ascii).cut
        if ascii:
            self.vertical_scrollbar.renderer = WholeCellBar  # type: ignore[misc]  # as Textual says to do it
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
        cells = fit_cell(self._lines[index], width, ellipsis=self._cut)
        return Strip([Segment(text, style_for(role, ground, self.app.theme)) for text, role in cells], width)
