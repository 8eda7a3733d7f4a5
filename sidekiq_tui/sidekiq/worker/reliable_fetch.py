"""Takes jobs so that a killed process loses none: each stays in a list of its process until it is done.

A private list is moved back to its queue once the process that owns it has no heartbeat any more. So a job may run
twice, as after Sidekiq's own shutdown, but never gets lost. The keys are our own, not those of Sidekiq Pro.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Final
from weakref import WeakSet

from sidekiq_tui.sidekiq.database import Command, Database
from sidekiq_tui.sidekiq.errors import ReplyError, SidekiqError
from sidekiq_tui.sidekiq.payload import to_text
from sidekiq_tui.sidekiq.replies import natural
from sidekiq_tui.sidekiq.worker.config import CapsuleConfig
from sidekiq_tui.sidekiq.worker.fetch import WAIT_SECONDS, Connect, Unit, queue_order, units_of
from sidekiq_tui.sidekiq.worker.logs import LOGGER

SHORT_WAIT: Final = 0.02
LONG_WAIT: Final = 0.25
"""Seconds between two looks at several queues, which Redis cannot wait for while it moves: the longer none came."""
RECOVER_SECONDS: Final = 30.0
_UNSEEN: Final = -1
UNSURE_SECONDS: Final = 2.0 * WAIT_SECONDS
"""How long after a fetch without an answer Redis may still be doing what it was asked."""

# KEYS: the process, the registry, then a queue and its private list for each. ARGV: how many, then a name in the
# registry for each queue. {index, payload, index, payload …}, or -1 where nobody would believe that the process lives:
# what it took could be taken from it at once. A list is popped before it is pushed to: a script that has written may
# go on where memory has run out.
_TAKE: Final = b"""
if redis.call('EXISTS', KEYS[1]) == 0 then return -1 end
local found = {}
local wanted = tonumber(ARGV[1])
for index = 1, #ARGV - 1 do
  local queue, private = KEYS[index * 2 + 1], KEYS[index * 2 + 2]
  local before = wanted
  while wanted > 0 do
    local kind = redis.call('TYPE', private).ok
    if kind ~= 'none' and kind ~= 'list' then return redis.error_reply('WRONGTYPE of a private list') end
    local payload = redis.call('RPOP', queue)
    if not payload then break end
    redis.call('LPUSH', private, payload)
    found[#found + 1] = index
    found[#found + 1] = payload
    wanted = wanted - 1
  end
  if wanted < before then redis.call('SADD', KEYS[2], ARGV[index + 1]) end
end
return found
"""

# KEYS: a private list and its queue for each. ARGV: the payloads, in the order in which they go to the queue's end that
# is fetched from. What is not in the private list any more has a place elsewhere. Returns how many were moved.
_BACK: Final = b"""
local moved = 0
for index = 1, #ARGV do
  local private, queue = KEYS[index * 2 - 1], KEYS[index * 2]
  if redis.call('LREM', private, 1, ARGV[index]) == 1 then
    local pushed = redis.pcall('RPUSH', queue, ARGV[index])
    if type(pushed) == 'number' then moved = moved + 1 else redis.call('RPUSH', private, ARGV[index]) end
  end
end
return moved
"""

# KEYS: the process, its private list, the queue, `queues`, the registry. ARGV: the queue's name, the name in the
# registry. All that is in the list goes back to the queue, the first that was taken as the next to run. Returns how
# many; -1 if the process lives, -2 if the queue refuses.
_RECOVER: Final = b"""
if redis.call('EXISTS', KEYS[1]) == 1 then return -1 end
local moved = 0
while true do
  local payload = redis.call('LPOP', KEYS[2])
  if not payload then break end
  local pushed = redis.pcall('RPUSH', KEYS[3], payload)
  if type(pushed) ~= 'number' then
    redis.call('LPUSH', KEYS[2], payload)
    return -2
  end
  moved = moved + 1
end
if moved > 0 then redis.call('SADD', KEYS[4], ARGV[1]) end
redis.call('SREM', KEYS[5], ARGV[2])
return moved
"""


# KEYS: the registry, private lists. ARGV: their names in the registry. Those that are empty leave it.
_UNREGISTER: Final = b"""
for index = 1, #ARGV do
  if redis.call('EXISTS', KEYS[index + 1]) == 0 then redis.call('SREM', KEYS[1], ARGV[index]) end
end
"""


class ReliableFetch:
    """A fetcher that keeps each job in Redis while it runs. Needs Redis 6.2 and a user that may run scripts."""

    def __init__(
        self, connect: Connect, capsule: CapsuleConfig, identity: str, *, shared: Collection[str] = ()
    ) -> None:
        """`shared`: queues from which other capsules of the process take jobs too."""
        self._db = connect()
        self._acks = connect()
        """A connection of its own: the other one may be waiting for a job."""
        self._capsule = capsule
        self._identity = identity
        self._wait = SHORT_WAIT
        self._done: list[Unit] = []
        self._forgetting: asyncio.Task[None] | None = None
        self._shared = frozenset(shared)
        self._held: WeakSet[Unit] = WeakSet()
        """What was given to the capsule; it lives there until it has its next place."""
        self._strays: list[Unit] = []
        self._unsure_until: float | None = None

    async def fetch(self, count: int) -> list[Unit]:
        """Moves up to `count` jobs into the process's own lists; none before its first heartbeat.

        After a fetch without an answer it gives what that one may have moved.
        """
        if self._unsure_until is not None and not self._strays:
            over = time.monotonic() >= self._unsure_until
            self._strays = await self._find_strays()
            if over:
                self._unsure_until = None
        if self._strays:
            units, self._strays = self._strays[:count], self._strays[count:]
        else:
            try:
                units = await self._take(count)
            except SidekiqError:
                self._unsure_until = time.monotonic() + UNSURE_SECONDS
                raise
        self._held.update(units)
        return units

    async def _find_strays(self) -> list[Unit]:
        """The jobs in the process's own lists that nobody here knows of, the first that was taken first.

        Not of queues that capsules share: there they may be another one's. They wait until the process is gone.
        """
        names = [name for name in self._capsule.names if name not in self._shared]
        known = Counter((unit.queue, unit.raw) for unit in self._held)  # before asking: none may end meanwhile
        keys = self._db.keys
        replies = await self._db.read([("LRANGE", keys.fetched(self._identity, name), 0, -1) for name in names])
        strays: list[Unit] = []
        for name, reply in zip(names, replies, strict=True):
            there = [raw for raw in reply if isinstance(raw, bytes)] if isinstance(reply, list) else []
            for raw in reversed(there):
                if known[name, raw]:
                    known[name, raw] -= 1
                else:
                    strays.append(Unit(name, raw))
        if strays:
            LOGGER.warning("%d jobs were fetched without an answer and run now", len(strays))
        return strays

    async def _take(self, count: int) -> list[Unit]:
        names = queue_order(self._capsule)
        keys = self._db.keys
        pairs = [key for name in names for key in (keys.queue(name), keys.fetched(self._identity, name))]
        entries = [entry(self._identity, name) for name in names]
        found = await self._db.command(
            "EVAL", _TAKE, 2 + len(pairs), keys.process(self._identity), keys.fetches, *pairs, count, *entries
        )
        if found == _UNSEEN:
            await asyncio.sleep(SHORT_WAIT)
            return []
        units = units_of(found, names)
        if units:
            self._wait = SHORT_WAIT
            return units
        if len(names) == 1:
            return await self._wait_for(names[0], entries[0])
        await asyncio.sleep(self._wait)
        self._wait = min(2 * self._wait, LONG_WAIT)
        return []

    async def _wait_for(self, name: str, registered: str) -> list[Unit]:
        """The first job that comes to a queue. Redis registers the list even if this process is killed meanwhile."""
        keys = self._db.keys
        move: Command = (
            *("BLMOVE", keys.queue(name), keys.fetched(self._identity, name)),
            *("RIGHT", "LEFT", WAIT_SECONDS),
        )
        replies = await self._db.pipeline([move, ("SADD", keys.fetches, registered)])
        if isinstance(replies[0], ReplyError):  # an old server, or one out of memory: only the script may go on there
            await asyncio.sleep(LONG_WAIT)
            return []
        if isinstance(replies[0], SidekiqError):
            raise replies[0]
        return [Unit(name, replies[0])] if isinstance(replies[0], bytes) else []

    async def done(self, unit: Unit) -> None:
        """Forgets the job soon, with others that end meanwhile."""
        self._done.append(unit)
        if self._forgetting is None or self._forgetting.done():
            self._forgetting = asyncio.create_task(self._forget(), name="reliable fetch")

    def release(self, unit: Unit) -> list[Command]:
        """Forgets a job in the same transaction in which it gets its next place."""
        return [("LREM", self._db.keys.fetched(self._identity, unit.queue), 1, unit.raw)]

    async def push_back(self, units: Sequence[Unit]) -> None:
        """Moves jobs back where the next fetch finds them first; not what has its next place already."""
        keys = self._db.keys
        backwards = list(reversed(units))
        pairs = [key for one in backwards for key in (keys.fetched(self._identity, one.queue), keys.queue(one.queue))]
        await self._acks.command("EVAL", _BACK, len(pairs), *pairs, *(one.raw for one in backwards))

    async def close(self) -> None:
        """Closes the connections, once Redis knows what is done or did not answer in time."""
        if self._forgetting is not None:
            await asyncio.wait([self._forgetting], timeout=WAIT_SECONDS)
            self._forgetting.cancel()
        try:
            await self._unregister()
        except SidekiqError as error:  # whoever recovers will do it
            LOGGER.error("the private lists are still registered: %s", error)
        await self._db.close()
        await self._acks.close()

    async def _unregister(self) -> None:
        keys, names = self._db.keys, self._capsule.names
        lists = [keys.fetched(self._identity, name) for name in names]
        entries = [entry(self._identity, name) for name in names]
        await self._acks.command("EVAL", _UNREGISTER, 1 + len(lists), keys.fetches, *lists, *entries)

    async def _forget(self) -> None:
        while self._done:
            units, self._done = self._done, []
            try:
                await self._acks.read([command for unit in units for command in self.release(unit)])
            except SidekiqError as error:
                # Those that are forgotten already are looked for in vain the next time.
                LOGGER.error("%d jobs that are done could not be forgotten, trying again: %s", len(units), error)
                self._done += units
                await asyncio.sleep(LONG_WAIT)


class Recovery:
    """Gives the jobs of processes that died back to their queues. Any number of processes may do so at once."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def run(self, stopping: asyncio.Event) -> None:
        """Looks at once and then again and again until told to stop."""
        while not stopping.is_set():
            try:
                await self.recover()
            except SidekiqError as error:
                LOGGER.error("jobs of lost processes could not be looked for: %s", error)
            try:
                async with asyncio.timeout(RECOVER_SECONDS):
                    await stopping.wait()
            except TimeoutError:
                continue

    async def recover(self) -> int:
        """How many jobs went back to their queues. Two trips where every process lives. Raises SidekiqError."""
        keys = self._db.keys
        owned = _owned(await self._db.command("SMEMBERS", keys.fetches))
        identities = list(owned)
        alive = await self._db.read([("EXISTS", keys.process(identity)) for identity in identities])
        moved = 0
        for identity, lives in zip(identities, alive, strict=True):
            if lives:
                continue
            for queue in owned[identity]:
                moved += await self._recover_list(identity, queue)
        return moved

    async def _recover_list(self, identity: str, queue: str) -> int:
        keys = self._db.keys
        given = [keys.process(identity), keys.fetched(identity, queue), keys.queue(queue), keys.queues, keys.fetches]
        moved = await self._db.command("EVAL", _RECOVER, len(given), *given, queue, entry(identity, queue))
        if moved == -2:
            LOGGER.error("the queue %s refuses the jobs that %s left", queue, identity)
        if count := natural(moved):
            LOGGER.warning("%d jobs of %s are back in %s: the process that ran them is gone", count, queue, identity)
        return count or 0


def entry(identity: str, queue: str) -> str:
    """A private list as the registry names it; no host's name has a bar in it."""
    return f"{identity}|{queue}"


def _owned(registry: object) -> Mapping[str, list[str]]:
    """The queues of each process in the registry."""
    owned: dict[str, list[str]] = {}
    for one in registry if isinstance(registry, list) else ():
        identity, bar, queue = to_text(one).partition("|")
        if bar:
            owned.setdefault(identity, []).append(queue)
    return owned
