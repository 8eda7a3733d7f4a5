"""What an operation would do, found out without changing anything: dialogs, `--dry-run` and the audit show this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from sidekiq_tui.operations.catalog import Operation
from sidekiq_tui.operations.targets import Targets
from sidekiq_tui.servers.mark import ServerMark as ServerMark

Mode = Literal["A", "B", "C", "R"]
"""What the server and its user allow (operations-safety 3): all; no keys of our own; no scripts; nothing."""


@dataclass(frozen=True, slots=True)
class Price:
    """What carrying it out costs: script calls, seconds at the pace, bytes each way, and memory the server needs."""

    calls: int = 0
    seconds: float = 0.0
    sent: int = 0
    received: int = 0
    memory: int = 0
    longest_call: float = 0.0
    """Seconds that other clients wait at most for one call of ours."""


@dataclass(frozen=True, slots=True)
class Peer:
    """The other server of an operation between two. `writes`: whether it is changed, or only read."""

    name: str
    label: str | None
    mark: ServerMark
    user: str | None
    guarded: bool
    """Its name is asked for: it is guarded, or production."""
    writes: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """One operation on one server. Counts are exact unless `estimated`; times are Unix seconds."""

    operation: Operation
    server: str
    label: str | None
    mark: ServerMark
    mode: Mode
    user: str | None
    """The Redis user it runs as, where that may be asked."""
    count: int
    """Entries that it acts on."""
    made_at: float
    fingerprint: str
    """Hexadecimal; the same for the same operation on the same entries of the same server."""
    places: Mapping[str, int] = field(default_factory=dict)
    """Entries by place: retry, schedule, dead, `queue NAME`."""
    classes: tuple[tuple[str, int], ...] = ()
    """By class as shown, the most frequent first."""
    queues: tuple[tuple[str, int], ...] = ()
    """By the queue they go to, or lie in."""
    read: int = 0
    total: int = 0
    """How many entries were looked at, of how many."""
    estimated: bool = False
    """Classes are shares of an even sample."""
    stays: tuple[tuple[str, int], ...] = ()
    """What was selected and is left as it is: why, and how many."""
    notes: tuple[str, ...] = ()
    """Warnings, in words."""
    refused: str = ""
    """Why it cannot be done at all; empty when it can."""
    nothing: bool = False
    """It is refused only because there is nothing to do it to."""
    undo: str = ""
    """How it can be undone, in words, or that it cannot."""
    price: Price = Price()
    peer: Peer | None = None
    """Of an operation between two servers: the other one."""
    targets: Targets | None = None
    """The entries themselves, for operations on jobs."""
