"""How many jobs of a set run when; enter goes to the first of a group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.presentation.glyphs import glyph_set
from sidekiq_tui.presentation.text import fit
from sidekiq_tui.tui.actions import bindings
from sidekiq_tui.tui.modals.titled import put_title
from sidekiq_tui.tui.widgets.line import Line
from sidekiq_tui.tui.widgets.span_lines import SpanLine, SpanLines

_WORDS_CELLS: Final = 12
_UNTIL_CELLS: Final = 18
_METER_CELLS: Final = 16
_NARROW: Final = 72
"""Below so many columns of the terminal a meter is short, so that its share is seen."""
_NARROW_METER_CELLS: Final = 5
_ROWS_AROUND: Final = 5


@dataclass(frozen=True, slots=True)
class Bucket:
    """Jobs of one stretch of time: what it is called, its end as shown, their number, the row of the first."""

    words: str
    until: str
    count: int
    first: int


class BucketsModal(ModalScreen[int | None]):
    """Gives the row to go to; None to stay."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("buckets-dialog")]

    def __init__(self, name: str, buckets: Sequence[Bucket], *, ascii: bool = False) -> None:
        """`name` is what the list is called."""
        super().__init__()
        self._list = name
        self._buckets = tuple(buckets)
        self._total = sum(bucket.count for bucket in buckets)
        self._cursor = next((index for index, bucket in enumerate(buckets) if bucket.count), 0)
        self._ascii = ascii

    def compose(self) -> ComposeResult:
        """The groups, and what the keys do."""
        with Vertical(id="dialog") as dialog:
            dialog.styles.height = len(self._buckets) + _ROWS_AROUND
            put_title(dialog, f"{self._list} {units.count(self._total)} by time", ascii=self._ascii)
            yield SpanLines(ascii=self._ascii, id="buckets-lines")
            yield Line(id="dialog-foot", ground="panel")

    def on_mount(self) -> None:
        """Draws all groups."""
        keys = (("enter", "goes to the first"), ("esc", "stays"))
        self.query_one(Line).put(
            [part for key, verb in keys for part in (Span(key, "key"), Span(f" {verb}  ", "muted"))]
        )
        self.query_one(SpanLines).focus()
        self._draw()

    def on_resize(self) -> None:
        """Meters as long as there is room for."""
        self._draw()

    def action_move(self, rows: int) -> None:
        """To another group."""
        self._cursor = max(0, min(len(self._buckets) - 1, self._cursor + rows))
        self._draw()

    def action_go(self) -> None:
        """To the first job of the group; an empty one has none."""
        bucket = self._buckets[self._cursor]
        if bucket.count:
            self.dismiss(bucket.first)

    def action_cancel(self) -> None:
        """Leaves the list where it is."""
        self.dismiss(None)

    def _draw(self) -> None:
        head = (Span(f"   {'runs':<{_WORDS_CELLS}}  {'until':<{_UNTIL_CELLS}}  {'jobs':>5}", "heading"),)
        lines = [head, *(self._line(index) for index in range(len(self._buckets)))]
        self.query_one(SpanLines).put(lines, self._cursor + 1)

    def _line(self, index: int) -> SpanLine:
        glyphs = glyph_set(self._ascii)
        bucket = self._buckets[index]
        share = bucket.count / self._total if self._total else 0.0
        cells = _METER_CELLS if self.app.size.width >= _NARROW else _NARROW_METER_CELLS
        filled = min(cells, max(1, round(share * cells))) if bucket.count else 0
        return (
            Span(glyphs.cursor if index == self._cursor else " ", "accent"),
            Span("  "),
            Span(fit(bucket.words, _WORDS_CELLS, ellipsis=glyphs.cut), "strong" if bucket.count else "muted"),
            Span(f"  {fit(bucket.until, _UNTIL_CELLS, ellipsis=glyphs.cut)}", "muted"),
            Span(f"  {units.count(bucket.count):>5}  ", "text" if bucket.count else "muted"),
            Span(glyphs.meter_full * filled, "chart"),
            Span(glyphs.meter_empty * (cells - filled), "rule"),
            Span(f" {units.share(share):>5}", "muted"),
        )
