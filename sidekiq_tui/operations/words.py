"""What operations and their ends are called, in one line for a person and for the audit. No filter, no arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sidekiq_tui.operations.catalog import (
    Clear,
    Copy,
    CopyAcross,
    Enlist,
    Evacuate,
    MoveToQueue,
    OfJobs,
    Operation,
    Pause,
    ReturnStaged,
    SignalProcesses,
    Transfer,
    Undo,
)
from sidekiq_tui.operations.outcome import Tally

DONE: Final[Mapping[str, str]] = {
    "retry": "retried",
    "enqueue": "enqueued",
    "kill": "killed",
    "delete": "deleted",
    "reschedule": "rescheduled",
    "edit": "edited",
    "move": "moved",
    "front": "moved to the front",
    "copy": "copied",
    "push": "pushed",
    "transfer": "moved",
    "evacuate": "moved",
    "copy-across": "copied",
    "synchronise": "copied",
    "return": "put back",
    "push-again": "pushed again",
    "clear": "cleared",
    "pause": "paused",
    "signal": "signalled",
    "prune": "pruned",
    "cancel": "asked to stop",
    "reset": "reset",
    "profile": "deleted",
    "undo": "put back",
}
_SIGNALS: Final = {"TSTP": "quiet", "TERM": "stop", "TTIN": "dump the threads of"}
_SIGNALLED: Final = {"TSTP": "asked to go quiet", "TERM": "asked to stop", "TTIN": "asked for its threads"}
_GONE: Final[Mapping[str, str]] = {
    "signal": "were gone or are part of another program",
    "prune": "live",
    "pause": "were so already",
    "undo": "were no longer there",
    "push": "were not pushed",
    "profile": "were gone",
    "reset": "had changed meanwhile",
}
_EXISTS: Final[Mapping[str, str]] = {
    "signal": "had that signal waiting",
    "cancel": "were asked before",
    "pause": "were so already",
}


def deed(operation: Operation) -> str:
    """What it does, without how many: `delete`, `move to low`, `quiet`."""
    match operation:
        case MoveToQueue():
            return f"move to {operation.queue}"
        case Copy() if operation.queue is not None:
            return f"copy to {operation.queue}"
        case Transfer() | Evacuate():
            return f"move to {operation.target}"
        case CopyAcross():
            return f"copy from {operation.source}"
        case ReturnStaged():
            return f"return what {operation.operation} parked"
        case SignalProcesses():
            return _SIGNALS[operation.signal]
        case Pause():
            return "pause" if operation.paused else "let run on"
        case Enlist() if operation.imported:
            return "import"
        case Undo():
            return f"undo {operation.operation}"
    return operation.kind


def what(operation: Operation, count: int, places: Mapping[str, int]) -> str:
    """The operation in words: `delete 118 from dead`."""
    said = f"{deed(operation)} {count:,}"
    if isinstance(operation, OfJobs | Clear | Evacuate) and places:
        said += f" from {', '.join(places)}"
    return said


def done(operation: Operation) -> str:
    """What was done to entries: `deleted`."""
    match operation:
        case SignalProcesses():
            return _SIGNALLED[operation.signal]
        case Pause() if not operation.paused:
            return "let run on"
        case Enlist() if operation.imported:
            return "imported"
    return DONE[operation.kind]


def ended(operation: Operation, tally: Tally, trouble: str = "") -> str:
    """How it ended, in one line: `deleted 117, 1 had moved meanwhile`."""
    return tallied(operation.kind, done(operation), tally, trouble)


def tallied(kind: str, verb: str, tally: Tally, trouble: str = "") -> str:
    """The same, where only the kind of the operation is known, and what was done to entries."""
    said = [f"{verb} {tally.done:,}"]
    if tally.gone:
        said.append(f"{tally.gone:,} {_GONE.get(kind, 'had moved meanwhile')}")
    if tally.exists:
        said.append(f"{tally.exists:,} {_EXISTS.get(kind, 'were there already')}")
    if tally.refused:
        said.append(f"{tally.refused:,} left as they are")
    if tally.malformed:
        said.append(f"{tally.malformed:,} malformed left as they are")
    if tally.duplicated:
        said.append(f"{tally.duplicated:,} now twice")
    if tally.unknown:
        said.append(f"of {tally.unknown:,} the outcome is unknown")
    if tally.untouched:
        said.append(f"{tally.untouched:,} untouched")
    line = ", ".join(said)
    return f"{trouble}: {line}" if trouble else line
