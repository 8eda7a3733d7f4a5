"""What the screens with a list share: the range in the title, what a narrow row leaves out, drawing context."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Column, Context, Span
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.tui.actions import Action
from sidekiq_tui.tui.state import AppState
from sidekiq_tui.tui.widgets.record_table import RecordTable

R = TypeVar("R")

NO_ROWS: Final = "the list is empty"
_NEED_ROWS: Final = frozenset({"open", "sort", "sort-reverse"})


def context_of(state: AppState) -> Context:
    """What cells depend on besides their row."""
    return Context(now=state.now(), time_mode=state.time_mode, ascii=state.ascii, server_names=state.servers)


def range_spans(table: RecordTable[R], size: int) -> list[Span]:
    """Which rows are visible, `1–33 of 932`; nothing when all are."""
    first, last = table.window
    if last < first or (first == 0 and last == size - 1):
        return []
    return [Span(f"{first + 1:,}–{last + 1:,} of {units.count(size)}", "muted")]


def unread_notice(server: str, *, away: bool, frozen: bool) -> list[Cell]:
    """Why nothing was read yet; nothing while it is being read."""
    if away:
        return [(Span(f"Not read yet: {display_text(server)} does not answer.", "muted"),)]
    if frozen:
        return [(Span("Not read: the screen is frozen.  ", "muted"), Span("Z", "key"), Span(" lets it go on", "muted"))]
    return []


def reason_against_empty(table: RecordTable[R], action: Action) -> str | None:
    """Why an action on rows cannot work; None if there are rows or it needs none."""
    return NO_ROWS if table.empty and action.id in _NEED_ROWS else None


def left_out(table: RecordTable[R], columns: Sequence[Column[R]], row: R, context: Context) -> list[Span]:
    """What the row has in columns that the terminal has no room for."""
    spans: list[Span] = []
    for column in columns:
        if column.live or column.key in table.columns_shown:
            continue
        cell: Cell = column.cell(row, context, column.min)
        if any(text.strip() not in ("", units.UNKNOWN, context.glyphs.unknown) for text, _ in cell):
            spans += [Span(f"{'  ' if spans else ''}{column.heading} ", "muted"), *cell]
    return spans
