"""What differs between two servers, a row a fact."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Column, Context, Span, value_cell

if TYPE_CHECKING:
    from sidekiq_tui.servers.compare import Difference, Kind, Value


def value_text(value: Value, kind: Kind, context: Context, *, name: str = "") -> str:
    """One side of a difference; what is not there or not known is a dash."""
    if isinstance(value, tuple):
        return ", ".join(map(context.safe, value)) or "none"
    if value is None:
        return units.UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return context.safe(value)
    if name == "memory limit" and not value:
        return "none"
    match kind:
        case "seconds":
            return units.duration(value)
        case "bytes":
            return units.size(value)
        case "share":
            return units.share(value)
        case "rate":
            return f"{units.rate(value)}/s"
    return units.count(value)


def _section(row: Difference, context: Context, width: int | None) -> Cell:
    return (Span(row.section, "muted"),)


def _subject(row: Difference, context: Context, width: int | None) -> Cell:
    return (Span(context.safe(row.subject), "strong"),)


def _name(row: Difference, context: Context, width: int | None) -> Cell:
    return (Span(context.safe(row.name)),)


def _side(row: Difference, context: Context, value: Value) -> Cell:
    return value_cell(value_text(value, row.kind, context, name=row.name))


def _left(row: Difference, context: Context, width: int | None) -> Cell:
    return _side(row, context, row.left)


def _right(row: Difference, context: Context, width: int | None) -> Cell:
    return _side(row, context, row.right)


def compare_columns(left: str, right: str, context: Context) -> tuple[Column[Difference], ...]:
    """The columns, headed by the names of the two servers."""
    return (
        Column("section", "about", 9, 9, _section, goes=1),
        Column("subject", "subject", 10, 32, _subject, weight=2, cut="left"),
        Column("fact", "fact", 12, 40, _name, weight=2),
        Column("left", context.safe(left), 12, 40, _left, weight=3),
        Column("right", context.safe(right), 12, 40, _right, weight=3),
    )
