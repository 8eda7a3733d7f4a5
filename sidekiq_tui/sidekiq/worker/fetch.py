"""Takes jobs from queues (protocol 15.1)."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from sidekiq_tui.sidekiq.database import Command, Database
from sidekiq_tui.sidekiq.errors import ReplyError
from sidekiq_tui.sidekiq.worker.config import CapsuleConfig

Connect = Callable[[], Database]
"""Makes a connection of its own. Its timeout must be longer than WAIT_SECONDS, and it must not retry by itself."""

WAIT_SECONDS: Final = 2
"""How long Redis is asked to wait for a job; also how long quieting may take."""

# Up to ARGV[1] jobs, from the queues in the order given: {index, payload, index, payload …}.
_TAKE: Final = b"""
local found = {}
local wanted = tonumber(ARGV[1])
for index, key in ipairs(KEYS) do
  if wanted == 0 then break end
  local some = redis.call('RPOP', key, wanted)
  if some then
    for _, payload in ipairs(some) do
      found[#found + 1] = index
      found[#found + 1] = payload
    end
    wanted = wanted - #some
  end
end
return found
"""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Unit:
    """A job as it was fetched: its bytes and the queue they came from."""

    queue: str
    raw: bytes


class Fetcher(Protocol):
    """Where the jobs of a capsule come from. Every method raises SidekiqError."""

    async def fetch(self, count: int) -> list[Unit]:
        """Up to `count` jobs, at least 1; none after WAIT_SECONDS. Must not be cancelled: a job could get lost."""
        ...

    async def done(self, unit: Unit) -> None:
        """The job has run, or has a place in another set."""
        ...

    def release(self, unit: Unit) -> list[Command]:
        """What makes Redis forget a job, for the transaction that gives it its next place; instead of `done`."""
        ...

    async def push_back(self, units: Sequence[Unit]) -> None:
        """Puts jobs back where the next fetch finds them first, byte for byte."""
        ...

    async def close(self) -> None:
        """Lets go of the connection."""
        ...


class BasicFetch:
    """As Ruby's: a job leaves Redis when it is fetched, so a process that is killed loses what it was running."""

    def __init__(self, connect: Connect, capsule: CapsuleConfig) -> None:
        self._db = connect()
        self._capsule = capsule
        self._scripts = True

    async def fetch(self, count: int) -> list[Unit]:
        """As the protocol says: first what is there, in one trip for all, else the first that comes."""
        names = queue_order(self._capsule)
        keys = [self._db.keys.queue(name) for name in names]
        if self._scripts:
            try:
                found = await self._db.command("EVAL", _TAKE, len(keys), *keys, count)
            except ReplyError:  # no scripts for this user or on this server: one by one will do
                self._scripts = False
            else:
                if units := units_of(found, names):
                    return units
        taken = await self._db.command("BRPOP", *keys, WAIT_SECONDS)
        if not isinstance(taken, list):
            return []
        key, raw = taken
        assert isinstance(key, bytes)
        assert isinstance(raw, bytes)
        return [Unit(names[keys.index(key)], raw)]

    async def done(self, unit: Unit) -> None:
        """Nothing: the job left Redis when it was fetched."""

    def release(self, unit: Unit) -> list[Command]:
        """Nothing, either."""
        return []

    async def push_back(self, units: Sequence[Unit]) -> None:
        """In one trip."""
        await self._db.read(back_commands(self._db, units))

    async def close(self) -> None:
        """Closes the connection."""
        await self._db.close()


def queue_order(capsule: CapsuleConfig) -> list[str]:
    """The queues in the order in which the next job is looked for."""
    if capsule.mode == "strict":
        return list(capsule.names)
    tickets = [name for name, weight in capsule.queues for _ in range(max(weight, 1))]
    random.shuffle(tickets)
    return list(dict.fromkeys(tickets))


def units_of(reply: object, names: Sequence[str]) -> list[Unit]:
    """The jobs in a script's flat answer of indexes (from 1) and payloads."""
    flat = reply if isinstance(reply, list) else []
    return [Unit(names[int(index) - 1], raw) for index, raw in zip(flat[::2], flat[1::2], strict=True)]


def back_commands(db: Database, units: Sequence[Unit]) -> list[Command]:
    """Puts jobs at the end that is fetched from; the first of them will be the first again."""
    by_queue: dict[str, list[bytes]] = {}
    for unit in reversed(units):
        by_queue.setdefault(unit.queue, []).append(unit.raw)
    return [("RPUSH", db.keys.queue(name), *raws) for name, raws in by_queue.items()]
