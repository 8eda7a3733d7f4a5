"""The trash as a list: what has no end first, then all that can be undone, the newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sidekiq_tui.operations.history import Unfinished
from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Column, Context, SortKey, Span, number_key, text_key, value_cell
from sidekiq_tui.presentation.deeds import amount, deed_of

if TYPE_CHECKING:
    from sidekiq_tui.operations.history import UndoEntry

    TrashRow = UndoEntry | Unfinished


def trash_words(row: TrashRow, context: Context) -> str:
    """What was done, in words; safe text."""
    if not isinstance(row, Unfinished):
        return context.safe(row.words)
    one = deed_of(row.kind)
    return f"{one.doing} {amount(row.count, one)}" if row.count else one.doing


def _ago(row: TrashRow, context: Context, width: int | None) -> Cell:
    return value_cell(units.time_cell(row.at, context.now, context.time_mode))


def _words(row: TrashRow, context: Context, width: int | None) -> Cell:
    return (Span(trash_words(row, context), "strong"),)


def _count(row: TrashRow, context: Context, width: int | None) -> Cell:
    return value_cell(units.count(row.count))


def _who(row: TrashRow, context: Context, width: int | None) -> Cell:
    return value_cell(context.safe(row.who) or units.UNKNOWN)


def _state(row: TrashRow, context: Context, width: int | None) -> Cell:
    if not isinstance(row, Unfinished):
        if row.whence == "trash":
            return (Span("on the server"),)
        return (Span("this machine") if row.here else Span("elsewhere", "muted"),)
    if row.running:
        return (Span(f"{context.glyphs.ok} running", "ok"),)
    reached = f"at {units.count(row.settled)} of {units.count(row.count)}" if row.count else ""
    parked = f", {row.parked:,} parked" if row.parked else ""
    if row.forgotten:
        return (Span(f"{context.glyphs.warn} server forgot {units.count(row.forgotten)}", "warn"),)
    how = "failed" if row.failed else "stopped"
    return (Span(f"{context.glyphs.warn} {how} {reached}{parked}".rstrip(), "warn"),)


def _kept(row: TrashRow, context: Context, width: int | None) -> Cell:
    if isinstance(row, Unfinished):
        return value_cell(units.UNKNOWN)
    return value_cell(units.time_cell(row.expires, context.now, context.time_mode, upcoming=True))


def _by_time(row: TrashRow, context: Context) -> SortKey:
    return number_key(row.at)


TRASH: Final[tuple[Column[TrashRow], ...]] = (
    Column("ago", "ago", 6, 12, _ago, align="right", sort=_by_time),
    Column("did", "did", 24, None, _words, weight=3, sort=lambda row, context: text_key(trash_words(row, context))),
    Column("count", "count", 5, 5, _count, align="right", goes=3, sort=lambda row, context: number_key(row.count)),
    Column("who", "who", 10, 20, _who, weight=1, goes=2, sort=lambda row, context: text_key(row.who)),
    Column("state", "kept", 14, 34, _state, weight=1),
    Column("expires", "gone in", 8, 12, _kept, align="right", goes=1),
)
