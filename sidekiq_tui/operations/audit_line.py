"""One line of the audit, read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Step = Literal["intent", "outcome", "begin"]
"""Before the first write; after the last; the start of a file."""


@dataclass(frozen=True, slots=True)
class AuditLine:
    """What the audit says of one step. Texts are as stored, not made safe; `fields` is all of it."""

    n: int
    time: float
    step: Step
    id: str
    who: str
    server: str
    kind: str
    what: str
    """The operation in words: `delete 118 from dead`."""
    count: int
    ending: str = ""
    """How it came out, in words; empty for an intent."""
    undo_id: str | None = None
    fields: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuditedOperation:
    """An intent and its outcome, side by side, as the Audit screen lists them."""

    intent: AuditLine
    outcome: AuditLine | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What checking the chain showed. `broken` empty: nobody has edited it, as far as it can tell."""

    lines: int
    files: int
    broken: tuple[str, ...] = ()
    """Edited, missing or cut lines, in words."""
    notes: tuple[str, ...] = ()
    """What is odd and no proof: repaired lines, files that were removed, a clock that went back."""
    open: tuple[str, ...] = ()
    """Ids of operations without an outcome: under way, or crashed."""
    asked: tuple[str, ...] = ()
    """Servers whose records were compared."""
    not_asked: tuple[tuple[str, str], ...] = ()
    """Servers that could not be asked, and why."""

    @property
    def whole(self) -> bool:
        """Whether the chain holds."""
        return not self.broken
