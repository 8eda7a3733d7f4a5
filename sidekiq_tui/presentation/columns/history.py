"""What can be undone, and what was begun and not ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.audit import ID_CELLS
from sidekiq_tui.presentation.columns.base import Cell, Column, Context, Span, number_key, value_cell

if TYPE_CHECKING:
    from sidekiq_tui.operations.history import UndoEntry, Unfinished


def _id(row: UndoEntry | Unfinished, context: Context, width: int | None) -> Cell:
    return (Span(context.safe(row.id if context.complete else row.id[:ID_CELLS]), "accent"),)


def _ago(row: UndoEntry | Unfinished, context: Context, width: int | None) -> Cell:
    return value_cell(units.time_cell(row.at, context.now, context.time_mode))


def _who(row: UndoEntry | Unfinished, context: Context, width: int | None) -> Cell:
    return value_cell(context.safe(row.who) or units.UNKNOWN)


def _count(row: UndoEntry | Unfinished, context: Context, width: int | None) -> Cell:
    return value_cell(f"{row.count}" if context.complete else units.count(row.count))


def _words(row: UndoEntry, context: Context, width: int | None) -> Cell:
    return (Span(context.safe(row.words)),)


def _kept(row: UndoEntry, context: Context, width: int | None) -> Cell:
    return value_cell(units.time_cell(row.expires, context.now, context.time_mode, upcoming=True))


def _where(row: UndoEntry, context: Context, width: int | None) -> Cell:
    if row.whence == "trash":
        return (Span("on the server"),)
    return (Span("this machine") if row.here else Span("elsewhere", "muted"),)


def _kind(row: Unfinished, context: Context, width: int | None) -> Cell:
    return (Span(context.safe(row.kind)),)


def _settled(row: Unfinished, context: Context, width: int | None) -> Cell:
    of = f" of {row.count:,}" if row.count else ""
    return (Span(f"{row.settled:,}{of}"),)


def _parked(row: Unfinished, context: Context, width: int | None) -> Cell:
    return (Span(f"{row.parked:,}", "warn") if row.parked else Span("0", "muted"),)


def _state(row: Unfinished, context: Context, width: int | None) -> Cell:
    if row.running:
        return (Span(f"{context.glyphs.ok} running", "ok"),)
    more = "can go on here" if row.can_continue else "can only be ended here"
    how = f"server forgot {row.forgotten:,}" if row.forgotten else "failed" if row.failed else "stopped"
    return (Span(f"{context.glyphs.warn} {how}, {more}", "warn"),)


UNDOS: Final[tuple[Column[UndoEntry], ...]] = (
    Column("id", "id", ID_CELLS, ID_CELLS, _id),
    Column("ago", "ago", 6, 12, _ago, align="right", sort=lambda row, context: number_key(row.at)),
    Column("words", "did", 24, None, _words, weight=3),
    Column("count", "count", 5, 5, _count, align="right", goes=2, sort=lambda row, context: number_key(row.count)),
    Column("who", "who", 10, 20, _who, weight=1, goes=3),
    Column("where", "kept", 13, 13, _where, goes=1),
    Column("expires", "gone in", 8, 12, _kept, align="right", sort=lambda row, context: number_key(row.expires)),
)

UNFINISHED: Final[tuple[Column[Unfinished], ...]] = (
    Column("id", "id", ID_CELLS, ID_CELLS, _id),
    Column("ago", "begun", 6, 12, _ago, align="right"),
    Column("kind", "did", 10, 10, _kind),
    Column("settled", "settled", 12, 20, _settled, weight=1),
    Column("parked", "parked", 6, 6, _parked, align="right", goes=2),
    Column("who", "who", 10, 20, _who, weight=1, goes=1),
    Column("state", "state", 18, 34, _state, weight=2),
)
