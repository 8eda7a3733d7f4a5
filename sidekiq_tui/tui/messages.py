"""What parts of the terminal tell each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from sidekiq_tui.servers.snapshot import ServerSnapshot

if TYPE_CHECKING:
    from sidekiq_tui.operations.global_plan import GlobalRun
    from sidekiq_tui.operations.run import Run


@dataclass
class SnapshotsArrived(Message):
    """Some servers answered, or failed to, since the last one of these."""

    snapshots: Mapping[str, ServerSnapshot]
    """The newest snapshot of each of them."""


@dataclass
class GoTo(Message):
    """A screen wants another view in front."""

    view: str
    """The name of the view."""
    server: str | None = None
    """The server to look at; None keeps the scope."""
    filter: str = ""
    """What to filter it by."""
    queue: str = ""
    """The queue to open from it."""
    everywhere: bool = False
    """On all servers there are."""
    job: str = ""
    """The JID of the job to look for and to follow."""


@dataclass
class LookAt(Message):
    """Another server is wanted in the view in front."""

    server: str | None
    """Its name; None for all."""
    group: str | None = None
    """With all: those of this group, of any where it is empty; None: as it was."""


@dataclass
class ActionChosen(Message):
    """An action was chosen by a chord or in the palette; it bubbles as a key does, so it runs in its turn."""

    action_id: str
    """The action's id in the registry."""
    argument: str = ""
    """What followed its word on the command line."""


@dataclass
class CommandChosen(Message):
    """A whole command line was chosen in the palette."""

    text: str
    """What one would type after `:`."""


@dataclass
class KeyDone(Message):
    """Follows a key through the same queues: when it arrives at the app, the key has done what it does."""

    number: int
    """Which key of this run."""
    again: bool = False
    """Whether it is the second one of its key."""


@dataclass
class RunBegan(Message):
    """An operation was started."""

    run: Run


@dataclass
class RunEnded(Message):
    """An operation has an outcome."""

    run: Run


@dataclass
class ManyBegan(Message):
    """One deed was begun on several servers."""

    run: GlobalRun


@dataclass
class ManyEnded(Message):
    """One of the servers of such a deed has an outcome."""

    run: GlobalRun
    server: str


@dataclass
class LeaveWanted(Message):
    """Somebody wants to leave the app."""
