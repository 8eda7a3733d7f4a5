"""Profiles of single runs of jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Column, Context, SortKey, Span, number_key, text_key, value_cell
from sidekiq_tui.presentation.columns.jobs import class_cell

if TYPE_CHECKING:
    from sidekiq_tui.sidekiq.profiling import JobProfile


def _started(row: JobProfile, context: Context, width: int | None) -> Cell:
    return value_cell(units.time_cell(row.started_at, context.now, context.time_mode))


def _class(row: JobProfile, context: Context, width: int | None) -> Cell:
    return class_cell(row.type, context) if row.type else (Span(units.UNKNOWN, "muted"),)


def _jid(row: JobProfile, context: Context, width: int | None) -> Cell:
    return (Span(context.safe(row.jid or units.UNKNOWN), "muted"),)


def _elapsed(row: JobProfile, context: Context, width: int | None) -> Cell:
    return value_cell(units.duration(row.elapsed))


def _size(row: JobProfile, context: Context, width: int | None) -> Cell:
    return value_cell(units.size(row.size))


def _token(row: JobProfile, context: Context, width: int | None) -> Cell:
    return (Span(context.safe(row.token or units.UNKNOWN)),)


def _kept(row: JobProfile, context: Context, width: int | None) -> Cell:
    return value_cell(units.time_cell(row.expires_at, context.now, context.time_mode, upcoming=True))


def _by_start(row: JobProfile, context: Context) -> SortKey:
    return number_key(row.started_at)


_Column = Column["JobProfile"]

PROFILES: Final[tuple[_Column, ...]] = (
    _Column("started", "started", 8, 8, _started, align="right", sort=_by_start),
    _Column("class", "class", 22, 40, _class, weight=2, cut="left", sort=lambda row, context: text_key(row.type)),
    _Column("elapsed", "ran", 6, 6, _elapsed, align="right", sort=lambda row, context: number_key(row.elapsed)),
    _Column("size", "size", 6, 6, _size, align="right", goes=4, sort=lambda row, context: number_key(row.size)),
    _Column("token", "token", 8, 16, _token, weight=1, goes=3, sort=lambda row, context: text_key(row.token)),
    _Column("jid", "jid", 24, 24, _jid, goes=2),
    _Column("kept", "gone in", 8, 8, _kept, align="right", goes=1),
)
"""The headings of times say how they count: when it began, and when Redis lets it go."""


def profile_columns(time_mode: units.TimeMode) -> tuple[_Column, ...]:
    """The columns; clock times need more room, and their headings another word."""
    if time_mode == "relative":
        return PROFILES
    started = _Column("started", "started", 12, 12, _started, align="right", sort=_by_start)
    return (started, *PROFILES[1:-1], _Column("kept", "gone at", 12, 12, _kept, align="right", goes=1))
