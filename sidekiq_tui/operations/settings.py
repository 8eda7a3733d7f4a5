"""How operations are carried out, as far as that is a matter of choice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Keep = Literal["keep", "server-only", "none"]
"""Where bytes for undo may lie: here and on the server; on the server alone; nowhere (operations-safety 13.1)."""

DAY: Final = 86400.0
UNDO_DAYS: Final = 7
TRASH_DAYS: Final = UNDO_DAYS + 2
"""When Redis itself drops a trash key that nobody reaped."""


@dataclass(frozen=True, slots=True)
class OperationSettings:
    """The tables `[journal]` and `[audit]`. Sizes in bytes, times in seconds."""

    payloads: Keep = "keep"
    """Unless the profile of a server says otherwise."""
    journal_size: int = 500 << 20
    undo_window: float = UNDO_DAYS * DAY
    audit_size: int = 16 << 20
    """A larger file is rotated."""
    audit_key: bytes | None = None
    """Signs the lines (HMAC-SHA-256); from the keyring, never from a file."""
    audit_command: tuple[str, ...] = ()
    """Gets each line on its standard input."""
    audit_syslog: bool = False
