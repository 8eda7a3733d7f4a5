"""The app over two servers that are two Redis, for moves and copies between them by keyboard."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import redis

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.servers.profile import Profile
from tests.support.fleets import client
from tests.support.live import Live, app_over
from tests.support.operating import job

QUEUE = "queue:mail"


@dataclass
class Sides:
    """Clients to both, apart from everything under test; `dev` is another database of the second Redis."""

    prod: redis.Redis
    staging: redis.Redis
    dev: redis.Redis
    profiles: dict[str, Profile]

    def change(self, name: str, **options: Any) -> None:
        """Changes a profile before the app starts."""
        self.profiles[name] = replace(self.profiles[name], **options)

    def rename(self, name: str, new: str) -> None:
        """Calls a server something else."""
        self.profiles = {new if one == name else one: profile for one, profile in self.profiles.items()}
        self.profiles[new] = replace(self.profiles[new], name=new)

    def away(self) -> None:
        """Adds a server whose socket is not there."""
        self.profiles["mail"] = Profile(name="mail", socket=str(Path("no") / "such.sock"), access="full")

    def queued(self, count: int, queue: str = "mail", first: int = 0, **fields: Any) -> list[bytes]:
        """Puts jobs into a queue of prod, the first is the oldest."""
        jobs = [job(number, queue=queue, **fields) for number in range(first, first + count)]
        self.prod.sadd("queues", queue)
        self.prod.lpush(f"queue:{queue}", *jobs)
        return jobs

    def removed(self, one: bytes, queue: str = "mail") -> None:
        """A worker of prod takes a job."""
        client: Any = self.prod
        client.lrem(f"queue:{queue}", 1, one)

    def broken(self) -> None:
        """Something lies on staging where the queue should be: nothing can be put there."""
        self.staging.set(QUEUE, "no list")

    def mended(self) -> None:
        """It is gone."""
        self.staging.delete(QUEUE)

    def begun_long_ago(self) -> None:
        """What was begun on prod is so old that nobody is at it."""
        known: Any = self.prod.zrange("sqtui:ops", 0, -1)
        self.prod.zadd("sqtui:ops", dict.fromkeys(known, time.time() - 3600))

    @asynccontextmanager
    async def app(self, **options: Any) -> AsyncIterator[Live]:
        """Runs it."""
        async with app_over(list(self.profiles.values()), **options) as live:
            yield live


async def asked(live: Live, kind: type[object]) -> None:
    """Waits for a dialog with all that it says."""
    await live.until(lambda: isinstance(live.app.screen, kind) and "esc cancel" in live.text)


@asynccontextmanager
async def two_sides(first: EmbeddedRedis, second: EmbeddedRedis) -> AsyncIterator[Sides]:
    """Empties both."""
    async with AsyncExitStack() as stack:
        clients = [stack.enter_context(client(*one)) for one in ((first, 0), (second, 0), (second, 1))]
        for one in clients:
            one.flushall()
        places = {"prod": (first, 0, None), "staging": (second, 0, "staging"), "dev": (second, 1, "development")}
        profiles = {
            name: Profile(name=name, socket=str(server.socket), database=database, label=label, access="full")
            for name, (server, database, label) in places.items()
        }
        sides = Sides(clients[0], clients[1], clients[2], profiles)
        yield sides
