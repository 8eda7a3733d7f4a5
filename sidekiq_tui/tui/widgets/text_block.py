"""A few lines of text in roles: facts beside charts, reasons under a table."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip

from sidekiq_tui.presentation.columns.base import Cell, fit_cell
from sidekiq_tui.presentation.glyphs import to_ascii
from sidekiq_tui.tui.widgets.line import Inked


class TextBlock(Inked):
    """Lines that are cut at the right; one that changes is repainted, the others are not."""

    def __init__(self, *, ascii: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._ascii = ascii
        self._lines: tuple[Cell, ...] = ()

    @property
    def text(self) -> str:
        """What it says."""
        return "\n".join("".join(span.text for span in line) for line in self._lines)

    def put(self, lines: Sequence[Cell]) -> None:
        """Shows lines of spans, whose text must be safe for a terminal."""
        before, self._lines = self._lines, tuple(lines)
        count = max(len(before), len(self._lines))
        regions = [
            Region(0, y, self.size.width, 1) for y in range(count) if before[y : y + 1] != self._lines[y : y + 1]
        ]
        if regions:
            self.refresh(*regions)

    def render_line(self, y: int) -> Strip:
        """One line as styled segments."""
        width = self.size.width
        line = self._lines[y] if y < len(self._lines) else ()
        cells = fit_cell(line, width)
        strip = Strip([Segment(to_ascii(text) if self._ascii else text, self.ink(role)) for text, role in cells])
        return strip.adjust_cell_length(width, self.ink("text")).simplify()
