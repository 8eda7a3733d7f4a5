"""Writes that must not get lost: sent again until Redis has taken them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from sidekiq_tui.sidekiq.database import Command, Database
from sidekiq_tui.sidekiq.errors import ReplyError, SidekiqError
from sidekiq_tui.sidekiq.worker.logs import LOGGER

FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 5.0


async def transaction(db: Database, commands: Sequence[Command]) -> None:
    """Runs commands in one transaction. Raises SidekiqError, also when one of them was refused as it ran."""
    done = (await db.read([("MULTI",), *commands, ("EXEC",)]))[-1]
    for answer in list(done) if isinstance(done, list) else []:
        if isinstance(answer, Exception):
            raise ReplyError(str(answer))


async def persist(db: Database, commands: Sequence[Command]) -> None:
    """Runs commands in one transaction, again until it succeeds; cancelling ends it.

    Only for what may run twice: a reply may get lost after the server has done it.
    """
    pause = FIRST_PAUSE
    while True:
        try:
            await transaction(db, commands)
            return
        except SidekiqError as error:
            LOGGER.error("%s failed, trying again: %s", commands[0][0], error)
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
