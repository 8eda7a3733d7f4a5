"""What changed, newest first: when, on which server, what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Column, Context, Span, value_cell
from sidekiq_tui.presentation.columns.jobs import AGE_CELLS, CLOCK_CELLS
from sidekiq_tui.presentation.timeline import event_cell

if TYPE_CHECKING:
    from sidekiq_tui.servers.timeline_events import Event


def _when(row: Event, context: Context, width: int | None) -> Cell:
    return value_cell(units.time_cell(row.at, context.now, context.time_mode))


def _since(row: Event, context: Context, width: int | None) -> Cell:
    """How much earlier it may have been: it was seen at two looks so far apart."""
    return value_cell("" if row.since is None else units.age(row.at - row.since))


def _server(row: Event, context: Context, width: int | None) -> Cell:
    return (Span(context.safe(row.server), "muted"),)


def _what(row: Event, context: Context, width: int | None) -> Cell:
    return event_cell(row, context)


def timeline_columns(time_mode: units.TimeMode = "relative", *, server: bool = False) -> tuple[Column[Event], ...]:
    """The columns; `server` for a list of several."""
    wide = AGE_CELLS if time_mode == "relative" else CLOCK_CELLS
    ago = "ago" if time_mode == "relative" else "at"
    return (
        Column("at", ago, wide, wide, _when, align="right"),
        Column("since", "within", 6, 6, _since, align="right", goes=1),
        *((Column("server", "server", 8, 12, _server, weight=1),) if server else ()),
        Column("what", "what", 20, None, _what, weight=1),
    )
