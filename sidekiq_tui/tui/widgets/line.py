"""One line of text, drawn by cells: when a part changes, only that part goes to the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.tui.theme import style_for


class Inked(Widget):
    """A widget that draws by roles on grounds."""

    def ink(self, role: str, ground: str = "ground") -> Style:
        """The style of a role on a ground in the app's theme."""
        return style_for(role, ground, self.app.theme)


class Line(Inked):
    """A widget of one line. Subclasses call `put`; what differs from the last time is repainted, nothing else."""

    DEFAULT_CSS = """
    Line { height: 1; width: 1fr; }
    """
    GROUND: ClassVar[str] = "ground"

    def __init__(self, *, ground: str = "", id: str | None = None) -> None:
        super().__init__(id=id)
        self._spans: tuple[Span, ...] = ()
        self._ground = ground or self.GROUND

    @property
    def text(self) -> str:
        """What the line says."""
        return "".join(span.text for span in self._spans)

    @property
    def spans(self) -> tuple[Span, ...]:
        """What the line shows."""
        return self._spans

    def put(self, spans: Sequence[Span], ground: str | None = None) -> None:
        """Shows spans, whose text must be safe for a terminal."""
        before, self._spans = self._spans, tuple(spans)
        if ground and ground != self._ground:
            self._ground = ground
            self.refresh()
            return
        changed = _difference(before, self._spans)
        if changed is not None:
            first, last = changed
            self.refresh(Region(first, 0, max(1, min(last, self.size.width) - first), 1))

    def span_at(self, x: int) -> int | None:
        """The index of the span at a cell, as for a click there; None past the last one."""
        used = 0
        for index, span in enumerate(self._spans):
            used += cell_len(span.text)
            if x < used:
                return index
        return None

    def render_line(self, y: int) -> Strip:
        """The line as styled segments."""
        width = self.size.width
        blank = self.ink("text", self._ground)
        if y:
            return Strip.blank(width, blank)
        segments: list[Segment] = []
        used = 0
        for span in self._spans:
            room = width - used
            if room <= 0:
                break
            length = cell_len(span.text)
            text = span.text if length <= room else set_cell_size(span.text, room)
            segments.append(Segment(text, self.ink(span.role, self._ground)))
            used += min(length, room)
        if used < width:
            segments.append(Segment(" " * (width - used), blank))
        return Strip(segments, width).simplify()


def _difference(before: Sequence[Span], after: Sequence[Span]) -> tuple[int, int] | None:
    """The first cell and the one after the last that differ; None if nothing does."""
    if before == after:
        return None
    old, new = _cells(before), _cells(after)
    first = next((index for index, (one, other) in enumerate(zip(old, new, strict=False)) if one != other), None)
    if first is None:
        if len(old) == len(new):
            return None
        return min(len(old), len(new)), max(len(old), len(new))
    if len(old) != len(new):
        return first, max(len(old), len(new))
    last = next(index for index in range(len(old) - 1, -1, -1) if old[index] != new[index])
    return first, last + 1


def _cells(spans: Sequence[Span]) -> list[tuple[str, str]]:
    """One (character, role) a cell; the second cell of a wide character is empty."""
    cells: list[tuple[str, str]] = []
    for span in spans:
        if span.text.isascii():
            cells.extend((character, span.role) for character in span.text)
            continue
        for character in span.text:
            width = cell_len(character)
            cells.extend([(character, span.role), ("", span.role)][:width])
    return cells
