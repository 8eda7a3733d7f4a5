"""Operations as the audit has them: who did what where, and how it came out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Column, Context, SortKey, Span, number_key, text_key, value_cell

if TYPE_CHECKING:
    from sidekiq_tui.operations.audit_line import AuditedOperation

ID_CELLS: Final = 8
"""Digits of an operation's id that tell it from others in a list."""


def _ago(row: AuditedOperation, context: Context, width: int | None) -> Cell:
    return value_cell(units.time_cell(row.intent.time, context.now, context.time_mode))


def _who(row: AuditedOperation, context: Context, width: int | None) -> Cell:
    return value_cell(context.safe(row.intent.who) or units.UNKNOWN)


def _server(row: AuditedOperation, context: Context, width: int | None) -> Cell:
    return (Span(context.safe(row.intent.server), "strong"),)


def _did(row: AuditedOperation, context: Context, width: int | None) -> Cell:
    return (Span(context.safe(row.intent.kind)),)


def _what(row: AuditedOperation, context: Context, width: int | None) -> Cell:
    return (Span(context.safe(row.intent.what)),)


def _count(row: AuditedOperation, context: Context, width: int | None) -> Cell:
    return value_cell(f"{row.intent.count}" if context.complete else units.count(row.intent.count))


def _came_out(row: AuditedOperation, context: Context, width: int | None) -> Cell:
    if row.outcome is None:
        return (Span("no outcome yet", "warn"),)
    return value_cell(context.safe(row.outcome.ending) or units.UNKNOWN)


def _undo(row: AuditedOperation, context: Context, width: int | None) -> Cell:
    undo = row.outcome.undo_id if row.outcome is not None else None
    if not undo:
        return value_cell(units.UNKNOWN)
    return (Span(context.safe(undo if context.complete else undo[:ID_CELLS]), "muted"),)


def _by_time(row: AuditedOperation, context: Context) -> SortKey:
    return number_key(row.intent.time)


_Column = Column["AuditedOperation"]

AUDIT: Final[tuple[_Column, ...]] = (
    _Column("ago", "ago", 6, 12, _ago, align="right", sort=_by_time),
    _Column("who", "who", 10, 20, _who, weight=1, goes=2, sort=lambda row, context: text_key(row.intent.who)),
    _Column("server", "server", 8, 12, _server, weight=1, sort=lambda row, context: text_key(row.intent.server)),
    _Column("did", "did", 10, 10, _did, sort=lambda row, context: text_key(row.intent.kind)),
    _Column("what", "what", 20, None, _what, weight=3),
    _Column(
        "count", "count", 5, 5, _count, align="right", goes=3, sort=lambda row, context: number_key(row.intent.count)
    ),
    _Column("came-out", "came out", 10, 40, _came_out, weight=2),
    _Column("undo", "undo", ID_CELLS, ID_CELLS, _undo, goes=1),
)
"""As the Audit screen has them, the newest first."""
