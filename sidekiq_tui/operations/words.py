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
    PushAgain,
    ReturnStaged,
    SignalProcesses,
    ToFront,
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
    "front": "moved",
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
    "prune": "forgot",
    "cancel": "asked to stop",
    "reset": "reset",
    "profile": "deleted",
    "undo": "put back",
}
_SIGNALS: Final = {"TSTP": "quiet", "TERM": "stop", "TTIN": "dump the threads of"}
_SIGNALLED: Final = {"TSTP": "asked to go quiet", "TERM": "asked to stop", "TTIN": "asked for its threads"}
_Forms = tuple[str, str]
"""Of one, and of several."""
_GONE: Final[Mapping[str, _Forms]] = {
    "signal": ("was gone or is part of another program", "were gone or are part of another program"),
    "prune": ("lives", "live"),
    "pause": ("was so already", "were so already"),
    "push": ("was not pushed", "were not pushed"),
    "profile": ("was gone", "were gone"),
    "reset": ("had changed meanwhile", "had changed meanwhile"),
}
_TAKEN: Final = ("was no longer there", "were no longer there")
"""A worker or somebody else was faster."""
_EXISTS: Final[Mapping[str, _Forms]] = {
    "signal": ("had that signal waiting", "had that signal waiting"),
    "cancel": ("was asked before", "were asked before"),
    "pause": ("was so already", "were so already"),
}
_THERE: Final = ("was there already", "were there already")


def deed(operation: Operation) -> str:
    """What it does, in a word before how many: `delete`, `quiet`."""
    match operation:
        case SignalProcesses():
            return _SIGNALS[operation.signal]
        case Pause():
            return "pause" if operation.paused else "let run on"
        case Enlist() if operation.imported:
            return "import"
    return operation.kind


def what(operation: Operation, count: int, places: Mapping[str, int]) -> str:
    """The operation in words: `delete 118 from dead`, `move 3 jobs from queue mail to staging`."""
    whence = ""
    if isinstance(operation, OfJobs | Clear | Evacuate) and places:
        whence = f" from {', '.join(places)}"
    many = f"{count:,} {'job' if count == 1 else 'jobs'}"
    match operation:
        case MoveToQueue():
            return f"move {many}{whence} to queue {operation.queue}"
        case Copy() if operation.queue is not None:
            return f"copy {many}{whence} to queue {operation.queue}"
        case ToFront():
            return f"move {many}{whence} to the front"
        case Transfer() | Evacuate():
            return f"move {many}{whence} to {operation.target}"
        case CopyAcross():
            return f"copy {many}{whence} of {operation.source}"
        case ReturnStaged():
            return f"put back {many} that {operation.operation} parked"
        case PushAgain():
            return f"push {many} again"
        case Undo():
            return f"undo {operation.operation}: put back {count:,}"
    return f"{deed(operation)} {count:,}{whence}"


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
    """How it ended, in one line: `deleted 117, 1 was no longer there`."""
    return tallied(operation.kind, done(operation), tally, trouble)


def tallied(kind: str, verb: str, tally: Tally, trouble: str = "") -> str:
    """The same, where only the kind of the operation is known, and what was done to entries."""
    said = [f"{verb} {tally.done:,}"]
    if tally.gone:
        said.append(f"{tally.gone:,} {_form(tally.gone, _GONE.get(kind, _TAKEN))}")
    if tally.exists:
        said.append(f"{tally.exists:,} {_form(tally.exists, _EXISTS.get(kind, _THERE))}")
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


def _form(count: int, forms: _Forms) -> str:
    return forms[0] if count == 1 else forms[1]
