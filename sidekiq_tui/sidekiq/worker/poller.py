"""Moves jobs that are due from `retry` and `schedule` to their queues (protocol 15.5).

Ruby's takes a job out of the set and then pushes it: killed in between, the job is gone, as is one that it cannot read.
Here one script looks that the entry is still there, pushes, and removes.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from typing import Final

from sidekiq_tui.sidekiq.client import Client
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.keys import SetName
from sidekiq_tui.sidekiq.payload import decode, to_bytes
from sidekiq_tui.sidekiq.replies import natural, whole
from sidekiq_tui.sidekiq.worker.again import made_again
from sidekiq_tui.sidekiq.worker.config import WorkerConfig
from sidekiq_tui.sidekiq.worker.logs import LOGGER

SETS: Final[tuple[SetName, ...]] = ("retry", "schedule")
BATCH: Final = 50
"""Entries in one script, so that Redis is not held up."""
PER_PROCESS: Final = 5.0
"""Seconds between two looks for each process of the fleet."""
FIRST_WAIT: Final = 10.0
MANY_PROCESSES: Final = 10

# KEYS: the set, `queues`, the dead set, then a queue for each entry. ARGV: now, then (old, new, queue) for each; an
# empty `new` means that no Sidekiq could run it: it goes to the dead set. Returns what became of each: 1 moved,
# 2 dead, 0 no longer there, -1 its queue refuses it.
_PROMOTE: Final = b"""
local results = {}
for index = 4, #KEYS do
  local at = (index - 4) * 3 + 2
  local old, new, queue = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local result = 0
  if redis.call('ZSCORE', KEYS[1], old) then
    local added
    if new == '' then
      added, result = redis.pcall('ZADD', KEYS[3], ARGV[1], old), 2
    else
      added, result = redis.pcall('LPUSH', KEYS[index], new), 1
      if type(added) == 'number' then redis.pcall('SADD', KEYS[2], queue) end
    end
    if type(added) == 'number' then redis.call('ZREM', KEYS[1], old) else result = -1 end
  end
  results[#results + 1] = result
end
return results
"""


class Poller:
    """Looks for jobs that are due; times are Unix seconds."""

    def __init__(
        self, config: WorkerConfig, db: Database, client: Client, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._config = config
        self._db = db
        self._client = client
        self._clock = clock

    async def run(self, stopping: asyncio.Event) -> None:
        """Looks again and again until told to stop."""
        if self._config.poll_interval is None and await _paused(stopping, FIRST_WAIT + 5 * random.random()):
            return
        while not stopping.is_set():
            try:
                await self.enqueue_due(stopping)
                wait = self.wait(natural(await self._db.command("SCARD", self._db.keys.processes)) or 1)
            except SidekiqError as error:
                LOGGER.error("jobs that are due could not be enqueued: %s", error)
                wait = PER_PROCESS
            if await _paused(stopping, wait):
                return

    async def enqueue_due(self, stopping: asyncio.Event | None = None) -> int:
        """Moves all that are due now; how many. Raises SidekiqError."""
        moved = 0
        for name in SETS:
            stuck = 0
            while stopping is None or not stopping.is_set():
                key, now = self._db.keys.job_set(name), self._clock()
                due = await self._db.command("ZRANGEBYSCORE", key, "-inf", now, "LIMIT", stuck, BATCH)
                raws = [raw for raw in due if isinstance(raw, bytes)] if isinstance(due, list) else []
                if not raws:
                    break
                results = await self._promote(key, raws, now)
                moved += results.count(1)
                refused = results.count(-1)
                if refused:
                    LOGGER.error("%d jobs stay in %s: they could not be pushed", refused, name)
                stuck += refused
        return moved

    def wait(self, processes: int) -> float:
        """Seconds until the next look, so that the fleet looks about every five seconds (scheduled.rb)."""
        average = self._config.poll_interval or processes * PER_PROCESS
        if processes < MANY_PROCESSES:
            return average * (0.5 + random.random())
        return average * 2 * random.random()

    async def _promote(self, key: bytes, raws: Sequence[bytes], now: float) -> list[int | None]:
        keys = self._db.keys
        queues: list[bytes] = []
        arguments: list[str | bytes] = []
        stopped: list[bytes] = []
        refused: list[int | None] = []
        for raw in raws:
            try:
                made = await self._made(raw, now)
            except Exception:  # of middleware, or it made what is no JSON: the job stays, the others go on
                LOGGER.exception("a job that is due could not be made ready")
                refused.append(-1)
                continue
            if made is None:
                stopped.append(raw)
                continue
            new, queue = made
            queues.append(keys.queue(queue))
            arguments += [raw, new, to_bytes(queue)]
        if stopped:
            await self._db.command("ZREM", key, *stopped)
        if not queues:
            return refused
        given = [key, keys.queues, keys.dead, *queues]
        reply = await self._db.command("EVAL", _PROMOTE, len(given), *given, now, *arguments)
        return [*refused, *(whole(one) for one in (reply if isinstance(reply, list) else ()))]

    async def _made(self, raw: bytes, now: float) -> tuple[bytes, str] | None:
        """What is pushed, and where; empty bytes for what could not be run, None for what middleware stopped."""
        item = decode(raw)
        if item is None or not isinstance(item.get("class"), str) or not isinstance(item.get("args"), list):
            return b"", ""
        return await made_again(self._client, raw, item, now, self._config.form)


async def _paused(stopping: asyncio.Event, seconds: float) -> bool:
    """Waits; True if told to stop meanwhile."""
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        return False
    return True
