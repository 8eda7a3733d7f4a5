"""Open records of operations, for tests of what is done under them."""

from __future__ import annotations

from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.scripts import script


async def open_record(db: Database, id: str, generation: int = 1) -> bytes:
    """Begins an operation, and gives the key of its record."""
    keys = (db.keys.operation(id, generation), db.keys.operation_closed(id, generation), db.keys.operations)
    assert await db.command("EVAL", script("begin"), 3, *keys, id, 0, "kind", "test") == b"ok"
    return keys[0]
