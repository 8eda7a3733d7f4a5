"""How far an operation is, and what became of it, for messages and JSON."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Final

from sidekiq_tui.operations.outcome import Outcome, Progress, Tally
from sidekiq_tui.presentation import deeds, units
from sidekiq_tui.presentation.columns.base import Cell, Context, Span
from sidekiq_tui.presentation.records import Record, plain
from sidekiq_tui.presentation.spark import meter

if TYPE_CHECKING:
    from sidekiq_tui.operations.catalog import Operation

_METER_CELLS: Final = 14
_ROLES: Final = {"done": "ok", "stopped": "warn", "failed": "bad", "unknown": "bad", "refused": "bad"}
_TALLY: Final = tuple(field.name for field in fields(Tally))


def progress_cell(operation: Operation, progress: Progress, context: Context) -> Cell:
    """`deleting 64 of 118 ━━━━━━────── 2,100/s`, and what it waits for."""
    settled, total = progress.tally.settled, progress.total
    words = f"{deeds.deed(operation).doing} {units.count(settled)} of {units.count(total)}"
    full, empty = meter(settled / total if total else None, _METER_CELLS, context.ascii)
    cell = [Span(words, "strong"), Span(" "), Span(full, "chart"), Span(empty, "rule")]
    if progress.state == "running" and progress.rate is not None:
        cell.append(Span(f" {units.rate(progress.rate)}/s"))
    elif progress.state in ("paused", "waiting", "checking"):
        cell.append(Span(f" {progress.state}", "warn"))
    if progress.words:
        cell.append(Span(f"  {context.safe(progress.words)}", "warn"))
    return tuple(cell)


def outcome_cell(outcome: Outcome, context: Context) -> Cell:
    """`deleted 117, 1 had already run`, and why it did not go on, in the colour of its ending."""
    return (Span(context.safe(outcome.words), _ROLES[outcome.ending]),)


def tally_record(tally: Tally) -> Record:
    """Entries by what became of them."""
    return {name: getattr(tally, name) for name in _TALLY}


def outcome_record(outcome: Outcome) -> Record:
    """An outcome for JSON."""
    return {
        "id": outcome.id,
        "ending": outcome.ending,
        **tally_record(outcome.tally),
        "words": outcome.words,
        "undo": outcome.undo_id,
        "error": outcome.error or None,
        "details": plain(dict(outcome.details)),
    }
