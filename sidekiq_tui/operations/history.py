"""What operations left behind, as lists show it: what can be undone, and what was begun and not ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Whence = Literal["trash", "journal", "opposite"]


@dataclass(frozen=True, slots=True)
class UndoEntry:
    """An operation that can be undone, at least in part. Times are Unix seconds."""

    id: str
    server: str
    kind: str
    words: str
    """What was done, for a person: `deleted 117 from dead`."""
    count: int
    at: float
    who: str
    expires: float | None
    whence: Whence
    here: bool
    """Whether this machine's journal knows it (another machine's deletes can be undone from the trash)."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An operation that was begun and has no end: its sqtui was killed, or runs elsewhere, or lost the server."""

    id: str
    server: str
    kind: str
    who: str
    at: float
    count: int
    """Entries it was confirmed for; 0 when nobody knows."""
    settled: int
    """Entries of which it is known what became of them."""
    parked: int
    """Jobs in staging keys, which no worker sees until it is resumed."""
    running: bool
    """Its sqtui lives, here or elsewhere as far as can be told."""
    can_continue: bool
    """This machine's journal knows what is still to do."""
    peer: str | None = None
    """Of a move between servers: the name of the one that the jobs go to."""

    failed: bool = False
    """It has an end, before which it could not do all: what is left waits here."""
    forgotten: int = 0
    """Entries of which the server, which went back in time, has forgotten that they were done."""

    @property
    def untouched(self) -> int:
        """Entries it never reached."""
        return max(0, self.count - self.settled)
