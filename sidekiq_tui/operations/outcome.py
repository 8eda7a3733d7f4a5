"""How far an operation is, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Ending = Literal["done", "stopped", "failed", "unknown", "refused"]
"""All tried; a person stopped it; the server or this machine refused to go on; a server cannot be reached to ask;
nothing was begun."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the entries (operations-safety, I3)."""

    done: int = 0
    gone: int = 0
    """No longer there: taken, run, deleted or changed by somebody else."""
    exists: int = 0
    """The destination already has these bytes."""
    refused: int = 0
    malformed: int = 0
    unknown: int = 0
    duplicated: int = 0
    untouched: int = 0

    @property
    def settled(self) -> int:
        """Entries of which it is known what became of them, untouched ones aside."""
        return self.done + self.gone + self.exists + self.refused + self.malformed + self.duplicated


@dataclass(frozen=True, slots=True)
class Progress:
    """A running operation at one moment; `rate` in entries a second, `elapsed` in seconds."""

    total: int
    tally: Tally
    state: Literal["running", "paused", "checking", "waiting", "ended"]
    rate: float | None = None
    elapsed: float = 0.0
    words: str = ""
    """What it is waiting for, or why it stopped."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of an operation. `undo_id`: what `undo` takes; None when there is nothing to undo."""

    id: str
    ending: Ending
    tally: Tally
    words: str
    """One line for a person: `deleted 117, 1 had already run`."""
    undo_id: str | None = None
    error: str = ""
    details: Mapping[str, object] = field(default_factory=dict)
    """More for JSON: per queue, jids of duplicates, where it stopped."""
