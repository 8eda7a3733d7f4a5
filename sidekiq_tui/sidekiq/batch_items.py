"""What one entry of a batch does: each item is checked, carried out and answered for by itself (operations-safety 6).

An entry is found by its bytes. `old` is what lies there now, `new` what shall lie at the destination. An item adds
before it removes, so that nothing is lost where it stops. Items that there may be a million of are tuples: those are
made twice as fast.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from sidekiq_tui.sidekiq.keys import SetName

Signal = Literal["TSTP", "TERM", "TTIN"]
"""Quiet, stop, write all threads to the log (protocol 6.5)."""


class Move(NamedTuple):
    """From a set to the head of a queue, which is registered: retry, enqueue now."""

    source: SetName
    old: bytes
    queue: str
    new: bytes


class MoveInSets(NamedTuple):
    """From a set to another, or to other bytes in the same one: kill, edit, move to another queue by its payload.

    `score`: None keeps the one that it has by then, in the same set only.
    """

    source: SetName
    old: bytes
    target: SetName
    new: bytes
    score: float | None = None


class Reschedule(NamedTuple):
    """Another score, if the one there is still `known`."""

    source: SetName
    old: bytes
    known: float
    score: float


class DeleteFromSet(NamedTuple):
    """From a set to a trash key (a set with the old scores); for good without one."""

    source: SetName
    old: bytes
    trash: bytes | None


class DeleteFromQueue(NamedTuple):
    """One entry of a queue to a trash key (a list, in the order of deletion); for good without one.

    `tail`: it is nearer to the tail.
    """

    queue: str
    old: bytes
    trash: bytes | None
    tail: bool = False


class MoveFromQueue(NamedTuple):
    """One entry of a queue to another queue (its head, or its tail with `front`), or with `score` to a set.

    `stage`: the list of our own where it lies instead, since `queue` was rebuilt without it.
    """

    queue: str
    old: bytes
    new: bytes
    target_queue: str | None = None
    target_set: SetName | None = None
    score: float | None = None
    front: bool = False
    tail: bool = False
    stage: bytes | None = None


@dataclass(frozen=True, slots=True)
class EditInQueue:
    """Other bytes in the same place of a queue; refused while another operation rebuilds that queue."""

    queue: str
    old: bytes
    new: bytes
    tail: bool = False


@dataclass(frozen=True, slots=True)
class MoveToFront:
    """To the tail of its queue, to run next."""

    queue: str
    old: bytes


@dataclass(frozen=True, slots=True)
class Push:
    """A new job: to the head of a queue, which is registered, or with `score` into a set, if it is not there yet.

    `into`: another set than `schedule` for what was deleted and comes back from this machine's journal.
    """

    new: bytes
    queue: str | None = None
    score: float | None = None
    into: SetName = "schedule"


class TakeBack(NamedTuple):
    """Undo of a push, a retry or a move into a queue: `new` leaves `queue`; with `old`, that comes back to `target`."""

    queue: str
    new: bytes
    old: bytes | None = None
    target: SetName | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Unpush:
    """Undo of a scheduled push: the entry leaves its set."""

    source: SetName
    new: bytes


class RestoreToSet(NamedTuple):
    """From a trash set back to the set it came from, with its old score; what is there again stays (`x`)."""

    trash: bytes
    old: bytes
    target: SetName
    score: float


@dataclass(frozen=True, slots=True)
class RestoreToQueue:
    """From a trash list to the tail of a queue, where it runs next; the queue is registered."""

    trash: bytes
    old: bytes
    queue: str


@dataclass(frozen=True, slots=True)
class SendSignal:
    """A signal to a live process that is not embedded and has not the same one waiting."""

    identity: str
    signal: Signal


@dataclass(frozen=True, slots=True)
class Prune:
    """Forgets a process that is in `processes` but has no hash."""

    identity: str


@dataclass(frozen=True, slots=True)
class CancelIteration:
    """Asks an iterable job to stop: `now` in Unix seconds (protocol 10 and 12.24)."""

    jid: str
    now: int


@dataclass(frozen=True, slots=True)
class SetPaused:
    """Adds a queue to `paused`, or takes it out."""

    queue: str
    paused: bool


@dataclass(frozen=True, slots=True)
class ResetCounter:
    """Sets a lifetime counter to 0 if it still is `known`, or with `add` gives back what was there."""

    counter: Literal["processed", "failed"]
    known: int = 0
    add: int | None = None


@dataclass(frozen=True, slots=True)
class DeleteProfile:
    """Removes a profile of a run and its entry in the list."""

    key: str


Item = (
    Move
    | MoveInSets
    | Reschedule
    | DeleteFromSet
    | DeleteFromQueue
    | MoveFromQueue
    | EditInQueue
    | MoveToFront
    | Push
    | TakeBack
    | Unpush
    | RestoreToSet
    | RestoreToQueue
    | SendSignal
    | Prune
    | CancelIteration
    | SetPaused
    | ResetCounter
    | DeleteProfile
)

Result = Literal["1", "0", "x", "-", "D"]
"""Done; no longer there; the destination already has these bytes; not tried; a duplicate was left behind."""
