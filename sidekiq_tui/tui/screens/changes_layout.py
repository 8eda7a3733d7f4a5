"""Where the parts of what changed stand, and where events stand on the time line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.geometry import Region

from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.presentation.glyphs import GlyphSet
from sidekiq_tui.presentation.timeline import event_role
from sidekiq_tui.servers.timeline_events import Event
from sidekiq_tui.tui.widgets.line_chart import GUTTER

CHART_HEIGHT: Final = 9
CHART_HEIGHT_LOW: Final = 5
LOW: Final = 26
LOWEST: Final = 13
_RANKS: Final = ("text", "muted", "ok", "accent", "strong", "warn", "bad")
"""What stands for several events of one column: the worst."""


def changes_layout(width: int, height: int) -> dict[str, Region]:
    """Title, chart with its marks, list. A low terminal has the list alone."""
    places = {"title": Region(0, 0, width, 1)}
    top = 1
    if height >= LOWEST:
        chart = CHART_HEIGHT if height >= LOW else CHART_HEIGHT_LOW
        places |= {"chart-title": Region(0, 1, width, 1), "marks": Region(0, 2, width, 1)}
        places["chart"] = Region(0, 3, width, chart)
        top = 4 + chart
    places["table"] = Region(0, top, width, max(0, height - top))
    return places


def marks_line(
    events: Sequence[Event], here: Event | None, *, now: float, period: float, columns: int, glyphs: GlyphSet
) -> list[Span]:
    """Over the chart, a mark where something happened; the one of the event under the cursor is another sign."""
    found: dict[int, str] = {}
    for event in events:
        column = _column(event, now, period, columns)
        role = event_role(event)
        if column is not None and _RANKS.index(role) >= _RANKS.index(found.get(column, "text")):
            found[column] = role
    chosen = None if here is None else _column(here, now, period, columns)
    spans, at = [Span(" " * GUTTER)], 0
    for column in sorted({*found, *(() if chosen is None else (chosen,))}):
        sign = glyphs.down if column == chosen else glyphs.split
        role = "accent strong" if column == chosen else found.get(column, "text")
        spans += [Span(" " * (column - at)), Span(sign, role)]
        at = column + 1
    return spans


def _column(event: Event, now: float, period: float, columns: int) -> int | None:
    age = now - event.at
    if columns <= 0 or not 0 <= age < period:
        return None
    return max(0, columns - 1 - int(age / period * columns))
