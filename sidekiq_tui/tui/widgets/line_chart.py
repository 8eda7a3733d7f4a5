"""A filled chart over time: one series, from zero, one sample a column, newest at the right."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip

from sidekiq_tui.presentation.glyphs import glyph_set
from sidekiq_tui.presentation.spark import area, keep_top
from sidekiq_tui.presentation.text import fit
from sidekiq_tui.tui.widgets.line import Inked

LABEL_WIDTH: Final = 5
GUTTER: Final = LABEL_WIDTH + 2
"""Cells left of the first sample: a blank, the label and the axis."""

_IDLE_ZEROS: Final = re.compile(r"(?<=\.\d)0+(?=\D|$)|\.0+(?=\D|$)")

Samples = Sequence[float | None]


class LineChart(Inked):
    """The chart itself, without a title. The screen gives it one sample a column, as many as `columns` says."""

    def __init__(self, label: Callable[[float], str], *, role: str = "chart", id: str | None = None) -> None:
        super().__init__(id=id)
        self._label = label
        self._role = role
        self._values: tuple[float | None, ...] = ()
        self._ticks: tuple[str, ...] = ()
        self._stale = False
        self._ascii = False
        self._top: float | None = None
        self._lines: tuple[str, ...] = ()

    @property
    def columns(self) -> int:
        """Samples that fit now."""
        return max(0, self.size.width - GUTTER)

    @property
    def rows(self) -> int:
        """Rows of the area now, without the line of times below it."""
        return max(0, self.size.height - (1 if self._ticks else 0))

    def show(self, values: Samples, ticks: Sequence[str] = (), *, stale: bool = False, ascii: bool = False) -> None:
        """Draws samples, newest last, with times spread evenly below. The scale outlives its highest sample."""
        restyled = (stale, ascii) != (self._stale, self._ascii)
        self._values, self._ticks, self._stale, self._ascii = tuple(values), tuple(ticks), stale, ascii
        self._top = keep_top(self._top, self._values, len(self._values))
        self._draw(everything=restyled)

    def restart(self) -> None:
        """Forgets the scale: what comes next is another server or another period."""
        self._top = None

    def on_resize(self) -> None:
        """Draws for the new size."""
        self._draw(everything=True)

    def render_line(self, y: int) -> Strip:
        """One row: label, axis, samples; or the times."""
        width = self.size.width
        if y >= len(self._lines):
            return Strip.blank(width, self.ink("text"))
        line, muted = self._lines[y], self.ink("muted")
        if y >= self.rows:
            return Strip([Segment(line, muted)], width)
        axis = LABEL_WIDTH + 1
        samples = self.ink("muted" if self._stale else self._role)
        parts = [(line[:axis], muted), (line[axis:GUTTER], self.ink("rule")), (line[GUTTER:], samples)]
        return Strip([Segment(text, style) for text, style in parts], width)

    def _draw(self, everything: bool) -> None:
        before, self._lines = self._lines, self._compute()
        if everything or len(before) != len(self._lines):
            self.refresh()
            return
        changed = [y for y, line in enumerate(self._lines) if line != before[y]]
        if changed:
            self.refresh(*(Region(0, y, self.size.width, 1) for y in changed))

    def _compute(self) -> tuple[str, ...]:
        height, columns = self.rows, self.columns
        if height <= 0 or columns <= 0:
            return ()
        top = self._top or 1.0
        labels = {0: _short(self._label(top)), height - 1: "0"}
        if height >= 4 and height % 2 == 0:
            labels[height // 2] = _short(self._label(top / 2))
        tick, split = ("+", "|") if self._ascii else ("┤", glyph_set().split)
        samples = area(self._values, columns, height, top, self._ascii)
        lines = [
            f" {fit(labels.get(row, ''), LABEL_WIDTH, 'right')}{tick if row in labels else split}{samples[row]}"
            for row in range(height)
        ]
        return (*lines, times_line(self._ticks, columns)) if self._ticks else tuple(lines)


def _short(label: str) -> str:
    """A label without zeros that say nothing: `1.5M` for `1.50M`, `4` for `4.0`."""
    return _IDLE_ZEROS.sub("", label)


def times_line(ticks: Sequence[str], columns: int) -> str:
    """The line under a chart: the first time at the left edge, the last at the right, the others between."""
    cells = [" "] * columns
    for index, tick in enumerate(ticks):
        centre = round(index * columns / max(1, len(ticks) - 1))
        start = min(max(0, centre - (len(tick) // 2 if 0 < index < len(ticks) - 1 else 0)), columns - len(tick))
        if start < 0 or any(cell != " " for cell in cells[max(0, start - 1) : start + len(tick) + 1]):
            continue
        cells[start : start + len(tick)] = tick
    return " " * GUTTER + "".join(cells)
