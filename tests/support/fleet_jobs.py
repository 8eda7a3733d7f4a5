"""Jobs of worker processes under test, which write down in Redis what happens to them. They need REDIS_URL."""

from __future__ import annotations

import asyncio
import os
import time
from typing import ClassVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from sidekiq_tui.sidekiq.job_class import Job


class Known(Exception):
    """A failure on purpose, named as the Ruby job of the same name names it."""

    sidekiq_class = "RuntimeError"


_clients: dict[asyncio.AbstractEventLoop, Redis] = {}


def redis() -> Redis:
    """A connection pool of the loop."""
    loop = asyncio.get_running_loop()
    if loop not in _clients:
        _clients[loop] = Redis.from_url(
            os.environ["REDIS_URL"], protocol=2, legacy_responses=False, retry=Retry(NoBackoff(), 0)
        )
    return _clients[loop]


class FleetJob(Job):
    """Fails `failures` times, then is done."""

    async def perform(self, number: int, failures: int) -> None:
        if await redis().hincrby("runs", self.jid, 1) <= failures:
            raise Known("python")
        await redis().rpush("done", self.jid)
        await redis().incr("by python")


class SlowJob(Job):
    """Notes its start and its end, with some time between."""

    seconds: ClassVar[float] = float(os.environ.get("SLOW_SECONDS", "0.02"))

    async def perform(self, number: int) -> None:
        await redis().hincrby("begun", self.jid, 1)
        await asyncio.sleep(self.seconds)
        await redis().hincrby("ended", self.jid, 1)


class ThreadJob(Job):
    """The same in a thread, whose blocking nobody can cancel."""

    def perform(self, number: int) -> None:
        time.sleep(SlowJob.seconds)
