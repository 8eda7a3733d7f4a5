"""What operations left behind, for JSON, NDJSON and CSV."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from sidekiq_tui.presentation.records import Record, number, plain

if TYPE_CHECKING:
    from sidekiq_tui.operations.audit_line import AuditedOperation, Verdict
    from sidekiq_tui.operations.history import UndoEntry, Unfinished

UNDO_FIELDS: Final = ("id", "kind", "words", "count", "at", "who", "expires", "whence", "here")
UNFINISHED_FIELDS: Final = (
    *("id", "kind", "who", "at", "count", "settled", "untouched", "parked", "running", "can_continue"),
    *("failed", "forgotten"),
)
AUDIT_FIELDS: Final = (*("n", "time", "id", "who", "server", "kind", "what", "count", "came_out", "ended_at", "undo"),)


def undo_record(entry: UndoEntry) -> Record:
    """Something that can be undone."""
    return {
        "id": entry.id,
        "kind": entry.kind,
        "words": entry.words,
        "count": entry.count,
        "at": number(entry.at),
        "who": entry.who,
        "expires": number(entry.expires),
        "whence": entry.whence,
        "here": entry.here,
    }


def unfinished_record(one: Unfinished) -> Record:
    """Something that was begun and not ended."""
    return {
        "id": one.id,
        "kind": one.kind,
        "who": one.who,
        "at": number(one.at),
        "count": one.count,
        "settled": one.settled,
        "untouched": one.untouched,
        "parked": one.parked,
        "running": one.running,
        "can_continue": one.can_continue,
        "failed": one.failed,
        "forgotten": one.forgotten,
    }


def audited_record(one: AuditedOperation) -> Record:
    """An operation with its outcome; `came_out` and `ended_at` are None as long as there is none."""
    intent, outcome = one.intent, one.outcome
    return {
        "n": intent.n,
        "time": number(intent.time),
        "id": intent.id,
        "who": intent.who,
        "server": intent.server,
        "kind": intent.kind,
        "what": intent.what,
        "count": intent.count,
        "came_out": None if outcome is None else outcome.ending,
        "ended_at": None if outcome is None else number(outcome.time),
        "undo": None if outcome is None else outcome.undo_id,
        "intent": line_record(intent.fields),
        "outcome": None if outcome is None else line_record(outcome.fields),
    }


def line_record(fields: Mapping[str, object]) -> Record:
    """A line of the audit as it was written."""
    return {str(name): plain(value) for name, value in fields.items()}


def verdict_record(verdict: Verdict) -> Record:
    """What checking the audit showed."""
    return {
        "whole": verdict.whole,
        "lines": verdict.lines,
        "files": verdict.files,
        "broken": list(verdict.broken),
        "notes": list(verdict.notes),
        "open": list(verdict.open),
        "servers": [
            *({"name": name, "compared": True, "error": None} for name in verdict.asked),
            *({"name": name, "compared": False, "error": why} for name, why in verdict.not_asked),
        ],
    }
