"""What tests of batches share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from sidekiq_tui.sidekiq.database import Database
from tests.support.rights import opened, rights


@pytest.fixture
async def restricted(db: Database, redis_url: str) -> AsyncIterator[Database]:
    """Another connection, of a user whose rights a test takes away."""
    await db.command("ACL", "SETUSER", "ops", "on", "nopass")
    await rights(db)
    client = opened(redis_url.replace("unix://", "unix://ops:any@"))
    yield Database(client)
    await client.aclose()
