"""One line of text, drawn by cells: when a part changes, only that part goes to the terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import ClassVar, Self

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.color import TRANSPARENT
from textual.dom import NoScreen
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.tui.theme import style_for
from sidekiq_tui.tui.widgets.gathering import GatheringScreen


class Inked(Widget):
    """A widget that draws by roles on grounds, line by line, without border or padding.

    A line is drawn once until it is refreshed: Textual's own way asks and styles all lines of all widgets between the
    first and the last that changed.
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._painted: dict[int, Strip] = {}
        self._painted_width = 0

    def render_lines(self, crop: Region) -> list[Strip]:
        """As Textual's, from the lines that are known."""
        width = self.size.width
        if width != self._painted_width:
            self._painted.clear()
            self._painted_width = width
        filters = self.get_line_filters()
        background = self.background_colors[1] if filters else TRANSPARENT
        strips: list[Strip] = []
        for y in crop.line_range:
            strip = self._painted.get(y)
            if strip is None:
                strip = self._painted[y] = self.render_line(y)
            for one in filters:
                strip = strip.apply_filter(one, background)
            strips.append(strip)
        first, last = crop.column_span
        return strips if (first, last) == (0, width) else [strip.crop(first, last) for strip in strips]

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """As Textual's. In a view it is painted in the screen's next frame, with all else that has changed by then."""
        super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)
        if self._repaint_required and self.is_mounted and self.display and not layout and not recompose:
            with contextlib.suppress(NoScreen):
                screen = self.screen
                if isinstance(screen, GatheringScreen) and screen.gather(self):
                    self._repaint_required = False
        return self

    def _set_dirty(self, *regions: Region) -> None:
        super()._set_dirty(*regions)
        if not regions:
            self._painted.clear()
        for region in regions:
            for y in region.line_range:
                self._painted.pop(y, None)

    def notify_style_update(self) -> None:
        """Another theme: every line is drawn anew."""
        super().notify_style_update()
        self._painted.clear()

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
