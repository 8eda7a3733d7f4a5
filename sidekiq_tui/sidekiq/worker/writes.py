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


# KEYS: of all commands. ARGV: for each command its number of parts, then these. The first that is refused ends it.
_ALL: Final = b"""
local at = 1
while at <= #ARGV do
  local last = at + tonumber(ARGV[at])
  local done = redis.pcall(unpack(ARGV, at + 1, last))
  if type(done) == 'table' and done.err then return done end
  at = last + 1
end
return 1
"""


async def transaction(db: Database, commands: Sequence[Command], release: Sequence[Command] = ()) -> None:
    """Runs commands in one transaction, and `release` only if none was refused. Raises SidekiqError.

    A transaction of Redis goes on after a command that is refused as it runs, so with `release` it is a script.
    """
    if release and commands:
        every = [*commands, *release]
        keys = [command[1] for command in every]
        parts = [part for command in every for part in (len(command), *command)]
        await db.command("EVAL", _ALL, len(keys), *keys, *parts)
        return
    done = (await db.read([("MULTI",), *commands, *release, ("EXEC",)]))[-1]
    for answer in list(done) if isinstance(done, list) else []:
        if isinstance(answer, Exception):
            raise ReplyError(str(answer))


async def persist(db: Database, commands: Sequence[Command], release: Sequence[Command] = ()) -> None:
    """The same, again and again until it succeeds; cancelling ends it.

    Only for what may run twice: a reply may get lost after the server has done it.
    """
    pause = FIRST_PAUSE
    while True:
        try:
            await transaction(db, commands, release)
            return
        except SidekiqError as error:
            LOGGER.error("%s failed, trying again: %s", commands[0][0], error)
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
