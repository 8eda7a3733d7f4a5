"""Operations on a real server, from plan to outcome, as commands and screens do them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from sidekiq_tui.operations.catalog import Operation, Undo
from sidekiq_tui.operations.operator import Operations
from sidekiq_tui.operations.outcome import Outcome
from sidekiq_tui.operations.run import Run
from sidekiq_tui.operations.selection import Rows
from sidekiq_tui.operations.who import Who
from sidekiq_tui.servers.profile import Profile
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.job import JobRecord, Place
from tests.support.jobs import payload

RETRY, SCHEDULE, DEAD, MAIL = Place("retry"), Place("schedule"), Place("dead"), Place("queue", "mail")
SET_PLACES = (RETRY, SCHEDULE, DEAD)


class Operator:
    """One person at one server. `profile` changes what is known of it, also later."""

    def __init__(self, url: str, home: Path, **options: Any) -> None:
        self.profile = Profile.from_url(url, "prod")
        self.timeout: float | None = options.pop("timeout", None)
        self._servers: dict[Profile, Server] = {}
        self.operations = Operations(lambda name: self.server, home=home, who=Who("anna", "ws3"), **options)

    @property
    def server(self) -> Server:
        """The server as its profile is now."""
        if self.profile not in self._servers:
            self._servers[self.profile] = Server(self.profile, timeout=self.timeout)
        return self._servers[self.profile]

    def change(self, **options: Any) -> None:
        """Changes the profile."""
        self.profile = replace(self.profile, **options)

    async def start(self, operation: Operation, **options: Any) -> Run:
        """Plans, answers what is asked, and starts."""
        plan = await self.operations.plan("prod", operation)
        return self.operations.start(plan, self.operations.question(plan).expected, **options)

    async def do(self, operation: Operation, **options: Any) -> Outcome:
        """From plan to outcome."""
        run = await self.start(operation, **options)
        outcome = await run.wait()
        if run.mistake is not None:
            raise run.mistake
        return outcome

    async def undo(self, outcome: Outcome) -> Outcome:
        """Takes back what ended so."""
        assert outcome.undo_id is not None, outcome
        return await self.do(Undo(operation=outcome.undo_id))

    async def rows(self, place: Place, count: int = 1000) -> Rows:
        """What lies there, as a list shows it."""
        return Rows((await self.server.page(place, 0, count)).jobs)

    async def close(self) -> None:
        """Ends it all."""
        await self.operations.close()
        for server in self._servers.values():
            await server.close()


def jid(number: int) -> str:
    """The jid of a made job."""
    return f"{number:024x}"


def job(number: int, **fields: Any) -> bytes:
    """The payload of a made job."""
    usual = {"class": "Invoice", "args": [number], "queue": "mail", "retry": True, "jid": jid(number)}
    return payload(**(usual | {"created_at": 1_700_000_000.5, "enqueued_at": 1_700_000_001.5} | fields))


async def reaches(run: Run, condition: Callable[[Run], bool]) -> None:
    """Waits until a run is so far, or has ended."""
    there = asyncio.Event()

    def look(_: Run) -> None:
        if condition(run) or run.outcome is not None:
            there.set()

    forget = run.subscribe(look)
    look(run)
    await asyncio.wait_for(there.wait(), 30)
    forget()


async def fill(raw: Any, place: Place, count: int, *, first: int = 0, **fields: Any) -> list[bytes]:
    """Puts jobs into a place: a set with rising scores from a year ago on, a queue with the first one oldest."""
    jobs = [job(number, **fields) for number in range(first, first + count)]
    if place.kind == "queue":
        await raw.sadd("queues", place.queue)
        for start in range(0, count, 1000):
            await raw.lpush(f"queue:{place.queue}", *jobs[start : start + 1000])
    else:
        for start in range(0, count, 1000):
            scored = {one: 1_750_000_000.25 + first + start + at for at, one in enumerate(jobs[start : start + 1000])}
            await raw.zadd(place.kind, scored)
    return jobs


async def everywhere(raw: Any) -> dict[str, Any]:
    """All of a server but what is sqtui's own: lists in order, sets with scores, all else as text."""
    found: dict[str, Any] = {}
    for key in sorted(await raw.keys("*")):
        name = key.decode()
        if name.startswith("sqtui:"):
            continue
        kind = await raw.type(key)
        if kind == b"list":
            found[name] = await raw.lrange(key, 0, -1)
        elif kind == b"zset":
            found[name] = await raw.zrange(key, 0, -1, withscores=True)
        elif kind == b"set":
            found[name] = await raw.smembers(key)
        elif kind == b"hash":
            found[name] = await raw.hgetall(key)
        else:
            found[name] = await raw.get(key)
    return found


async def lies(raw: Any) -> Counter[str]:
    """How often each job, by its jid, lies in a place of Sidekiq's."""
    found: Counter[str] = Counter()
    for name, value in (await everywhere(raw)).items():
        if name.startswith("queue:"):
            found.update(JobRecord(one, Place("queue", name)).jid or "" for one in value)
        elif name in ("retry", "schedule", "dead"):
            found.update(JobRecord(one, Place("dead")).jid or "" for one, _ in value)
    return found
