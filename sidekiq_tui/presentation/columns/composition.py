"""The classes of one queue, by how much of it they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Column, Context, SortKey, Span, number_key, value_cell
from sidekiq_tui.presentation.columns.jobs import class_cell
from sidekiq_tui.presentation.spark import meter

if TYPE_CHECKING:
    from sidekiq_tui.sidekiq.composition import ClassShare, Composition

_NUMBER_CELLS: Final = 6
_METER_CELLS: Final = 8


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One class of a queue of `size` jobs; `known`: all of them were read, so its jobs are counted."""

    part: ClassShare
    size: int
    known: bool

    @property
    def jobs(self) -> float:
        """Its jobs in the whole queue, estimated where not all was read."""
        return self.part.jobs if self.known else self.part.share * self.size


def class_rows(composition: Composition) -> tuple[ClassRow, ...]:
    """The rows of a composition, most jobs first."""
    return tuple(ClassRow(part, composition.size, composition.complete) for part in composition.classes)


def jobs_words(row: ClassRow) -> str:
    """How many jobs, with `~` before an estimate."""
    return units.count(row.jobs) if row.known else f"~{units.count(row.jobs)}"


def margin_words(margin: float | None, ascii: bool = False) -> str:
    """How far a share may be off: `±3.1%`; `–` where nobody knows."""
    return units.UNKNOWN if margin is None else f"{'+-' if ascii else '±'}{units.share(margin)}"


def class_name_cell(row: ClassRow, context: Context, width: int | None = None) -> Cell:
    """The class, or what stands in its place."""
    if row.part.malformed:
        return (Span(f"{context.glyphs.bad} undecodable", "warn"), Span("  not JSON objects", "muted"))
    if row.part.name is None:
        return (Span("no class", "warn"),)
    return class_cell(row.part.name, context)


def _jobs(row: ClassRow, context: Context, width: int | None) -> Cell:
    return value_cell(jobs_words(row))


def _share(row: ClassRow, context: Context, width: int | None) -> Cell:
    number = Span(f"{units.share(row.part.share):>{_NUMBER_CELLS}}")
    room = _METER_CELLS if width is None else width - _NUMBER_CELLS - 1
    if room < 4:
        return (number,)
    full, empty = meter(row.part.share, room, context.ascii)
    return (Span(full, "accent"), Span(empty, "rule"), Span(" "), number)


def _margin(row: ClassRow, context: Context, width: int | None) -> Cell:
    if row.known:
        return (Span("exact", "muted"),)
    return (Span(margin_words(row.part.margin, context.ascii), "muted"),)


def _by_jobs(row: ClassRow, context: Context) -> SortKey:
    return number_key(row.part.jobs)


_Column = Column[ClassRow]

CLASSES: Final[tuple[_Column, ...]] = (
    _Column("jobs", "jobs", 6, 6, _jobs, align="right", sort=_by_jobs),
    _Column("share", "share", 6, 19, _share, weight=1, align="right"),
    _Column("margin", "off by", 6, 7, _margin, align="right", goes=1),
    _Column("class", "class", 24, None, class_name_cell, weight=5, cut="left"),
)
