"""What can be done to a server: one class an operation, with what it is done to and how. Nothing happens here.

Names and effects are Sidekiq's own where it has them (protocol 12); times are Unix seconds, durations seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from sidekiq_tui.operations.selection import Selection
from sidekiq_tui.servers.profile import Access
from sidekiq_tui.sidekiq.batch_items import Signal
from sidekiq_tui.sidekiq.job import JobRecord

Undoable = Literal["trash", "journal", "opposite", "no"]
"""Where the way back lies: in the server's trash, in this machine's journal, in the opposite deed, nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """The common part. `level`: the access it needs; `destroys`: whether jobs leave every list of Sidekiq's."""

    kind: ClassVar[str]
    level: ClassVar[Access] = "operate"
    undoable: ClassVar[Undoable] = "journal"
    destroys: ClassVar[bool] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OfJobs(Operation):
    """What is done to jobs."""

    jobs: Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry(OfJobs):
    """Retry and dead jobs go to their queue with one retry less counted (12.4); scheduled ones as `Enqueue`.

    `reset`: counts and errors are forgotten, so that all retries are had again. `drain`: may run on a full server.
    """

    kind: ClassVar[str] = "retry"
    reset: bool = False
    drain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Enqueue(OfJobs):
    """To their queue at once, counts untouched (12.6)."""

    kind: ClassVar[str] = "enqueue"
    drain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill(OfJobs):
    """To the dead set, payload unchanged (12.7, 12.31)."""

    kind: ClassVar[str] = "kill"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete(OfJobs):
    """To the trash, which sqtui empties after a week; without `keep` for good."""

    kind: ClassVar[str] = "delete"
    undoable: ClassVar[Undoable] = "trash"
    destroys: ClassVar[bool] = True
    keep: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Reschedule(OfJobs):
    """Retries and scheduled jobs to a time, by an offset, or spread evenly over `over` seconds from `at` (or now)."""

    kind: ClassVar[str] = "reschedule"
    at: float | None = None
    by: float | None = None
    over: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit(OfJobs):
    """Sets and drops top-level fields of the payload; all other bytes stay. `args`: ActiveJob's inner arguments too."""

    kind: ClassVar[str] = "edit"
    fields: Mapping[str, object] = field(default_factory=dict)
    drop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveToQueue(OfJobs):
    """To another queue: those in queues move, those in sets get its name in their payload (12.29)."""

    kind: ClassVar[str] = "move"
    queue: str
    front: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ToFront(OfJobs):
    """To the front of their own queue: they run next."""

    kind: ClassVar[str] = "front"
    undoable: ClassVar[Undoable] = "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy(OfJobs):
    """Copies with a new jid each, to a queue, or at a time into the schedule; the originals stay."""

    kind: ClassVar[str] = "copy"
    queue: str | None = None
    at: float | None = None
    fields: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Across(OfJobs):
    """To another server: into the same queue or set there, or to `queue`, which those in sets get into their payload.

    `fields` and `drop` as `Edit` has them. `redact`: rules of the target's profile (see `redaction`) by which values
    are replaced. Else bytes stay as they are.
    """

    queue: str | None = None
    fields: Mapping[str, object] = field(default_factory=dict)
    drop: tuple[str, ...] = ()
    redact: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(Across):
    """Moves jobs to the server `target`, each once, in their order (operations-safety 11). Planned on the source."""

    kind: ClassVar[str] = "transfer"
    target: str
    drain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyAcross(Across):
    """Copies jobs from the server `source`, from which nothing is taken. Planned on the target."""

    kind: ClassVar[str] = "copy-across"
    source: str
    new_jids: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Synchronise(CopyAcross):
    """Makes a queue or set hold what the source's does, by jid: copies what is missing. `jobs` is a `Whole` there."""

    kind: ClassVar[str] = "synchronise"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evacuate(Operation):
    """Moves everything that waits on a server to the server `target`: all queues and all three sets."""

    kind: ClassVar[str] = "evacuate"
    level: ClassVar[Access] = "full"
    target: str
    redact: tuple[str, ...] = ()
    drain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PushAgain(Operation):
    """Jobs that this server had taken from another one and has forgotten, as it had them, with their place there."""

    kind: ClassVar[str] = "push-again"
    lost: tuple[JobRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnStaged(Operation):
    """Ends an unfinished move: jobs that are parked return to their places, unless the target has them.

    `force`: also when the target cannot say so; they may run twice then.
    """

    kind: ClassVar[str] = "return"
    undoable: ClassVar[Undoable] = "no"
    operation: str
    force: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Enlist(Operation):
    """New jobs, as payloads ready to push (see `new_jobs`): each with its queue, or its time for the schedule."""

    kind: ClassVar[str] = "push"
    payloads: tuple[tuple[bytes, str, float | None], ...]
    imported: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Clear(Operation):
    """A whole queue or set, at once, whatever its size. Without `keep` it is freed and cannot be undone.

    `here`: the copy for undo is kept on this machine instead of in the server's trash; it goes there bit by bit.
    """

    kind: ClassVar[str] = "clear"
    level: ClassVar[Access] = "full"
    undoable: ClassVar[Undoable] = "trash"
    destroys: ClassVar[bool] = True
    place: Selection
    keep: bool = True
    here: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause(Operation):
    """Pauses a queue (`paused` true) or lets it run on: only Sidekiq Pro's workers obey (12.23)."""

    kind: ClassVar[str] = "pause"
    undoable: ClassVar[Undoable] = "opposite"
    queues: tuple[str, ...]
    paused: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalProcesses(Operation):
    """Quiets (TSTP), stops (TERM) processes, or has them log their threads (TTIN). Stopping needs full access."""

    kind: ClassVar[str] = "signal"
    undoable: ClassVar[Undoable] = "no"
    signal: Signal
    identities: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneProcesses(Operation):
    """Forgets processes that died without a word."""

    kind: ClassVar[str] = "prune"
    level: ClassVar[Access] = "full"
    undoable: ClassVar[Undoable] = "no"
    identities: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelJobs(Operation):
    """Asks iterable jobs to stop at their next step."""

    kind: ClassVar[str] = "cancel"
    undoable: ClassVar[Undoable] = "no"
    jids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetStatistics(Operation):
    """Sets the lifetime counters to 0; the days' counters stay."""

    kind: ClassVar[str] = "reset"
    level: ClassVar[Access] = "full"
    counters: tuple[Literal["processed", "failed"], ...] = ("processed", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteProfiles(Operation):
    """Removes profiles of single runs."""

    kind: ClassVar[str] = "profile"
    level: ClassVar[Access] = "full"
    undoable: ClassVar[Undoable] = "no"
    profiles: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo(Operation):
    """Takes back what an operation did, as far as that still can be (operations-safety 10).

    `operation`: its id. `only`: digests of the entries to restore from the trash; None for all.
    """

    kind: ClassVar[str] = "undo"
    undoable: ClassVar[Undoable] = "no"
    operation: str
    only: tuple[bytes, ...] | None = None
