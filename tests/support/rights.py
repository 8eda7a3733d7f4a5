"""Users without some rights, and servers that can't be asked for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

from sidekiq_tui.sidekiq.batch_items import Item
from sidekiq_tui.sidekiq.batch_wire import batch_command
from sidekiq_tui.sidekiq.database import Command, Database
from sidekiq_tui.sidekiq.operation_record import RecordKeys
from tests.support.batch_cases import ID, KEYS, NOW

RECORD: Final = RecordKeys(KEYS, ID)
_ASKS: Final = b"if redis.acl_check_cmd then"


def opened(url: str) -> redis.asyncio.Redis:
    """A client that never tries again."""
    return redis.asyncio.Redis.from_url(url, protocol=2, legacy_responses=False, retry=Retry(NoBackoff(), 0))


async def rights(db: Database, *rules: str) -> None:
    """Gives the user `ops` all rights, apart from these rules."""
    await db.command("ACL", "SETUSER", "ops", "resetkeys", "~*", "nocommands", "+@all", *rules)


def unasked(items: Iterable[Item]) -> Command:
    """The batch as a server before 7.0 runs it, which can't be asked for rights."""
    command = batch_command(KEYS, RECORD.record, 0, "first", list(items), now=NOW)
    text = command[1]
    assert isinstance(text, bytes)
    assert _ASKS in text
    return (command[0], text.replace(_ASKS, b"if false then"), *command[2:])
