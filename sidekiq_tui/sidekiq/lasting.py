"""Whether what was written lasts: asked of the server that took it (operations-safety 12)."""

from __future__ import annotations

from typing import Final, Literal

from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.errors import ServerUnreachable, SidekiqError

DISK_WAIT: Final = 1000
REPLICA_WAIT: Final = 500
"""Milliseconds; shorter than the time limit of a reply."""


async def is_demoted(db: Database) -> bool:
    """Whether the server has become a replica; false where it may not be asked. Raises `ServerUnreachable`."""
    try:
        reply = await db.command(b"ROLE")
    except ServerUnreachable:
        raise
    except SidekiqError:
        return False
    return isinstance(reply, list) and bool(reply) and reply[0] != b"master"


async def unconfirmed(db: Database, by: Literal["fsync", "replica"]) -> str:
    """Why all that this connection has written is not yet safe on the disk, or on a replica; empty when it is.

    Waits for that, a second at most. Raises `ServerUnreachable`.
    """
    try:
        if by == "fsync":
            reply = await db.command(b"WAITAOF", 1, 0, DISK_WAIT)
            on_disk = isinstance(reply, list) and bool(reply) and reply[0] == 1
            return "" if on_disk else "its disk has not confirmed the last batch in time"
        reply = await db.command(b"WAIT", 1, REPLICA_WAIT)
        return "" if isinstance(reply, int) and reply >= 1 else "no replica has confirmed the last batch in time"
    except ServerUnreachable:
        raise
    except SidekiqError as error:
        return f"it cannot be asked whether the last batch is safe: {error}"
