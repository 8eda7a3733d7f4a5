"""Where the way back of an operation lies, as far as rights and settings allow one."""

from __future__ import annotations

from typing import Final

from sidekiq_tui.operations.catalog import Copy, CopyAcross, Edit, Enlist, Enqueue, Operation, Retry
from sidekiq_tui.operations.journal import UndoKind
from sidekiq_tui.operations.plan import Mode
from sidekiq_tui.operations.settings import Keep

NOT_KEPT: Final = "cannot be undone: the settings keep no copies of jobs (journal.payloads)"
NO_SCRIPTS: Final = "cannot be undone: without scripts no job can be found again in a queue"


def undo_kind(operation: Operation, mode: Mode, kept: Keep) -> UndoKind:
    """Where what undo needs is kept when an operation is carried out in that mode."""
    kind = operation.undoable
    if mode == "C" and isinstance(operation, Retry | Enqueue | Copy | CopyAcross | Enlist):
        return "no"
    if kind == "trash":
        if kept == "none" or not getattr(operation, "keep", True):
            return "no"
        here = mode == "B" or getattr(operation, "here", False)
        return "trash" if not here else "journal" if kept == "keep" else "no"
    return "no" if kind == "journal" and kept != "keep" else kind


def no_undo(operation: Operation, mode: Mode, kept: Keep) -> str:
    """Why there is no way back though the operation has one elsewhere; empty when that is not so."""
    if undo_kind(operation, mode, kept) != "no" or undo_kind(operation, "A", "keep") == "no":
        return ""
    return NOT_KEPT if undo_kind(operation, mode, "keep") != "no" else NO_SCRIPTS


def writes_payloads(operation: Operation) -> bool:
    """Whether what it is told to do is itself a part of jobs, as new arguments are."""
    return isinstance(operation, Enlist) or (isinstance(operation, Copy | Edit) and bool(operation.fields))
