"""Profiles the runs that ask for it: payloads with a token in `profile` (protocol 9, profiler.rb@8.1.7)."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Final

from sidekiq_tui.sidekiq.database import Argument, Database
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.payload import to_bytes
from sidekiq_tui.sidekiq.worker.logs import LOGGER
from sidekiq_tui.sidekiq.worker.sampler import Sampler
from sidekiq_tui.sidekiq.worker.threads import watcher
from sidekiq_tui.sidekiq.worker.writes import transaction

KEPT_SECONDS: Final = 86_400
PROFILES_FROM: Final = 8
"""The first major version with profiles."""


class Profiler:
    """Runs jobs under a sampler and stores what it saw; nothing of a run that failed."""

    def __init__(self, db: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._db = db
        self._clock = clock

    async def run(self, payload: Mapping[str, object], run: Callable[[], Awaitable[None]]) -> None:
        """Runs a job. Raises what it raises; a profile that cannot be stored is only logged."""
        sampler = Sampler(_coroutine())
        token = watcher.set(sampler)
        sampler.start()
        try:
            await run()
        finally:
            sampler.stop()
            watcher.reset(token)
        try:
            name = str(payload.get("wrapped") or payload.get("class"))
            data = await asyncio.to_thread(partial(_packed, sampler, name))
            await self._store(payload, name, sampler, data)
        except (SidekiqError, ValueError) as error:
            LOGGER.error("the profile could not be stored: %s", error)

    async def _store(self, payload: Mapping[str, object], name: str, sampler: Sampler, data: bytes) -> None:
        token, jid = str(payload["profile"]), str(payload.get("jid") or "")
        key = f"{token}-{jid}"
        stamp = datetime.fromtimestamp(sampler.started_at, UTC).strftime("%Y%m%d-%H%M%S")
        fields: dict[str, Argument] = {
            "started_at": int(sampler.started_at),
            "token": to_bytes(token),
            "type": to_bytes(name),
            "jid": to_bytes(jid),
            "filename": to_bytes(f"{token}-{name}-{jid}-{stamp}.json.gz"),
            "elapsed": sampler.elapsed,
            "size": len(data),
            "data": data,
        }
        profile = self._db.keys.profile(key)
        await transaction(
            self._db,
            [
                ("ZADD", self._db.keys.profiles, self._clock() + KEPT_SECONDS, to_bytes(key)),
                ("HSET", profile, *(part for pair in fields.items() for part in pair)),
                ("EXPIRE", profile, KEPT_SECONDS),
            ],
        )


def _coroutine() -> object:
    task = asyncio.current_task()
    assert task is not None
    return task.get_coro()


def _packed(sampler: Sampler, name: str) -> bytes:
    return gzip.compress(sampler.profile(name))
